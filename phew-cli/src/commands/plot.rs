//! `phew plot`: a figure from the rows of a sweep.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::args::{check_output, choice, overwrite};
use crate::collect::{Row, Rows};
use crate::command::{Command, Example, Report};
use crate::failure::usage;
use crate::figure::{Axis, Condition, Drawing, Figure, Kind, Reference, Scale, has};
use crate::output::counted;
use crate::sweep::Folder;

/// Draw a figure from the rows of a sweep, as SVG and PNG, with the CSV of what is drawn.
///
/// A column is a setting or a value of the rows: `density`, `accuracy`; a pattern, `layers.*.density`, with `layer` for
/// what the `*` stands for; or a series, `curve.test_accuracy`, with `epoch` for its time. Rows that agree in x, series
/// and panel are repetitions, of which the mean and one standard deviation are drawn.
#[derive(Debug, Args)]
pub struct Plot {
    /// Folder with `rows.jsonl`, as `phew collect` writes it, or such a file
    #[arg(value_name = "DIR|FILE")]
    rows: PathBuf,

    /// Draw what this description says (TOML); --where adds to its conditions
    #[arg(long, value_name = "FILE.toml", conflicts_with = "Described")]
    figure: Option<PathBuf>,

    #[command(flatten)]
    described: Described,

    /// Take the rows for which this holds: `method!=dense`, `density<=0.1`, `arch=resnet20|vgg19`; several hold together
    #[arg(
        long = "where",
        value_name = "CONDITION",
        value_delimiter = ',',
        help_heading = "Columns"
    )]
    conditions: Vec<Condition>,

    /// Write NAME.svg, NAME.png and NAME.csv; by default a name after the description or the columns, beside the rows
    #[arg(short, long, value_name = "NAME", help_heading = "Output")]
    output: Option<PathBuf>,

    /// Replace the files if they exist
    #[arg(long, help_heading = "Output")]
    force: bool,
}

/// A description on the command line.
#[derive(Debug, Args)]
#[group(id = "Described", multiple = true)]
struct Described {
    /// Column from left to right: the density by default
    #[arg(long, value_name = "COLUMN", help_heading = "Columns")]
    x: Option<String>,

    /// Columns that are shown, a panel each: the accuracy by default
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', help_heading = "Columns")]
    y: Vec<String>,

    /// Columns that tell series apart: the method by default
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', help_heading = "Columns")]
    by: Vec<String>,

    /// Columns that tell panels apart
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', help_heading = "Columns")]
    panel: Vec<String>,

    /// How it is drawn
    #[arg(long, value_parser = choice::<Kind>(), default_value_t, help_heading = "Look")]
    kind: Kind,

    /// Axes of decades: x, y or both
    #[arg(long, value_name = "AXES", value_delimiter = ',', help_heading = "Look")]
    log: Vec<Which>,

    /// Proportional axes
    #[arg(long, value_name = "AXES", value_delimiter = ',', help_heading = "Look")]
    linear: Vec<Which>,

    /// A horizontal line: at a number, or at the mean of a series, such as `dense`
    #[arg(long, value_name = "SERIES|NUMBER", help_heading = "Look")]
    reference: Vec<String>,

    /// Give each panel a vertical axis of its own
    #[arg(long, help_heading = "Look")]
    own_axes: bool,

    /// Stands above the figure
    #[arg(long, help_heading = "Look")]
    title: Option<String>,

    /// Stands under the figure
    #[arg(long, help_heading = "Look")]
    note: Option<String>,
}

/// One of the two axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// From left to right.
    X,
    /// From bottom to top.
    Y,
}

/// A figure that was drawn.
#[derive(Clone, Debug, Serialize)]
pub struct PlotReport {
    /// SVG, PNG and CSV.
    pub files: [PathBuf; 3],
    /// Panels, or rows of pictures.
    pub panels: usize,
    /// Series, or pictures in the longest row.
    pub series: usize,
    /// Points, or pictures.
    pub points: usize,
    /// Rows that are shown.
    pub rows: usize,
    /// Numbers that have no place on the axes: the logarithm of 0, nothing to compare with.
    pub without: usize,
    /// Rows that should be there, and are not whole.
    pub missing: usize,
}

