//! The columns of rows: settings, values, series, and patterns over the names of values.

use std::collections::BTreeSet;

use serde_json::Value;

use super::cell::Cell;
use crate::collect::Row;
use crate::sweep::Condition;

/// A setting or a value of a row.
pub(crate) fn cell(row: &Row, key: &str) -> Option<Cell> {
    match row.settings.get(key) {
        Some(Value::Null) => None,
        Some(Value::String(text)) => Some(Cell::of_text(text)),
        Some(Value::Number(number)) => number.as_f64().map(Cell::Number),
        Some(other) => Some(Cell::Text(other.to_string())),
        None => row.values.get(key).copied().map(Cell::Number),
    }
}

/// Whether a row is one of those that all of these conditions take.
pub(crate) fn taken(row: &Row, conditions: &[Condition]) -> bool {
    let holds = |c: &Condition| c.holds(cell(row, c.name()).map(|cell| cell.value()).as_ref());
    conditions.iter().all(holds)
}

/// Whether any row has a column of this name.
pub(crate) fn has(rows: &[Row], key: &str) -> bool {
    rows.iter().any(|row| row.settings.contains_key(key) || row.values.contains_key(key))
}

/// The columns of the rows for an error: settings, values and series, numbers within names as `*`.
pub(crate) fn listed(rows: &[Row]) -> String {
    let mut lists = [BTreeSet::new(), BTreeSet::new(), BTreeSet::new()];
    for row in rows {
        lists[0].extend(row.settings.keys().cloned());
        lists[1].extend(row.values.keys().map(|key| starred(key)));
        lists[2].extend(row.series.keys().map(|key| starred(key)));
    }
    let names = ["settings", "values", "series"];
    let parts = names.iter().zip(lists).filter(|(_, list)| !list.is_empty());
    let parts = parts
        .map(|(name, list)| format!("{name} {}", list.into_iter().collect::<Vec<_>>().join(", ")));
    parts.collect::<Vec<_>>().join("; ")
}

/// `layers.3.width` as `layers.*.width`.
fn starred(key: &str) -> String {
    let parts = key.split('.').map(|part| if part.parse::<u64>().is_ok() { "*" } else { part });
    parts.collect::<Vec<_>>().join(".")
}

/// What the `*` of a pattern stands for in a key.
pub(crate) fn matched<'k>(pattern: &str, key: &'k str) -> Option<&'k str> {
    let (start, end) = pattern.split_once('*')?;
    let rest = key.strip_prefix(start)?.strip_suffix(end)?;
    (!rest.is_empty()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_gives_what_its_star_stands_for() {
        assert_eq!(matched("layers.*.width", "layers.12.width"), Some("12"));
        assert_eq!(matched("layers.*.width", "layers.12.density"), None);
        assert_eq!(matched("a*a", "a"), None);
    }

    #[test]
    fn settings_and_values_are_cells_and_errors_list_them() {
        let text = r#"{"schema": 1, "settings": {"method": "phew", "seed": 3, "extra": null},
            "values": {"a.1.b": 0.5}}"#;
        let row: Row = serde_json::from_str(text).unwrap();
        assert_eq!(cell(&row, "a.1.b"), Some(Cell::Number(0.5)));
        assert_eq!((cell(&row, "seed"), cell(&row, "extra")), (Some(Cell::Number(3.0)), None));
        assert_eq!(listed(&[row]), "settings extra, method, seed; values a.*.b");
    }
}
