//! What a figure shows, before it has a size.

use crate::collect::Statistics;
use crate::figure::measure::Measure;
use crate::figure::style::Style;

/// Everything that a figure shows.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    pub(crate) x: Measure,
    pub(crate) quantities: Vec<Measure>,
    /// The names of what x tells apart, where its scale is one of categories.
    pub(crate) categories: Option<Vec<String>>,
    pub(crate) series: Vec<Series>,
    pub(crate) lines: Vec<Line>,
    /// One after the other by quantity, then by what the description says.
    pub(crate) panels: Vec<Panel>,
    /// Rows that are shown.
    pub(crate) rows: usize,
    /// Numbers that have no place: the logarithm of nothing, nothing to compare with.
    pub(crate) without: usize,
    /// Rows that should be there, and are not whole.
    pub(crate) missing: usize,
    /// Series, with their panels, that never come close enough to another.
    pub(crate) left_out: Vec<String>,
}

/// A series: its name and its look.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) style: Style,
}

/// A horizontal line: its name in the legend.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
}

/// A panel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panel {
    pub(crate) name: String,
    pub(crate) quantity: usize,
    /// The names of what x tells apart here, where panels have axes of their own and layers stand by their names.
    pub(crate) categories: Option<Vec<String>>,
    /// The points of each series, in the order of x.
    pub(crate) points: Vec<Vec<Point>>,
    /// The height of each horizontal line that it has.
    pub(crate) lines: Vec<Option<Statistics>>,
}

/// A point.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    /// Its place on the axis: of a category, its number.
    pub(crate) x: f64,
    /// As the rows have it.
    pub(crate) label: String,
    pub(crate) y: Statistics,
}
