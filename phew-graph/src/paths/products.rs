//! Sums of products in f64, of which the caller computes those over weights.

use super::direction::Direction;
use super::graph::Weighted;
use super::scaled::ScaledVec;
use super::sweep::{LayerSemiring, Step};
use super::wiring::Wiring;

/// Sums of products in f64, each layer on a scale of its own, where the caller computes what a weighted connection
/// carries: `product(step, shape, near)` gives one value for each far unit, on the near layer's scale.
#[derive(Clone, Copy, Debug)]
pub struct SumOfProducts<F>(pub F);

impl<F: FnMut(&Step, &Weighted, &ScaledVec) -> Vec<f64>> LayerSemiring for SumOfProducts<F> {
    type Layer = ScaledVec;

    fn weighted(&mut self, step: &Step, shape: &Weighted, near: &ScaledVec) -> ScaledVec {
        let values = self.0(step, shape, near);
        assert_eq!(values.len(), step.units, "one value for each far unit");
        ScaledVec { values, exponent: near.exponent }
    }

    fn free(&mut self, step: &Step, wiring: Wiring, near: &ScaledVec) -> ScaledVec {
        ScaledVec { values: carried(step, wiring, &near.values), exponent: near.exponent }
    }

    fn sum(&mut self, units: usize, parts: Vec<ScaledVec>) -> ScaledVec {
        ScaledVec::sum(units, &parts)
    }
}

/// What a parameter-free connection carries of plain numbers.
pub(super) fn carried(step: &Step, wiring: Wiring, near: &[f64]) -> Vec<f64> {
    let add = |sum: &mut f64, more: &f64| *sum += more;
    match step.direction {
        Direction::Forward => wiring.onto_targets(near, step.units, 0.0, add),
        Direction::Reverse => wiring.onto_sources(near, step.units, 0.0, add),
    }
}
