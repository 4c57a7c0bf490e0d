//! Values relative to those of another series.

use crate::figure::cell::Cell;
use crate::figure::description::{Figure, Operation};
use crate::figure::measure::Measure;

/// The series that are drawn across or compared with, not for themselves.
pub(super) fn special(figure: &Figure) -> Vec<String> {
    let lines = figure.reference.iter().filter_map(|line| line.series.clone());
    lines.chain(figure.relative.iter().map(|relative| relative.to.clone())).collect()
}

/// Where a number was measured.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) quantity: usize,
    pub(super) panel: String,
    pub(super) x: Option<Cell>,
    pub(super) seed: Option<Cell>,
}

/// The mean of what the other series has in the same panel: at the same x, and of those with the same seed, if there are
/// any; else of all.
pub(super) fn counterpart(place: &Place, others: &[(Place, f64)]) -> Option<f64> {
    let mut found: Vec<&(Place, f64)> = others
        .iter()
        .filter(|(other, _)| other.quantity == place.quantity && other.panel == place.panel)
        .collect();
    for same in [|a: &Place, b: &Place| a.x == b.x, |a: &Place, b: &Place| a.seed == b.seed] {
        if found.iter().any(|(other, _)| same(other, place)) {
            found.retain(|(other, _)| same(other, place));
        }
    }
    let sum: f64 = found.iter().map(|(_, value)| value).sum();
    (!found.is_empty()).then(|| sum / found.len() as f64)
}

/// One number relative to another.
pub(super) fn apply(operation: Operation, measure: &Measure, number: f64, other: f64) -> f64 {
    match operation {
        Operation::Ratio if !measure.of_logarithms() => number / other,
        _ => number - other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_compared_with_that_of_the_same_seed_at_the_same_x_where_there_is_one() {
        let place = |x: f64, seed: f64| Place {
            quantity: 0,
            panel: String::new(),
            x: Some(Cell::Number(x)),
            seed: Some(Cell::Number(seed)),
        };
        let others = [(place(0.1, 0.0), 1.0), (place(0.1, 1.0), 3.0), (place(0.2, 0.0), 7.0)];
        assert_eq!(counterpart(&place(0.1, 1.0), &others), Some(3.0));
        assert_eq!(counterpart(&place(0.1, 5.0), &others), Some(2.0));
        assert_eq!(counterpart(&place(0.5, 0.0), &others), Some(4.0));
        let elsewhere = Place { panel: "other".into(), ..place(0.1, 0.0) };
        assert_eq!(counterpart(&elsewhere, &others), None);
    }
}
