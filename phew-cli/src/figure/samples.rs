//! The numbers of a figure before any statistics: which rows, and of a pattern or a series each entry.

use std::collections::{BTreeMap, BTreeSet};

use super::axis::Axis;
use super::cell::Cell;
use super::columns::{cell, has, listed, matched};
use super::description::{Figure, Kind};
use crate::collect::Row;
use crate::failure::usage;

/// What the `*` of a pattern is called as a column.
const LAYER: &str = "layer";

/// What the time of a series is called, unless `x` says otherwise.
const EPOCH: &str = "epoch";

/// The column of a table whose columns are its quantities: every row has the same in it.
pub(crate) const NOTHING: &str = "";

/// A number of a row.
#[derive(Clone, Debug)]
pub(crate) struct Sample<'r> {
    pub(crate) row: &'r Row,
    /// What tells it apart within its row: the column's name, and what is in it.
    within: Option<(&'r str, Cell)>,
    /// The place of its quantity among those of the figure.
    pub(crate) quantity: usize,
    /// As it is stored.
    pub(crate) value: f64,
}

impl Sample<'_> {
    /// A column of the sample's row, or what tells it apart within.
    pub(crate) fn cell(&self, key: &str) -> Option<Cell> {
        match &self.within {
            Some((name, cell)) if *name == key => Some(cell.clone()),
            _ if key == NOTHING => Some(Cell::Text(String::new())),
            _ => cell(self.row, key),
        }
    }

    /// The entries of several columns; those that a row lacks are left out.
    pub(crate) fn cells(&self, keys: &[String]) -> Vec<Cell> {
        keys.iter().filter_map(|key| self.cell(key)).collect()
    }
}

/// The column from left to right: that of the description, or the one that tells apart what a row holds of `y`; of a
/// table that has none, nothing does.
pub(crate) fn x_of(figure: &Figure, rows: &[Row]) -> Axis {
    let pattern = figure.y.iter().any(|y| y.key.contains('*'));
    let usual = || match figure.kind {
        _ if pattern => LAYER,
        Kind::Table if !of_series(figure, rows) => NOTHING,
        _ => EPOCH,
    };
    figure.x.clone().unwrap_or_else(|| Axis::of(usual()))
}

/// All numbers that the figure's quantities have in the rows, whatever the conditions.
///
/// # Errors
/// If a column is in no row: the columns that there are.
pub(crate) fn samples<'r>(
    figure: &'r Figure,
    x: &'r str,
    rows: &'r [Row],
) -> anyhow::Result<Vec<Sample<'r>>> {
    check_columns(figure, x, rows)?;
    let mut found = Vec::new();
    for (quantity, y) in figure.y.iter().enumerate() {
        for row in rows {
            let mut add = |within, value| found.push(Sample { row, within, quantity, value });
            if let Some(series) = row.series.get(&y.key) {
                let time = if cell(row, x).is_some() { EPOCH } else { x };
                let times = times(row, &y.key, time);
                for (place, value) in series.iter().enumerate() {
                    let given = times.and_then(|times| times.get(place)).copied();
                    let at = given.unwrap_or((place + 1) as f64);
                    add(Some((time, Cell::Number(at))), *value);
                }
            } else if y.key.contains('*') {
                let start = y.key.split('*').next().unwrap_or_default();
                for (key, value) in &row.values {
                    let layer = matched(&y.key, key);
                    if let Some(layer) = layer.filter(|layer| shown(figure, row, start, layer)) {
                        add(Some((LAYER, Cell::of_text(layer))), *value);
                    }
                }
            } else if let Some(value) = cell(row, &y.key).and_then(|cell| cell.number()) {
                add(None, value);
            }
        }
    }
    Ok(found)
}

/// Whether a layer, the entry of this number, is none of those that the figure leaves out by their names.
fn shown(figure: &Figure, row: &Row, start: &str, layer: &str) -> bool {
    let name = row.names.get(&format!("{start}{layer}"));
    let fits = |pattern: &String, name: &str| pattern == name || matched(pattern, name).is_some();
    !name.is_some_and(|name| figure.without.iter().any(|pattern| fits(pattern, name)))
}

/// The times of a series: that of their name which begins as the series does, as `curve.epoch` is of `curve.loss`.
fn times<'r>(row: &'r Row, series: &str, time: &str) -> Option<&'r Vec<f64>> {
    let beside = series.rsplit_once('.').map(|(start, _)| format!("{start}.{time}"));
    row.series.get(beside.as_deref().unwrap_or(time))
}