impl Described {
    /// As a description; what is not given is what the rows have of the usual columns.
    fn figure(&self, rows: &[Row]) -> Figure {
        let usual = |key: &str| has(rows, key).then(|| key.to_owned());
        let or_usual = |given: &[String], key: &str| match given {
            [] => usual(key).into_iter().collect(),
            given => given.to_vec(),
        };
        let scale = |which: Which| match (self.log.contains(&which), self.linear.contains(&which)) {
            (true, _) => Some(Scale::Log),
            (_, true) => Some(Scale::Linear),
            _ => None,
        };
        let axis = |key: String, which| Axis { scale: scale(which), ..Axis::of(key) };
        let y: Vec<String> = match &*self.y {
            // Named all the same, so that the error says what is missing.
            [] => vec!["accuracy".into()],
            given => given.to_vec(),
        };
        // The times of a series, or the layers of a pattern, lie from left to right by themselves.
        let series = |key: &String| rows.iter().any(|row| row.series.contains_key(key));
        let within = y.iter().any(|key| key.contains('*') || series(key));
        let x = self.x.clone().or_else(|| usual("density").filter(|_| !within));
        let by = or_usual(&self.by, "method");
        let reference = |text: &String| {
            let value = text.parse::<f64>().ok();
            let series = value.is_none().then(|| text.clone());
            Reference { value, series, label: None }
        };
        Figure {
            title: self.title.clone(),
            kind: self.kind,
            by: by.into_iter().filter(|key| Some(key) != x.as_ref()).collect(),
            x: x.map(|key| axis(key, Which::X)),
            y: y.into_iter().map(|key| axis(key, Which::Y)).collect(),
            panel: self.panel.clone(),
            reference: self.reference.iter().map(reference).collect(),
            own_axes: self.own_axes,
            note: self.note.clone(),
            ..Figure::default()
        }
    }
}

impl Plot {
    /// The files' common name: as given, or after the description or the columns, beside the rows.
    fn name(&self, figure: &Figure, folder: &Path) -> PathBuf {
        if let Some(name) = &self.output {
            return name.clone();
        }
        let stem = self.figure.as_deref().and_then(Path::file_stem);
        let columns = || {
            let keys = figure.y.iter().chain(&figure.x).map(|axis| axis.key.as_str());
            keys.collect::<Vec<_>>().join("-by-").replace(['*', '/', '\\'], "x").into()
        };
        folder.join(stem.map_or_else(columns, std::ffi::OsStr::to_owned))
    }
}

impl Command for Plot {
    const NAME: &'static str = "plot";
    const EXAMPLES: &'static [Example] = &[
        ("accuracy by density, a line for each method", "phew plot sweep"),
        (
            "a panel for each network, dense as a line across",
            "phew plot sweep --panel arch --reference dense --where method!=random -o accuracy",
        ),
        ("the density of each layer", "phew plot sweep --y layers.*.density --panel density"),
        ("what a file describes, of these rows", "phew plot sweep/rows.jsonl --figure figure.toml"),
    ];
    type Report = PlotReport;

    fn run(&self) -> anyhow::Result<PlotReport> {
        let file = match self.rows.is_dir() {
            true => self.rows.join("rows.jsonl"),
            false => self.rows.clone(),
        };
        let rows = Rows::read(&file)?;
        if rows.is_empty() {
            return Err(usage(format!("{}: has no row, expected one or more", file.display())));
        }
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let mut figure = match &self.figure {
            Some(path) => Figure::load(path)?,
            None => self.described.figure(&rows),
        };
        figure.conditions.extend(self.conditions.iter().cloned());
        let name = self.name(&figure, folder);
        for path in Drawing::paths(&name) {
            check_output(&path, self.force)?;
        }
        // Masks and examples lie where the jobs do.
        let store = Folder::read(folder).map(|folder| folder.store.root().to_owned());
        let of_jobs = figure.images.iter().all(|source| source.file.starts_with("jobs/"));
        let place = store.ok().filter(|_| of_jobs).unwrap_or_else(|| folder.to_owned());
        let drawing = figure.draw(&rows, &place)?;
        let files = drawing.write(&name, overwrite(self.force))?;
        let Drawing { panels, series, points, rows, without, missing, .. } = drawing;
        Ok(PlotReport { files, panels, series, points, rows, without, missing })
    }
}

impl Report for PlotReport {
    fn text(&self) -> String {
        let mut out: String =
            self.files.iter().map(|file| format!("{}\n", file.display())).collect();
        out += &format!(
            "{}, {} series, {} from {}\n",
            counted(self.panels, "panel"),
            self.series,
            counted(self.points, "point"),
            counted(self.rows, "row"),
        );
        if self.without > 0 {
            out += &format!("{} without a place on the axes\n", counted(self.without, "number"));
        }
        if self.missing > 0 {
            out += &format!("{} missing\n", counted(self.missing, "result"));
        }
        out
    }
}
