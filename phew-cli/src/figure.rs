//! Figures from the rows of a sweep: a description in TOML and the rows give SVG, PNG and the CSV of what is drawn.
//!
//! Rows become a chart: samples (`samples.rs`) by panel, series and x, with their statistics (`chart.rs`). The kinds of
//! figures (`plots/`) make a drawing of it (`scene.rs`), which is written as SVG and PNG.
//!
//! ```
//! use phew_cli::collect::Row;
//! use phew_cli::figure::Figure;
//!
//! let row = |method: &str, density: f64, accuracy: f64| -> serde_json::Result<Row> {
//!     serde_json::from_value(serde_json::json!({
//!         "schema": 1,
//!         "settings": { "method": method, "density": density },
//!         "values": { "accuracy": accuracy },
//!     }))
//! };
//! let rows = [row("phew", 0.1, 0.9)?, row("phew", 0.2, 0.92)?, row("snip", 0.1, 0.89)?];
//! let figure = Figure::from_toml("x = 'density'\ny = 'accuracy'\nby = 'method'")?;
//! let drawing = figure.draw(&rows, ".".as_ref())?;
//! assert!(drawing.csv.contains("snip,10,test accuracy (%),89,,1"));
//! # Ok::<(), anyhow::Error>(())
//! ```

mod axis;
mod cell;
mod chart;
mod columns;
mod csv;
mod description;
mod drawing;
mod font;
mod known;
mod marker;
mod measure;
mod names;
mod notes;
mod one_or_many;
mod page;
mod panels;
mod pictures;
mod plots;
mod raster;
mod ruler;
mod samples;
mod scene;
mod style;
mod svg;

pub use crate::collect::Statistics;
pub use crate::sweep::Condition;
pub use axis::{Axis, Scale};
pub use description::{Figure, ImageSource, Kind, Least, Operation, Reference, Relative, Show};
pub use drawing::Drawing;

pub(crate) use columns::has;
pub(crate) use svg::{escaped, font_face, without_font};
