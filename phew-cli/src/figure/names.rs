//! What panels, series and categories are called, and in which order they come.

use std::cmp::Ordering;

use super::cell::Cell;
use super::description::Figure;
use super::known::Known;
use super::style::{method_name, method_place};

/// A panel, a series or a category: entries of some columns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    pub(crate) cells: Vec<Cell>,
    /// The entries as the rows have them, joined by commas.
    pub(crate) key: String,
}

impl Group {
    pub(crate) fn of(cells: Vec<Cell>) -> Self {
        let key = cells.iter().map(Cell::text).collect::<Vec<_>>().join(", ");
        Self { cells, key }
    }

    /// What it is called: by the description, or by its entries, numbers with the name of their column.
    pub(crate) fn name(&self, columns: &[String], figure: &Figure) -> String {
        if let Some(name) = figure.names.get(&self.key) {
            return name.clone();
        }
        let named = self.cells.len() == columns.len();
        let names = self.cells.iter().enumerate().map(|(place, cell)| {
            let text = cell.text();
            if let Some(name) = figure.names.get(&text) {
                return name.clone();
            }
            match cell {
                Cell::Text(_) => method_name(&text).map_or(text, str::to_owned),
                Cell::Number(number) if named => numbered(&columns[place], *number),
                Cell::Number(_) => text,
            }
        });
        names.collect::<Vec<_>>().join(", ")
    }

    /// The order of the description, then that of methods, numbers and texts.
    pub(crate) fn order(&self, other: &Self, figure: &Figure) -> Ordering {
        let place = |group: &Self| {
            let named = |key: &String| figure.order.iter().position(|name| name == key);
            let whole = named(&group.key);
            whole.or_else(|| group.cells.iter().find_map(|cell| named(&cell.text())))
        };
        let place = |group: &Self| place(group).unwrap_or(usize::MAX);
        let cells = |a: &Cell, b: &Cell| {
            let methods = method_place(&a.text()).cmp(&method_place(&b.text()));
            methods.then_with(|| a.order(b))
        };
        let pairs = || self.cells.iter().zip(&other.cells);
        let first = pairs().map(|(a, b)| cells(a, b)).find(|order| order.is_ne());
        place(self)
            .cmp(&place(other))
            .then(first.unwrap_or(Ordering::Equal))
            .then(self.cells.len().cmp(&other.cells.len()))
    }
}

/// `density 5%`, `width 100`.
fn numbered(column: &str, number: f64) -> String {
    let known = Known::of(column);
    match known.percent {
        true => format!("{} {}%", known.label, rounded(100.0 * number)),
        false => format!("{} {}", known.label, rounded(number)),
    }
}

/// Six significant digits, without those that say nothing.
pub(crate) fn rounded(number: f64) -> String {
    let text = format!("{number:.5e}");
    text.parse::<f64>().map_or(text, |number| number.to_string())
}

/// The different groups among some, in their order.
pub(crate) fn distinct(groups: impl Iterator<Item = Group>, figure: &Figure) -> Vec<Group> {
    let mut found: Vec<Group> = Vec::new();
    for group in groups {
        if !found.contains(&group) {
            found.push(group);
        }
    }
    found.sort_by(|a, b| a.order(b, figure));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(texts: &[&str]) -> Group {
        Group::of(texts.iter().map(|text| Cell::of_text(text)).collect())
    }

    #[test]
    fn groups_come_in_the_order_of_the_description_then_of_methods_then_of_numbers() {
        let figure = Figure { order: vec!["snip".into()], ..Figure::default() };
        let groups = [&["synflow"], &["snip"], &["phew"], &["10"], &["9"], &["phew"]];
        let found = distinct(groups.iter().map(|texts| group(*texts)), &figure);
        let keys: Vec<&str> = found.iter().map(|group| group.key.as_str()).collect();
        assert_eq!(keys, ["snip", "phew", "synflow", "9", "10"]);
    }

    #[test]
    fn names_are_those_of_the_description_of_methods_or_of_columns() {
        let names = [("resnet-20".to_owned(), "ResNet-20".to_owned())].into();
        let figure = Figure { names, ..Figure::default() };
        let columns = ["arch", "method", "density"].map(str::to_owned);
        let name = group(&["resnet-20", "synflow-l2", "0.05"]).name(&columns, &figure);
        assert_eq!(name, "ResNet-20, SynFlow-L2, density 5%");
        assert_eq!(rounded(0.1 + 0.2), "0.3");
    }
}
