//! Greedy paths: those of walks that always take the largest weight.

use phew_graph::{
    ByConnection, ByTensor, Direction, Edge, LayerId, Network, PathGraph, SkipPolicy,
};

use crate::error::WalkError;
use crate::paths::path::{Order, RankedPath};

/// The paths of walks that always take the largest weight: one from each input and one from each output.
///
/// Where connections are several the largest weight among all decides; a connection without weights is taken only
/// where there is no other.
///
/// # Errors
/// [`WalkError::NoPath`] if such a walk comes to a unit whose onward weights are all 0.
///
/// # Complexity
/// For each input and output one read of the weights of the units on its path.
pub fn greedy_paths(network: &Network, skips: SkipPolicy) -> Result<Vec<RankedPath>, WalkError> {
    let graph = &PathGraph::new(network.arch());
    let walk = GreedyWalk { graph, walked: graph.walked(skips), weights: network.weights() };
    let forward = (0..graph.inputs()).map(|unit| walk.path(Direction::Forward, unit));
    forward.chain((0..graph.outputs()).map(|unit| walk.path(Direction::Reverse, unit))).collect()
}

struct GreedyWalk<'a> {
    graph: &'a PathGraph,
    walked: ByConnection<bool>,
    weights: ByTensor<&'a [f32]>,
}

impl GreedyWalk<'_> {
    /// The path of the walk from an input unit, or in reverse from an output unit.
    fn path(&self, direction: Direction, start: usize) -> Result<RankedPath, WalkError> {
        let graph = self.graph;
        let (mut layer, mut unit) = (graph.start(direction), start);
        let end = graph.start(direction.reversed());
        let (mut ln_product, mut weights) = (0.0, Vec::new());
        while layer != end {
            let no_path = || WalkError::NoPath { layer: graph[layer].name.clone() };
            let edge = self.next(direction, layer, unit).ok_or_else(no_path)?;
            if let Some((tensor, index)) = edge.weight {
                let value = Order::Greatest.value_of(self.weights[tensor][index]);
                ln_product += value.ok_or_else(no_path)?;
                weights.push((tensor, index));
            }
            layer = graph.step(edge.connection, direction).far;
            unit = match direction {
                Direction::Forward => edge.target,
                Direction::Reverse => edge.source,
            };
        }
        if direction == Direction::Reverse {
            weights.reverse();
        }
        Ok(RankedPath { ln_product, weights })
    }

    /// The edge of the largest weight onwards from a unit, of equals the first; the first edge if none has a weight.
    fn next(&self, direction: Direction, layer: LayerId, unit: usize) -> Option<Edge> {
        let graph = self.graph;
        match direction {
            Direction::Forward => self.largest(graph.edges_out_of(layer, unit)),
            Direction::Reverse => self.largest(graph.edges_into(layer, unit)),
        }
    }

    fn largest(&self, edges: impl Iterator<Item = Edge>) -> Option<Edge> {
        // A free edge is below every weight, even one of 0.
        let size = |edge: &Edge| edge.weight.map_or(-1.0, |(t, i)| self.weights[t][i].abs());
        let walked = edges.filter(|edge| self.walked[edge.connection]);
        walked.reduce(|best, edge| if size(&edge) > size(&best) { edge } else { best })
    }
}
