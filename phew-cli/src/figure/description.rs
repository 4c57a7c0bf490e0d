//! The description of a figure, as TOML.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use super::axis::{Axis, Scale};
use super::one_or_many::one_or_many;
use crate::failure::usage;
use crate::sweep::Condition;

/// What a figure shows, and how. A column is a setting, a value, or
/// - `layers.*.units_alive`, a pattern: one point for each key that fits, `layer` being what the `*` stands for,
/// - a series, such as `curve.test_accuracy`: one point for each of its entries, `epoch` being the time, or what `x`
///   names: the series of that name, `curve.step`, or where there is none the number of the entry.
///
/// ```
/// let figure: phew_cli::figure::Figure = phew_cli::figure::Figure::from_toml(
///     r#"
///     title = "Test accuracy by density"
///     by = "method"
///     panel = "arch"
///     where = ["density<=0.2"]
///     reference = [{ series = "dense" }]
///     x = "density"
///     y = { key = "accuracy", min = 0 }
///     "#,
/// )?;
/// assert_eq!(figure.y[0].key, "accuracy");
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// Stands above the figure.
    pub title: Option<String>,
    /// How it is drawn.
    #[serde(default)]
    pub kind: Kind,
    /// What is told apart from left to right; a table without it has a column for each quantity.
    pub x: Option<Axis>,
    /// What is shown; several quantities have a panel each.
    #[serde(default, deserialize_with = "one_or_many")]
    pub y: Vec<Axis>,
    /// Columns that tell series apart: lines, bars of a group, rows of a heatmap or a table.
    #[serde(default, deserialize_with = "one_or_many")]
    pub by: Vec<String>,
    /// Columns that tell panels apart.
    #[serde(default, deserialize_with = "one_or_many")]
    pub panel: Vec<String>,
    /// The setting whose values make the points, where `x` is measured: a point lies at the mean of its rows.
    pub at: Option<String>,
    /// Which rows are taken: those for which all conditions hold.
    #[serde(default, rename = "where")]
    pub conditions: Vec<Condition>,
    /// Layers that are not shown: names or patterns with one `*`, as in `*.shortcut.weight`.
    #[serde(default, deserialize_with = "one_or_many")]
    pub without: Vec<String>,
    /// Series, panels and categories that come first, in this order.
    #[serde(default)]
    pub order: Vec<String>,
    /// What series, panels and categories are called.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    /// Horizontal lines.
    #[serde(default)]
    pub reference: Vec<Reference>,
    /// Takes of each series only the rows that just come close to another series.
    pub least: Option<Least>,
    /// Values relative to those of another series.
    pub relative: Option<Relative>,
    /// Gives each panel a vertical axis of its own, where all panels of a quantity share one otherwise.
    #[serde(default)]
    pub own_axes: bool,
    /// Divides the values of each panel by the greatest mean in it.
    #[serde(default)]
    pub normalise: bool,
    /// Stands under the figure: what was shrunk.
    pub note: Option<String>,
    /// Width in millimetres: 85, a column, or 178, a page, as there are panels.
    pub width: Option<f64>,
    /// Panels beside each other.
    pub columns: Option<usize>,
    /// What a figure of kind `images` shows.
    #[serde(default)]
    pub images: Vec<ImageSource>,
}

/// How a figure is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Means over x, with a band of one standard deviation.
    #[default]
    Lines,
    /// Means as bars, with whiskers of one standard deviation.
    Bars,
    /// Means as colours: x by columns, series by rows.
    Heatmap,
    /// Means and standard deviations as numbers: x by columns, series by rows.
    Table,
    /// A point for each row.
    Scatter,
    /// Pictures from files.
    Images,
}

phew_graph::choice! {
    Kind, "kind of a figure":
    Lines => "lines", "Means over x, with a band of one standard deviation",
    Bars => "bars", "Means as bars, with whiskers of one standard deviation",
    Heatmap => "heatmap", "Means as colours: x by columns, series by rows",
    Table => "table", "Means and standard deviations as numbers",
    Scatter => "scatter", "A point for each row",
    Images => "images", "Pictures from files, by a description alone",
}

/// A horizontal line: at a value, or at the mean of a series, which then is not drawn otherwise.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The value.
    pub value: Option<f64>,
    /// The series.
    pub series: Option<String>,
    /// What it is called in the legend.
    pub label: Option<String>,
}

/// Values relative to those of another series, in the same panel and, where there are such, at the same x and seed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relative {
    /// The series; it is not drawn otherwise.
    pub to: String,
    /// What is taken of the two.
    #[serde(rename = "as")]
    pub operation: Operation,
}

/// Of each series, in each panel, the rows of the least `key` at which its mean of `y` is at least that of another series
/// minus `within`. A series that never comes so close is not drawn, and the figure names it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Least {
    /// The setting of which the least is wanted.
    pub key: String,
    /// What is to come close.
    pub y: String,
    /// By how much it may be below.
    pub within: f64,
    /// The other series, which counts whatever `where` says.
    pub of: String,
}

/// What is taken of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Their ratio.
    Ratio,
    /// Their difference.
    Difference,
}

/// Pictures in a file: a row of a figure of kind `images`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSource {
    /// A safetensors file, a path from the folder of the rows; one that begins with `jobs/` from that of the jobs. With `{KEY}` for settings there is a file for each row
    /// of the figure.
    pub file: String,
    /// What its tensors are.
    pub show: Show,
    /// Stands beside the pictures; `{KEY}` is a setting.
    #[serde(default)]
    pub label: String,
    /// The tensors that are shown: names or patterns with one `*`; all by default.
    #[serde(default, deserialize_with = "one_or_many")]
    pub tensors: Vec<String>,
    /// As many pictures at most.
    pub limit: Option<usize>,
}

