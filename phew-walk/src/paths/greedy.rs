//! Greedy paths: those of walks that always take the largest weight.

use phew_graph::{Direction, Kind, Network, PathGraph, SkipPolicy};

use crate::error::WalkError;
use crate::paths::path::{Place, RankedPath};

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
    let walked = graph.walked(skips);
    let weights = network.weights();
    let walk = |direction: Direction, start: usize| {
        let forward = direction == Direction::Forward;
        let end = if forward { graph.layers().len() - 1 } else { 0 };
        let mut at: Place = (graph.layers().len() - 1 - end, start);
        let (mut ln_product, mut path) = (0.0, Vec::new());
        while at.0 != end {
            let here = &graph.layers()[at.0];
            let list = if forward { &here.outgoing } else { &here.incoming };
            let onward = || list.iter().filter(|&&c| walked[c]).map(|&c| &graph.connections()[c]);
            let far = |c: &phew_graph::Connection| if forward { c.target } else { c.source };
            let mut best: Option<(f32, Place, (usize, usize))> = None;
            for connection in onward() {
                let Kind::Weighted(shape) = connection.kind else { continue };
                // In ascending order: of equal weights the first is taken.
                let mut look = |index: usize| {
                    let (source, target) = shape.ends(index);
                    let to = if forward { target } else { source };
                    let weight = weights[shape.tensor][index].abs();
                    if best.is_none_or(|(most, ..)| weight > most) {
                        best = Some((weight, (far(connection), to), (shape.tensor, index)));
                    }
                };
                match forward {
                    true => shape.scalars_out_of(at.1).for_each(&mut look),
                    false => shape.scalars_into(at.1).for_each(&mut look),
                }
            }
            match best {
                Some((weight, to, edge)) if weight > 0.0 => {
                    ln_product += libm::log(f64::from(weight));
                    path.push(edge);
                    at = to;
                }
                Some(_) => return Err(WalkError::NoPath { layer: here.name.clone() }),
                None => {
                    let Some(connection) = onward().next() else {
                        return Err(WalkError::NoPath { layer: here.name.clone() });
                    };
                    let unit = match connection.kind {
                        Kind::Flatten { block } if forward => at.1 * block,
                        Kind::Flatten { block } => at.1 / block,
                        _ => at.1,
                    };
                    at = (far(connection), unit);
                }
            }
        }
        if !forward {
            path.reverse();
        }
        Ok(RankedPath { ln_product, weights: path })
    };
    let forward = (0..graph.inputs()).map(|u| walk(Direction::Forward, u));
    forward.chain((0..graph.outputs()).map(|u| walk(Direction::Reverse, u))).collect()
}
