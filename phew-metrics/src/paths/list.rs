//! Every path by name: for small networks.

use phew_graph::{Direction, LayerId, TensorId};

use super::count::Paths;
use crate::analysis::Analysis;
use crate::error::MetricError;

/// An input-output path: the units where it starts and ends, and its weights in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// Input unit.
    pub input: usize,
    /// Output unit.
    pub output: usize,
    /// Prunable tensor and index in it, from the input to the output.
    pub weights: Vec<(TensorId, usize)>,
}

impl Analysis<'_> {
    /// All paths that keep their weights, in depth-first order.
    ///
    /// # Errors
    /// [`MetricError::Limit`] if there are more than `limit`.
    ///
    /// # Complexity
    /// O(paths · depth).
    pub fn paths(&self, limit: usize) -> Result<Vec<Path>, MetricError> {
        let ln = self.ln_path_count(Paths::Kept);
        if ln > (limit as f64 + 0.5).ln() {
            return Err(MetricError::Limit { what: "number of paths", found: ln.exp(), limit });
        }
        let mut paths = Vec::new();
        for input in 0..self.graph.inputs() {
            let first = self.graph.start(Direction::Forward);
            self.extend(first, input, &mut Path::starting(input), &mut paths);
        }
        Ok(paths)
    }

    /// Depth-first from a unit.
    fn extend(&self, layer: LayerId, unit: usize, path: &mut Path, done: &mut Vec<Path>) {
        if layer == self.graph.start(Direction::Reverse) {
            done.push(Path { output: unit, ..path.clone() });
        }
        for edge in self.graph.edges_out_of(layer, unit) {
            if edge.weight.is_some_and(|(tensor, index)| !self.keeps(tensor, index)) {
                continue;
            }
            let before = path.weights.len();
            path.weights.extend(edge.weight);
            let next = self.graph[edge.connection].target;
            self.extend(next, edge.target, path, done);
            path.weights.truncate(before);
        }
    }

    /// Edge-weight product π of a path.
    ///
    /// # Panics
    /// If the path is not one of this network.
    #[must_use]
    pub fn product(&self, path: &Path) -> f64 {
        path.weights.iter().map(|&(t, i)| self.weight(t, i)).product()
    }
}

impl Path {
    fn starting(input: usize) -> Self {
        Self { input, output: 0, weights: Vec::new() }
    }
}
