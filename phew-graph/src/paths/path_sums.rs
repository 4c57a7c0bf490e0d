//! Forward and backward sums together: the total over all paths, and an edge's share of it.

use rayon::prelude::*;

use super::derivatives::{Derivatives, UseDerivatives};
use super::direction::Direction;
use super::edges::{EdgeValue, Edges};
use super::graph::{Ends, PathGraph};
use super::scaled::{Scaled, ScaledVec};
use crate::by_id::ByLayer;
use crate::ids::TensorId;

/// Shares of a block: enough to be worth a task.
const SHARES: usize = 1 << 14;

/// Forward and backward sums together: the total over all paths, and every edge's share of it.
///
/// With `F` the forward and `B` the backward sums, the paths through an edge sum to `F(source) · f(w) ·
/// B(target)`, and `F(source) · B(target)` is the derivative of the total by f(w). A weight that is several edges has the sum
/// over them: a path that passes it twice counts twice.
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
    pub forward: ByLayer<ScaledVec>,
    /// Sums to the outputs.
    pub backward: ByLayer<ScaledVec>,
}

impl<'a> PathSums<'a> {
    /// Both sums, over all paths from any input to any output.
    #[must_use]
    pub fn new<E: EdgeValue>(graph: &'a PathGraph, edges: &Edges<'_, E>) -> Self {
        let forward = graph.forward(edges, None, None);
        let backward = graph.backward(edges, None, None);
        Self { graph, forward, backward }
    }

    /// From sums that were computed by other means: by [`PathGraph::sweep`] of a
    /// [`SumOfProducts`](super::SumOfProducts).
    #[must_use]
    pub fn from_sums(
        graph: &'a PathGraph,
        forward: ByLayer<ScaledVec>,
        backward: ByLayer<ScaledVec>,
    ) -> Self {
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
        self.scaled_total().ln()
    }

    /// The total over all paths, which may over- or underflow.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.scaled_total().value()
    }

    fn scaled_total(&self) -> Scaled {
        self.forward[self.graph.start(Direction::Reverse)].total()
    }

    /// Share of the total that passes each scalar of a prunable tensor, row-major: `F · f(w) · B / total`, summed over the
    /// tensor's uses.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[must_use]
    pub fn edge_shares<E: EdgeValue>(&self, tensor: TensorId, edges: &Edges<'_, E>) -> Vec<f64> {
        let derivative = self.derivatives(tensor);
        let share = |i: usize| {
            let value = edges.value(tensor, i);
            if value == 0.0 { 0.0 } else { value * derivative.at(i) }
        };
        let len = self.graph.shape(tensor).len();
        (0..len).into_par_iter().with_min_len(SHARES).map(share).collect()
    }

    /// Derivatives of the total by the edge values of a prunable tensor, over the total.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[must_use]
    pub fn derivatives(&self, tensor: TensorId) -> Derivatives<'_> {
        let total = self.scaled_total();
        let of_use = |ends: Ends| {
            let (source, target) = (&self.forward[ends.source], &self.backward[ends.target]);
            let factor = Scaled::new(1.0, source.exponent + target.exponent).over(total);
            UseDerivatives { source: &source.values, target: &target.values, factor }
        };
        let uses = self.graph.uses(tensor).map(of_use).collect();
        Derivatives { shape: self.graph.shape(tensor), uses }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths::{Abs, Step, SumOfProducts, Weighted};
    use crate::{Init, Network, zoo};

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
        let by_hand = |tensor: TensorId, from: &[f64], forward: bool| {
            let shape = graph.shape(tensor);
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
            let units = graph[graph.start(direction)].units;
            graph.sweep(direction, &mut by_hand, vec![1.0; units].into())
        });
        let (found, want) =
            (PathSums::from_sums(&graph, forward, backward), PathSums::new(&graph, &edges));
        // Sums of up to 576 positive terms in another order: n · eps bounds the relative difference, and
        // eleven layers multiply.
        let close = |a: f64, b: f64| (a - b).abs() <= 576.0 * 11.0 * f64::EPSILON * b.abs();
        assert!((found.ln_total() - want.ln_total()).abs() < 1e-11);
        for tensor in graph.tensors() {
            let (found, want) =
                (found.edge_shares(tensor, &edges), want.edge_shares(tensor, &edges));
            assert!(found.iter().zip(&want).all(|(&a, &b)| close(a, b)), "tensor {tensor}");
        }
    }
}
