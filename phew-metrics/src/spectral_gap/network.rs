//! The spectral gap of the whole network, its skips kept.
//!
//! The adjacency matrix is never formed: a product with it is one path-sum step over every connection, each way.

use std::ops::Range;

use phew_graph::{ByLayer, Direction, Edges, Ends};

use super::components::Components;
use super::two_greatest::two_greatest_eigenvalues;
use crate::analysis::Analysis;
use crate::eigen::random_vector;
use crate::error::MetricError;

impl Analysis<'_> {
    /// Spectral gap `1 − λ₂` of the whole network as an undirected graph of units, skips and flattening kept.
    ///
    /// λ₂ is the second greatest eigenvalue of the adjacency matrix normalised by degrees; units without an edge
    /// are left out. 0 means that the network is not connected.
    ///
    /// # Errors
    /// [`MetricError::Decomposition`] if a small eigenproblem fails, or 3,000 products do not find λ₂.
    ///
    /// # References
    /// Chung 1997, *Spectral Graph Theory*, chapter 1.
    pub fn network_gap(&self) -> Result<f64, MetricError> {
        let whole = Whole::new(self);
        let degrees = whole.adjacent(&vec![1.0; whole.units]);
        let used = degrees.iter().filter(|&&d| d > 0.0).count();
        // A graph in parts has the eigenvalue 1 once for each; one vector would show it once.
        if used < 2 || whole.parts() != whole.units - used + 1 {
            return Ok(0.0);
        }
        let root = |d: &f64| if *d > 0.0 { 1.0 / d.sqrt() } else { 0.0 };
        let scale: Vec<f64> = degrees.iter().map(root).collect();
        // (I + N) / 2 has the eigenvalues of N moved into [0, 1].
        let apply = |v: &[f64], out: &mut [f64]| {
            let scaled: Vec<f64> = v.iter().zip(&scale).map(|(v, s)| v * s).collect();
            let next = whole.adjacent(&scaled);
            for (((o, v), n), s) in out.iter_mut().zip(v).zip(next).zip(&scale) {
                *o = 0.5 * (v + n * s);
            }
        };
        let start = random_vector(whole.units, 0, |u| degrees[u] > 0.0);
        let values = two_greatest_eigenvalues(apply, start, [whole.units; 2])?;
        Ok(2.0 * (1.0 - values[1]).max(0.0))
    }
}

/// The whole network as an undirected graph, its units numbered layer by layer.
struct Whole<'a> {
    analysis: &'a Analysis<'a>,
    /// First unit of each layer.
    first: ByLayer<usize>,
    units: usize,
}

impl<'a> Whole<'a> {
    fn new(analysis: &'a Analysis<'a>) -> Self {
        let mut units = 0;
        let first = analysis.graph.layers().iter().map(|layer| {
            units += layer.units;
            units - layer.units
        });
        Self { analysis, first: first.collect(), units }
    }

    /// Product of the adjacency matrix and a vector; parallel edges count by their number.
    fn adjacent(&self, v: &[f64]) -> Vec<f64> {
        let graph = &self.analysis.graph;
        let edges = Edges::structure().masked_by(self.analysis.mask);
        let mut out = vec![0.0; self.units];
        for (connection, c) in graph.connections().with_ids() {
            let [source, target] =
                [c.source, c.target].map(|l| self.first[l]..self.first[l] + graph[l].units);
            let mut add = |direction, near: Range<usize>, far: Range<usize>| {
                let carried = graph.carry(connection, direction, &edges, &v[near]);
                out[far].iter_mut().zip(carried).for_each(|(o, c)| *o += c);
            };
            add(Direction::Forward, source.clone(), target.clone());
            add(Direction::Reverse, target, source);
        }
        out
    }

    /// Number of connected parts; a unit without an edge is one.
    fn parts(&self) -> usize {
        let graph = &self.analysis.graph;
        let mut components = Components::new(self.units);
        for tensor in graph.tensors() {
            for Ends { source, target, .. } in graph.uses(tensor) {
                let (from, to) = (self.first[source], self.first[target]);
                self.analysis.each_pair(tensor, |i, j, _| components.join(from + i, to + j));
            }
        }
        for c in graph.connections() {
            let (from, to) = (self.first[c.source], self.first[c.target]);
            let pairs = c.wiring().map(|wiring| wiring.pairs(graph[c.target].units));
            pairs.into_iter().flatten().for_each(|(i, j)| components.join(from + i, to + j));
        }
        components.parts
    }
}