/// Whether a row has a quantity: a column, any that fits a pattern, or a series.
pub(crate) fn measured(row: &Row, quantity: &str) -> bool {
    row.series.contains_key(quantity)
        || cell(row, quantity).is_some()
        || row.values.keys().any(|key| matched(quantity, key).is_some())
}

/// The names of the layers that the figure's patterns find in the rows, by their numbers: of those that are called the same
/// in all rows.
pub(crate) fn layer_names(figure: &Figure, rows: &[&Row]) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, BTreeSet<&String>> = BTreeMap::new();
    for start in figure.y.iter().filter_map(|y| y.key.split_once('*')).map(|(start, _)| start) {
        for (entry, name) in rows.iter().flat_map(|row| &row.names) {
            if let Some(number) = entry.strip_prefix(start) {
                found.entry(number.to_owned()).or_default().insert(name);
            }
        }
    }
    let one = found.into_iter().filter(|(_, names)| names.len() == 1);
    let plain = |name: &String| name.trim_end_matches(".weight").to_owned();
    one.filter_map(|(number, names)| Some((number, plain(names.first()?)))).collect()
}

/// Whether a quantity is a series.
fn of_series(figure: &Figure, rows: &[Row]) -> bool {
    figure.y.iter().any(|y| rows.iter().any(|row| row.series.contains_key(&y.key)))
}

/// Whether every column that the figure names is in some row.
fn check_columns(figure: &Figure, x: &str, rows: &[Row]) -> anyhow::Result<()> {
    let pattern = figure.y.iter().any(|y| y.key.contains('*'));
    let series = of_series(figure, rows);
    let has = |key: &str| {
        key == NOTHING
            || (pattern && key == LAYER)
            || (series && (key == x || key == EPOCH))
            || has(rows, key)
    };
    let has_quantity = |key: &str| rows.iter().any(|row| measured(row, key));
    let keys = figure.by.iter().chain(&figure.panel).chain(&figure.at).map(String::as_str);
    let keys = keys.chain(figure.conditions.iter().map(|condition| condition.name()));
    let absent = figure.y.iter().map(|y| y.key.as_str()).find(|key| !has_quantity(key));
    match absent.or_else(|| keys.chain([x]).find(|key| !has(key))) {
        Some(key) => {
            Err(usage(format!("no column `{key}`, expected one of these: {}", listed(rows))))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        let text = r#"{"schema": 1, "settings": {"method": "phew", "epoch": 3},
            "values": {"accuracy": 0.9, "layers.0.width": 7, "layers.10.width": 9},
            "series": {"curve.loss": [2.5, 1.5], "curve.step": [10, 20]}}"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn patterns_and_series_give_a_sample_for_each_entry() {
        let rows = [row()];
        let figure = Figure::from_toml("y = 'layers.*.width'\nby = 'layer'").unwrap();
        let found = samples(&figure, LAYER, &rows).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].value, found[0].cell("layer")), (7.0, Some(Cell::Number(0.0))));
        let figure = Figure::from_toml("y = 'curve.loss'\nx = 'step'").unwrap();
        for (time, second) in [("step", 20.0), ("epoch", 2.0), ("time", 2.0)] {
            let found = samples(&figure, time, &rows).unwrap();
            assert_eq!((found[1].value, found[1].cell(time)), (1.5, Some(Cell::Number(second))));
        }
    }

    #[test]
    fn layers_are_left_out_by_their_names() {
        let mut row = row();
        row.names.insert("layers.0".to_owned(), "a.shortcut.weight".to_owned());
        row.names.insert("layers.10".to_owned(), "a.weight".to_owned());
        for without in ["*.shortcut.weight", "a.shortcut.weight", "a.short*"] {
            let text = format!("y = 'layers.*.width'\nwithout = '{without}'");
            let (figure, rows) = (Figure::from_toml(&text).unwrap(), [row.clone()]);
            let found = samples(&figure, LAYER, &rows).unwrap();
            assert_eq!(found.iter().map(|one| one.value).collect::<Vec<_>>(), [9.0], "{without}");
        }
    }

    #[test]
    fn a_column_that_is_in_no_row_is_named_with_those_that_are() {
        for description in ["y = 'acuracy'\nx = 'method'", "y = 'accuracy'\nx = 'acuracy'"] {
            let figure = Figure::from_toml(description).unwrap();
            let error =
                samples(&figure, &x_of(&figure, &[row()]).key, &[row()]).unwrap_err().to_string();
            assert!(error.contains("no column `acuracy`"), "{error}");
            assert!(error.contains("settings epoch, method; values accuracy, layers.*.width"));
        }
    }
}
