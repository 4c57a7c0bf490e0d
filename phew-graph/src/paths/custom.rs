//! Path sums whose weighted products the caller computes: for edges that are not stored as a dense tensor.

use super::direction::Direction;
use super::graph::PathGraph;
use super::sums::{LayerSums, SumOfProducts};

impl PathGraph {
    /// As [`PathGraph::forward`] from ones, where `product(tensor, x, exponent)` gives `y_j = Σ_i x_i f(w_ji)`, one
    /// for each target unit, for the source values `x · 2^exponent` of a prunable tensor.
    ///
    /// # Panics
    /// If a product has the wrong length.
    #[must_use]
    pub fn forward_by(&self, mut product: impl FnMut(usize, &[f64], i64) -> Vec<f64>) -> LayerSums {
        let mut products =
            SumOfProducts(|_: &_, shape: &super::Weighted, near: &super::ScaledVec| {
                product(shape.tensor, &near.values, near.exponent)
            });
        self.sweep(Direction::Forward, &mut products, vec![1.0; self.inputs()].into()).into()
    }

    /// As [`PathGraph::backward`] from ones, where `product(tensor, y, exponent)` gives `x_i = Σ_j y_j f(w_ji)`, one
    /// for each source unit, for the target values `y · 2^exponent` of a prunable tensor.
    ///
    /// # Panics
    /// If a product has the wrong length.
    #[must_use]
    pub fn backward_by(
        &self,
        mut product: impl FnMut(usize, &[f64], i64) -> Vec<f64>,
    ) -> LayerSums {
        let mut products =
            SumOfProducts(|_: &_, shape: &super::Weighted, near: &super::ScaledVec| {
                product(shape.tensor, &near.values, near.exponent)
            });
        self.sweep(Direction::Reverse, &mut products, vec![1.0; self.outputs()].into()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths::{Abs, Edges, PathSums};
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
        let forward = graph.forward_by(|t, x, _| by_hand(t, x, true));
        let backward = graph.backward_by(|t, y, _| by_hand(t, y, false));
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
}
