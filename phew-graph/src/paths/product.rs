//! One tensor's edges as a matrix: products with a vector over its source or its target units.

use super::direction::Direction;
use super::edges::{EdgeValue, Edges};
use super::graph::PathGraph;

impl PathGraph {
    /// `y_j = Σ_i x_i f(w_ji)` over the edges of a prunable tensor, one value for each target unit; a kernel's
    /// scalars are parallel edges. With ones for `x` and [`super::One`] for f: the units' in-degrees.
    ///
    /// # Panics
    /// If there is no such tensor, or `x` does not have one value for each source unit.
    ///
    /// # Complexity
    /// One parallel pass over the tensor.
    #[must_use]
    pub fn onto_targets<E: EdgeValue>(
        &self,
        tensor: usize,
        edges: &Edges<'_, E>,
        x: &[f64],
    ) -> Vec<f64> {
        self.carry(self.weighted(tensor).0, Direction::Forward, edges, x)
    }

    /// `x_i = Σ_j y_j f(w_ji)` over the edges of a prunable tensor, one value for each source unit: as
    /// [`PathGraph::onto_targets`], the other way round.
    ///
    /// # Panics
    /// If there is no such tensor, or `y` does not have one value for each target unit.
    #[must_use]
    pub fn onto_sources<E: EdgeValue>(
        &self,
        tensor: usize,
        edges: &Edges<'_, E>,
        y: &[f64],
    ) -> Vec<f64> {
        self.carry(self.weighted(tensor).0, Direction::Reverse, edges, y)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Edges, Square};
    use super::*;
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
        for (index, &w) in weights[0].iter().enumerate() {
            // 6×2×3×3: three outputs and two inputs to a group.
            let output = index / 18;
            let input = output / 3 * 2 + index / 9 % 2;
            onto_targets[output] += x[input] * f64::from(w) * f64::from(w);
            onto_sources[input] += y[output] * f64::from(w) * f64::from(w);
        }
        // Sums of up to 27 terms of mixed sign near 1.
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-13);
        assert!(close(&graph.onto_targets(0, &edges, &x), &onto_targets));
        assert!(close(&graph.onto_sources(0, &edges, &y), &onto_sources));
    }
}
