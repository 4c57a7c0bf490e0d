//! Sums over the paths to and from each unit, of products of edge values or of a walk's steps.

use super::direction::Direction;
use super::edges::{EdgeValue, Edges};
use super::graph::{PathGraph, Weighted};
use super::kernel::{gather, scatter};
use super::products::carried;
use super::scaled::ScaledVec;
use super::sweep::{LayerSemiring, Step};
use super::transition::Transition;
use super::wiring::Wiring;
use crate::by_id::ByLayer;
use crate::ids::ConnectionId;

/// The sums of products of stored edge values, or of a walk's steps over them.
struct EdgeProducts<'a, E> {
    edges: &'a Edges<'a, E>,
    steps: Option<&'a Transition>,
}

impl<E: EdgeValue> EdgeProducts<'_, E> {
    /// With a [`Transition`] the edges are probabilities: what `carry` does, between the factors of the units.
    fn by_steps(
        &self,
        step: &Step,
        shape: Option<&Weighted>,
        near: &ScaledVec,
        carry: impl FnOnce(&[f64]) -> Vec<f64>,
    ) -> ScaledVec {
        let exponent = near.exponent;
        let values = match self.steps.map(|steps| steps.terms(step.connection)) {
            None => carry(&near.values),
            Some(terms) => match terms.before(step.direction, &near.values) {
                Some(before) => terms.after(step.direction, shape, &near.values, carry(&before)),
                None => terms.after(step.direction, shape, &near.values, carry(&near.values)),
            },
        };
        ScaledVec { values, exponent }
    }
}

impl<E: EdgeValue> LayerSemiring for EdgeProducts<'_, E> {
    type Layer = ScaledVec;

    fn weighted(&mut self, step: &Step, shape: &Weighted, near: &ScaledVec) -> ScaledVec {
        self.by_steps(step, Some(shape), near, |near| match step.direction {
            Direction::Forward => gather(shape, self.edges, near),
            Direction::Reverse => scatter(shape, self.edges, near),
        })
    }

    fn free(&mut self, step: &Step, wiring: Wiring, near: &ScaledVec) -> ScaledVec {
        self.by_steps(step, None, near, |near| carried(step, wiring, near))
    }

    fn sum(&mut self, units: usize, parts: Vec<ScaledVec>) -> ScaledVec {
        ScaledVec::sum(units, &parts)
    }
}

impl PathGraph {
    /// Sum over the paths from the inputs to each unit of the products of edge values.
    ///
    /// `start` weighs the input units; `None` is 1 for each. With a [`Transition`] the edge value is the
    /// probability of the step instead, so that the sums are a walk's visits.
    ///
    /// Each layer is on a scale of its own: the greatest value (in magnitude) lies in [1, 2), so neither depth nor
    /// width over- or underflows. Scaling by powers of two is exact.
    ///
    /// # Panics
    /// If `start` does not have one value for each input unit.
    ///
    /// # Complexity
    /// One pass over the weights; O(units) memory besides.
    #[must_use]
    pub fn forward<E: EdgeValue>(
        &self,
        edges: &Edges<'_, E>,
        start: Option<&[f64]>,
        steps: Option<&Transition>,
    ) -> ByLayer<ScaledVec> {
        let start = start.map_or_else(|| vec![1.0; self.inputs()], <[f64]>::to_vec);
        assert_eq!(start.len(), self.inputs(), "one start value for each input unit");
        let mut products = EdgeProducts { edges, steps };
        self.sweep(Direction::Forward, &mut products, start.into())
    }

    /// Sum over the paths from each unit to the outputs of the products of edge values.
    ///
    /// As [`PathGraph::forward`], the other way round: `start` weighs the output units.
    ///
    /// # Panics
    /// If `start` does not have one value for each output unit.
    #[must_use]
    pub fn backward<E: EdgeValue>(
        &self,
        edges: &Edges<'_, E>,
        start: Option<&[f64]>,
        steps: Option<&Transition>,
    ) -> ByLayer<ScaledVec> {
        let start = start.map_or_else(|| vec![1.0; self.outputs()], <[f64]>::to_vec);
        assert_eq!(start.len(), self.outputs(), "one start value for each output unit");
        let mut products = EdgeProducts { edges, steps };
        self.sweep(Direction::Reverse, &mut products, start.into())
    }

    /// What one connection carries of plain numbers over the edges' values: `y_j = Σ_i x_i f(w_ji)` forward, for one
    /// value of each source unit, and `x_i = Σ_j y_j f(w_ji)` in reverse. A kernel's scalars are parallel edges, and
    /// parameter-free edges are worth 1.
    ///
    /// With ones for `near` and [`super::One`] for f: the units' degrees.
    ///
    /// # Panics
    /// If there is no such connection, or `near` does not have one value for each unit of the near layer.
    ///
    /// # Complexity
    /// One parallel pass over the connection's weights.
    #[must_use]
    pub fn carry<E: EdgeValue>(
        &self,
        connection: ConnectionId,
        direction: Direction,
        edges: &Edges<'_, E>,
        near: &[f64],
    ) -> Vec<f64> {
        let step = self.step(connection, direction);
        let units = self[step.near].units;
        assert_eq!(near.len(), units, "one value for each unit of the near layer");
        let mut products = EdgeProducts { edges, steps: None };
        self.cross(&step, &mut products, &near.to_vec().into()).values
    }

    /// Natural logarithm of the sum over all input-output paths of the products of edge values; `-inf` for 0.
    ///
    /// # Complexity
    /// One pass over the weights.
    #[must_use]
    pub fn ln_total<E: EdgeValue>(&self, edges: &Edges<'_, E>) -> f64 {
        self.forward(edges, None, None)[self.start(Direction::Reverse)].total().ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths::Square;
    use crate::{ArchBuilder, Conv2d, Init, Network, Shape};

    #[test]
    fn products_are_sums_over_single_scalars_in_groups_too() {
        let arch = ArchBuilder::new("grouped", Shape::Image { channels: 4, height: 4, width: 4 })
            .conv("conv", Conv2d::new(6, 3).padding(1).groups(2))
            .build()
            .unwrap();
        let network = Network::initialise(arch, Init::default(), 1).unwrap();
        let graph = PathGraph::new(network.arch());
        let weights = network.weights();
        let edges = Edges::new(&weights, Square);
        let (x, y) = ([1.0, 2.0, -3.0, 0.5], [1.0, 0.0, 2.0, -1.0, 3.0, 0.25]);
        let (mut onto_targets, mut onto_sources) = ([0.0; 6], [0.0; 4]);
        for (index, &w) in weights.first().unwrap().iter().enumerate() {
            // 6×2×3×3: three outputs and two inputs to a group.
            let output = index / 18;
            let input = output / 3 * 2 + index / 9 % 2;
            onto_targets[output] += x[input] * f64::from(w) * f64::from(w);
            onto_sources[input] += y[output] * f64::from(w) * f64::from(w);
        }
        let connection = graph.connections().ids().next().unwrap();
        // Sums of up to 27 terms of mixed sign near 1.
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-13);
        assert!(close(&graph.carry(connection, Direction::Forward, &edges, &x), &onto_targets));
        assert!(close(&graph.carry(connection, Direction::Reverse, &edges, &y), &onto_sources));
    }
}
