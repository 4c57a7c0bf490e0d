//! Of each series the rows of the least setting at which it comes close enough to another series.

use std::collections::BTreeSet;

use crate::collect::Row;
use crate::failure::usage;
use crate::figure::cell::Cell;
use crate::figure::columns::{cell, has, listed, taken};
use crate::figure::description::{Figure, Least};
use crate::figure::names::{Group, distinct};

/// What is left of some rows.
#[derive(Debug, Default)]
pub(super) struct Reached {
    rows: BTreeSet<*const Row>,
    /// The series, with their panels, that never come close enough.
    pub(super) left_out: Vec<String>,
}

impl Reached {
    pub(super) fn has(&self, row: &Row) -> bool {
        self.rows.contains(&std::ptr::from_ref(row))
    }
}

/// The rows of each series, in each panel, that have its least `key` among those whose mean of `y` is at least that of the
/// other series minus `within`. Of the other series all rows count, of the rest those for which the conditions hold.
///
/// # Errors
/// If a column is in no row, or the other series in none.
pub(super) fn reached(figure: &Figure, least: &Least, rows: &[Row]) -> anyhow::Result<Reached> {
    if let Some(absent) = [&least.key, &least.y].into_iter().find(|key| !has(rows, key)) {
        let columns = listed(rows);
        return Err(usage(format!("least: no column `{absent}`, expected one of {columns}")));
    }
    let group = |row: &Row, keys: &[String]| {
        Group::of(keys.iter().filter_map(|key| cell(row, key)).collect())
    };
    let panels = distinct(rows.iter().map(|row| group(row, &figure.panel)), figure);
    let (mut found, mut any) = (Reached::default(), false);
    for panel in panels {
        let here: Vec<&Row> =
            rows.iter().filter(|row| group(row, &figure.panel) == panel).collect();
        let of = |row: &&&Row| group(row, &figure.by).key == least.of;
        let enough = mean(here.iter().filter(of).copied(), &least.y);
        any |= enough.is_some();
        let here: Vec<&Row> =
            here.into_iter().filter(|row| taken(row, &figure.conditions)).collect();
        for series in distinct(here.iter().map(|row| group(row, &figure.by)), figure) {
            let rows = here.iter().copied().filter(|row| group(row, &figure.by) == series);
            match enough.and_then(|enough| first(rows, least, enough - least.within)) {
                Some(rows) => found.rows.extend(rows),
                None => {
                    let names =
                        [series.name(&figure.by, figure), panel.name(&figure.panel, figure)];
                    let names: Vec<String> = names.into_iter().filter(|n| !n.is_empty()).collect();
                    found.left_out.push(names.join(", "));
                }
            }
        }
    }
    match any {
        true => Ok(found),
        false => Err(usage(format!("least.of: no series `{}` in the rows", least.of))),
    }
}

/// The rows of the least key at which the mean is at least this.
fn first<'r>(
    rows: impl Iterator<Item = &'r Row>,
    least: &Least,
    enough: f64,
) -> Option<Vec<*const Row>> {
    /// What rounding may take from a mean.
    const ROUNDING: f64 = 1e-12;
    let mut by_key: Vec<(Cell, Vec<&Row>)> = Vec::new();
    for row in rows {
        let Some(key) = cell(row, &least.key) else { continue };
        match by_key.iter_mut().find(|(found, _)| *found == key) {
            Some((_, rows)) => rows.push(row),
            None => by_key.push((key, vec![row])),
        }
    }
    by_key.sort_by(|(a, _), (b, _)| a.order(b));
    let reaches = |rows: &Vec<&Row>| {
        mean(rows.iter().copied(), &least.y)
            .is_some_and(|mean| mean >= enough - ROUNDING * enough.abs())
    };
    let (_, rows) = by_key.into_iter().find(|(_, rows)| reaches(rows))?;
    Some(rows.into_iter().map(std::ptr::from_ref).collect())
}

fn mean<'r>(rows: impl Iterator<Item = &'r Row>, key: &str) -> Option<f64> {
    let numbers: Vec<f64> = rows.filter_map(|row| cell(row, key)?.number()).collect();
    (!numbers.is_empty()).then(|| numbers.iter().sum::<f64>() / numbers.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_setting_that_comes_close_is_taken_and_who_never_does_is_named() {
        let row = |method: &str, density: f64, accuracy: f64| -> Row {
            let json = serde_json::json!({
                "schema": 1,
                "settings": { "method": method, "density": density },
                "values": { "accuracy": accuracy },
            });
            serde_json::from_value(json).unwrap()
        };
        // 0.2 reaches 0.89 in the mean of two seeds, 0.1 does not; a lucky one at 0.05 would not count below `where`.
        let rows = [
            row("dense", 1.0, 0.9),
            row("phew", 0.5, 0.91),
            row("phew", 0.2, 0.88),
            row("phew", 0.2, 0.90),
            row("phew", 0.1, 0.5),
            row("phew", 0.05, 0.9),
            row("snip", 0.5, 0.8),
        ];
        let figure = "x = 'density'\ny = 'accuracy'\nby = 'method'\nwhere = ['method!=dense', 'density>=0.1']\n\
                      least = { key = 'density', y = 'accuracy', within = 0.01, of = 'dense' }";
        let figure = Figure::from_toml(figure).unwrap();
        let least = figure.least.as_ref().unwrap();
        let found = reached(&figure, least, &rows).unwrap();
        let taken: Vec<usize> = (0..rows.len()).filter(|&i| found.has(&rows[i])).collect();
        assert_eq!((taken, found.left_out), (vec![2, 3], vec!["SNIP".to_owned()]));
        let error = reached(&figure, least, &rows[1..]).unwrap_err().to_string();
        assert!(error.contains("no series `dense`"), "{error}");
    }
}
