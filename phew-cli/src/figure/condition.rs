//! Which rows a figure takes: `method!=dense`, `density<=0.1`, `arch=resnet-20|vgg-19`.

use std::cmp::Ordering;
use std::str::FromStr;

use serde::Deserialize;

use super::cell::Cell;

/// A comparison of a column with one or several values.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct Condition {
    key: String,
    comparison: Comparison,
    values: Vec<Cell>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Other,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The longer signs first: the first that is found counts.
const SIGNS: [(&str, Comparison); 7] = [
    ("!=", Comparison::Other),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("==", Comparison::Equal),
    ("=", Comparison::Equal),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

impl Condition {
    /// The column that it looks at.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Whether it holds for an entry. A row that has none is other than every value, and holds nothing else.
    pub(crate) fn holds(&self, cell: Option<&Cell>) -> bool {
        let is = |value: &Cell| cell.is_some_and(|cell| cell == value);
        let orders = |wanted: fn(Ordering) -> bool| match (cell, self.values.first()) {
            (Some(Cell::Number(a)), Some(Cell::Number(b))) => wanted(a.total_cmp(b)),
            _ => false,
        };
        match self.comparison {
            Comparison::Equal => self.values.iter().any(is),
            Comparison::Other => !self.values.iter().any(is),
            Comparison::Less => orders(Ordering::is_lt),
            Comparison::LessOrEqual => orders(Ordering::is_le),
            Comparison::Greater => orders(Ordering::is_gt),
            Comparison::GreaterOrEqual => orders(Ordering::is_ge),
        }
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            format!("condition `{text}`, expected one such as `method!=dense` or `density<=0.1`")
        };
        let found = SIGNS.iter().find_map(|(sign, comparison)| {
            text.split_once(sign).map(|(key, values)| (key, *comparison, values))
        });
        let (key, comparison, values) = found.ok_or_else(expected)?;
        let key = key.trim().to_owned();
        let values: Vec<Cell> = values.split('|').map(|v| Cell::of_text(v.trim())).collect();
        let equality = matches!(comparison, Comparison::Equal | Comparison::Other);
        let number = values.len() == 1 && values[0].number().is_some();
        if key.is_empty() || !(equality || number) {
            return Err(expected());
        }
        Ok(Self { key, comparison, values })
    }
}

impl TryFrom<String> for Condition {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(condition: &str, cell: Option<&str>) -> bool {
        let condition: Condition = condition.parse().unwrap();
        condition.holds(cell.map(Cell::of_text).as_ref())
    }

    #[test]
    fn conditions_compare_numbers_as_numbers_and_texts_as_texts() {
        assert!(holds("density = 0.1", Some("0.10")) && holds("density==1e-1", Some("0.1")));
        assert!(holds("method=phew|snip", Some("snip")) && !holds("method=phew", Some("snip")));
        assert!(holds("method!=dense", Some("phew")) && holds("method!=dense", None));
        assert!(holds("density<=0.1", Some("0.1")) && !holds("density<0.1", Some("0.1")));
        assert!(holds("density>=1e-3", Some("0.01")) && !holds("density>0.1", Some("phew")));
    }

    #[test]
    fn a_condition_that_compares_nothing_is_an_error() {
        for wrong in ["method", "=phew", "density<phew", "density<0.1|0.2"] {
            assert!(wrong.parse::<Condition>().unwrap_err().contains(wrong));
        }
    }
}