/// What the tensors of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Show {
    /// The masks of layers: a picture each, with a row for each output unit; kept weights are dark.
    Masks,
    /// Grey or coloured pictures `[height, width]`, `[n, height, width]` or `[n, channels, height, width]` of values
    /// from 0 to 1.
    Pictures,
}

impl Figure {
    /// Reads and checks a description.
    ///
    /// # Errors
    /// If it is no such TOML, or its parts do not fit together; the error names the field.
    pub fn from_toml(text: &str) -> anyhow::Result<Self> {
        let figure: Self = toml::from_str(text).map_err(|e| usage(e.to_string().trim_end()))?;
        figure.check()?;
        Ok(figure)
    }

    /// Reads and checks the description in a file.
    ///
    /// # Errors
    /// As [`Figure::from_toml`], with the file's name.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let text = phew_graph::read_text(path).with_context(|| path.display().to_string())?;
        Self::from_toml(&text).map_err(|e| usage(format!("{}: {e}", path.display())))
    }

    /// Whether its parts fit together.
    ///
    /// # Errors
    /// The first that does not, by name.
    pub fn check(&self) -> anyhow::Result<()> {
        let wrong = |field: &str, reason: &str| Err(usage(format!("figure: {field}: {reason}")));
        if self.kind == Kind::Images {
            return match self.images.is_empty() {
                true => wrong("images", "missing, expected at least one [[images]]"),
                false => Ok(()),
            };
        }
        if !self.images.is_empty() {
            return wrong("images", "given, but `kind` is not \"images\"");
        }
        if self.y.is_empty() {
            return wrong("y", "missing, expected the column that is shown");
        }
        // Of a pattern or a series, what tells the points apart is known.
        let several = self.y.iter().any(|y| y.key.contains(['*', '.']));
        if self.x.is_none() && !several && self.kind != Kind::Table {
            return wrong("x", "missing, expected the column from left to right");
        }
        if self.width.is_some_and(|width| !(20.0..=1000.0).contains(&width)) {
            return wrong("width", "expected 20 to 1000 millimetres");
        }
        if self.columns == Some(0) {
            return wrong("columns", "0, expected at least 1");
        }
        if self.y.iter().any(|y| y.scale == Some(Scale::Category)) {
            return wrong("y.scale", "\"category\", expected \"linear\" or \"log\"");
        }
        for axis in self.y.iter().chain(&self.x) {
            let bounds = [axis.min, axis.max];
            if bounds.iter().flatten().any(|bound| !bound.is_finite())
                || matches!(bounds, [Some(min), Some(max)] if min >= max)
            {
                return wrong(&axis.key, "`min` and `max`, expected finite numbers in this order");
            }
        }
        for line in &self.reference {
            if line.value.is_some() == line.series.is_some() {
                return wrong("reference", "expected one of `value` and `series`");
            }
            if line.series.is_some() && self.by.is_empty() {
                return wrong("reference.series", "given, but `by` tells no series apart");
            }
        }
        for (field, given) in
            [("relative", self.relative.is_some()), ("least", self.least.is_some())]
        {
            if given && self.by.is_empty() {
                return wrong(field, "given, but `by` tells no series apart");
            }
        }
        if self.least.as_ref().is_some_and(|least| least.within.is_nan() || least.within < 0.0) {
            return wrong("least.within", "expected 0 or more");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_may_stand_alone_in_lists_or_with_what_is_different() {
        let text = "y = ['a', { key = 'b', scale = 'log', min = 1 }]\nx = 'density'\nby = 'method'";
        let figure = Figure::from_toml(text).unwrap();
        assert_eq!((figure.y.len(), figure.y[1].min), (2, Some(1.0)));
        assert_eq!((figure.by.as_slice(), figure.kind), (&["method".to_owned()][..], Kind::Lines));
        let text = "kind = 'heatmap'\ny = { key = 'layers.*.density' }";
        assert_eq!(Figure::from_toml(text).unwrap().y[0].key, "layers.*.density");
    }

    #[test]
    fn what_does_not_fit_together_is_named() {
        for (text, part) in [
            ("y = 'a'\nx = 'b'\ncolour = 'red'", "colour"),
            ("y = { key = 'a', skale = 'log' }\nx = 'b'", "skale"),
            ("y = { label = 'a' }\nx = 'b'", "key"),
            ("x = 'b'", "y: missing"),
            ("y = 'a'", "x: missing"),
            ("y = 'a'\nx = 'b'\nkind = 'pie'", "pie"),
            ("y = 'a'\nx = 'b'\nwhere = ['c']", "condition `c`"),
            ("y = { key = 'a', min = 2, max = 1 }\nx = 'b'", "`min` and `max`"),
            ("y = { key = 'a', scale = 'category' }\nx = 'b'", "y.scale"),
            ("y = 'a'\nx = 'b'\nreference = [{ label = 'c' }]", "reference"),
            ("y = 'a'\nx = 'b'\nrelative = { to = 'c', as = 'ratio' }", "relative"),
            ("y = 'a'\nx = 'b'\nleast = { key = 'b', y = 'a', within = 0.1, of = 'c' }", "least"),
            ("kind = 'images'", "images"),
            ("y = 'a'\nx = 'b'\nwidth = 5", "width"),
        ] {
            let error = Figure::from_toml(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
