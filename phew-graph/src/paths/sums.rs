//! Sums over all paths: forward from the inputs, backward from the outputs, and an edge's share.

use rayon::prelude::*;

use super::direction::Direction;
use super::edges::{EdgeValue, Edges};
use super::graph::{Ends, PathGraph, Weighted};
use super::kernel::{gather, scatter};
use super::scaled::{Scaled, ScaledVec, times_power_of_two};
use super::sweep::{LayerSemiring, Step};
use super::transition::Transition;
use super::wiring::Wiring;

/// Shares of a block: enough to be worth a task.
const SHARES: usize = 1 << 14;

/// One value for each unit of each layer, on a scale of its own for each layer.
///
/// Unit `u` of layer `l` has the value `values[l][u] · 2^exponents[l]`; the greatest of a layer (in
/// magnitude) lies in [1, 2), so neither depth nor width over- or underflows. Scaling by powers of two is exact.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSums {
    /// Scaled values, by layer and unit.
    pub values: Vec<Vec<f64>>,
    /// Binary exponents, by layer.
    pub exponents: Vec<i64>,
}

impl LayerSums {
    /// Natural logarithm of a unit's value; `-inf` for 0.
    ///
    /// # Panics
    /// If there is no such layer or unit.
    #[must_use]
    pub fn ln(&self, layer: usize, unit: usize) -> f64 {
        self.values[layer][unit].ln() + self.exponents[layer] as f64 * std::f64::consts::LN_2
    }

    /// A unit's value, which may over- or underflow.
    ///
    /// # Panics
    /// If there is no such layer or unit.
    #[must_use]
    pub fn value(&self, layer: usize, unit: usize) -> f64 {
        times_power_of_two(self.values[layer][unit], self.exponents[layer])
    }

    /// `2^exponent` over the sum of the last layer, which forward is the total over all paths; 0 if no path
    /// survives.
    #[must_use]
    pub fn over_total(&self, exponent: i64) -> f64 {
        Scaled::new(1.0, exponent).over(self.total())
    }

    /// Sum of the last layer.
    fn total(&self) -> Scaled {
        let (Some(values), Some(&exponent)) = (self.values.last(), self.exponents.last()) else {
            unreachable!("a path graph has layers");
        };
        Scaled::new(values.iter().sum(), exponent)
    }
}

impl From<Vec<ScaledVec>> for LayerSums {
    fn from(layers: Vec<ScaledVec>) -> Self {
        let (values, exponents) = layers.into_iter().map(|l| (l.values, l.exponent)).unzip();
        Self { values, exponents }
    }
}

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

/// What a parameter-free connection carries of plain numbers.
fn carried(step: &Step, wiring: Wiring, near: &[f64]) -> Vec<f64> {
    match step.direction {
        Direction::Forward => wiring.onto_targets(near, step.units, 0.0),
        Direction::Reverse => wiring.onto_sources(near, |sum, more| *sum += more),
    }
}

impl PathGraph {
    /// Sum over the paths from the inputs to each unit of the products of edge values.
    ///
    /// `start` weighs the input units; `None` is 1 for each. With a [`Transition`] the edge value is the
    /// probability of the step instead, so that the sums are a walk's visits.
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
    ) -> LayerSums {
        let start = start.map_or_else(|| vec![1.0; self.inputs()], <[f64]>::to_vec);
        assert_eq!(start.len(), self.inputs(), "one start value for each input unit");
        let mut products = EdgeProducts { edges, steps };
        self.sweep(Direction::Forward, &mut products, start.into()).into()
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
    ) -> LayerSums {
        let start = start.map_or_else(|| vec![1.0; self.outputs()], <[f64]>::to_vec);
        assert_eq!(start.len(), self.outputs(), "one start value for each output unit");
        let mut products = EdgeProducts { edges, steps };
        self.sweep(Direction::Reverse, &mut products, start.into()).into()
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
        connection: usize,
        direction: Direction,
        edges: &Edges<'_, E>,
        near: &[f64],
    ) -> Vec<f64> {
        let step = self.step(connection, direction);
        let units = self.layers()[step.near].units;
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
        self.forward(edges, None, None).total().ln()
    }
}

/// Forward and backward sums together: the total over all paths, and every edge's share of it.
///
/// With `F` the forward and `B` the backward sums, the paths through an edge sum to `F(source) · f(w) ·
/// B(target)`, and `F(source) · B(target)` is the derivative of the total by f(w).
///
/// # Complexity
/// Two passes over the weights.
///
/// # References
/// Tanaka et al. 2020 (SynFlow); Gebhart et al. 2021 (path kernel); Patil & Dovrolis 2021, eq. (6) to (8).
#[derive(Clone, Debug)]
pub struct PathSums<'a> {
    graph: &'a PathGraph,
    /// Sums from the inputs.
    pub forward: LayerSums,
    /// Sums to the outputs.
    pub backward: LayerSums,
}

impl<'a> PathSums<'a> {
    /// Both sums, over all paths from any input to any output.
    #[must_use]
    pub fn new<E: EdgeValue>(graph: &'a PathGraph, edges: &Edges<'_, E>) -> Self {
        let forward = graph.forward(edges, None, None);
        let backward = graph.backward(edges, None, None);
        Self { graph, forward, backward }
    }

