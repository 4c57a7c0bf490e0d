//! The kinds of figures.

mod bars;
mod heatmap;
mod images;
mod lines;
mod range;
mod table;

pub(crate) use bars::bars;
pub(crate) use heatmap::heatmap;
pub(crate) use images::{Gallery, images};
pub(crate) use lines::lines;
pub(crate) use table::table;
