//! An entry of a row: what a condition compares and a figure groups by.

use std::cmp::Ordering;

use serde_json::Value;

/// A number or a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Number(f64),
    Text(String),
}

impl Cell {
    /// A number if it reads as one.
    pub(crate) fn of_text(text: &str) -> Self {
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Self::Number(number),
            _ => Self::Text(text.to_owned()),
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }

    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(_) => None,
        }
    }

    /// As a condition compares it.
    pub(crate) fn value(&self) -> Value {
        match self {
            Self::Number(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
        }
    }

    /// Numbers by size, texts as they are, numbers first.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ordered_by_size_and_come_before_texts() {
        let mut cells: Vec<Cell> = ["b", "10", "9", "a", "0.1"].map(Cell::of_text).into();
        cells.sort_by(Cell::order);
        let texts: Vec<String> = cells.iter().map(Cell::text).collect();
        assert_eq!(texts, ["0.1", "9", "10", "a", "b"]);
        assert_eq!(Cell::of_text("inf"), Cell::Text("inf".into()));
    }
}