    /// From sums that were computed by other means: by [`PathGraph::sweep`] of a [`SumOfProducts`].
    #[must_use]
    pub fn from_sums(graph: &'a PathGraph, forward: LayerSums, backward: LayerSums) -> Self {
        Self { graph, forward, backward }
    }

    /// The graph that was summed over.
    #[must_use]
    pub fn graph(&self) -> &'a PathGraph {
        self.graph
    }

    /// Natural logarithm of the total over all paths; `-inf` if no path survives.
    #[must_use]
    pub fn ln_total(&self) -> f64 {
        self.forward.total().ln()
    }

    /// The total over all paths, which may over- or underflow.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.forward.total().value()
    }

    /// Share of the total that passes each edge of a prunable tensor, row-major: `F · f(w) · B / total`.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[must_use]
    pub fn edge_shares<E: EdgeValue>(&self, tensor: usize, edges: &Edges<'_, E>) -> Vec<f64> {
        let derivative = self.derivatives(tensor);
        let share = |i: usize| {
            let value = edges.value(tensor, i);
            if value == 0.0 { 0.0 } else { value * derivative.at(i) }
        };
        let len = self.graph.weighted(tensor).1.len();
        (0..len).into_par_iter().with_min_len(SHARES).map(share).collect()
    }

    /// Derivatives of the total by the edge values of a prunable tensor, over the total.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[must_use]
    pub fn derivatives(&self, tensor: usize) -> Derivatives<'_> {
        let Ends { shape, source, target, .. } = self.graph.ends(tensor);
        let exponent = self.forward.exponents[source] + self.backward.exponents[target];
        Derivatives {
            shape,
            source: &self.forward.values[source],
            target: &self.backward.values[target],
            factor: self.forward.over_total(exponent),
        }
    }
}

/// `∂ total / ∂ f(w)`, over the total, for the scalars of one tensor: a product of a source and a target factor.
#[derive(Clone, Copy, Debug)]
pub struct Derivatives<'a> {
    shape: Weighted,
    /// Factor of each source unit.
    pub source: &'a [f64],
    /// Factor of each target unit.
    pub target: &'a [f64],
    /// Common factor.
    pub factor: f64,
}

impl Derivatives<'_> {
    /// The derivative by one scalar's value.
    ///
    /// # Panics
    /// If there is no such scalar.
    #[must_use]
    pub fn at(&self, index: usize) -> f64 {
        let (source, target) = self.shape.ends(index);
        self.source[source] * self.target[target] * self.factor
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths::{Abs, Square};
    use crate::{ArchBuilder, Conv2d, Init, Network, Shape, zoo};

    #[test]
    fn products_by_hand_give_the_sums_of_the_engine_on_a_residual_network() {
        let network = Network::initialise(
            zoo::by_name("wrn-10-1").unwrap().build().unwrap(),
            Init::default(),
            3,
        );
        let network = network.unwrap();
        let graph = PathGraph::new(network.arch());
        let weights = network.weights();
        let edges = Edges::new(&weights, Abs);
        let by_hand = |tensor: usize, from: &[f64], forward: bool| {
            let shape = graph.weighted(tensor).1;
            let mut to =
                vec![0.0; if forward { shape.outputs } else { shape.groups * shape.inputs }];
            for i in 0..shape.len() {
                let (source, target) = shape.ends(i);
                let (a, b) = if forward { (source, target) } else { (target, source) };
                to[b] += from[a] * edges.value(tensor, i);
            }
            to
        };
        let mut by_hand = SumOfProducts(|step: &Step, shape: &Weighted, near: &ScaledVec| {
            by_hand(shape.tensor, &near.values, step.direction == Direction::Forward)
        });
        let [forward, backward] = Direction::BOTH.map(|direction| {
            let units = graph.layers()
                [if direction == Direction::Forward { 0 } else { graph.layers().len() - 1 }]
            .units;
            graph.sweep(direction, &mut by_hand, vec![1.0; units].into()).into()
        });
        let (found, want) =
            (PathSums::from_sums(&graph, forward, backward), PathSums::new(&graph, &edges));
        // Sums of up to 576 positive terms in another order: n · eps bounds the relative difference, and
        // eleven layers multiply.
        let close = |a: f64, b: f64| (a - b).abs() <= 576.0 * 11.0 * f64::EPSILON * b.abs();
        assert!((found.ln_total() - want.ln_total()).abs() < 1e-11);
        for tensor in 0..graph.tensors() {
            let (found, want) =
                (found.edge_shares(tensor, &edges), want.edge_shares(tensor, &edges));
            assert!(found.iter().zip(&want).all(|(&a, &b)| close(a, b)), "tensor {tensor}");
        }
    }

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
        for (index, &w) in weights[0].iter().enumerate() {
            // 6×2×3×3: three outputs and two inputs to a group.
            let output = index / 18;
            let input = output / 3 * 2 + index / 9 % 2;
            onto_targets[output] += x[input] * f64::from(w) * f64::from(w);
            onto_sources[input] += y[output] * f64::from(w) * f64::from(w);
        }
        // Sums of up to 27 terms of mixed sign near 1.
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-13);
        assert!(close(&graph.carry(0, Direction::Forward, &edges, &x), &onto_targets));
        assert!(close(&graph.carry(0, Direction::Reverse, &edges, &y), &onto_sources));
    }
}
