//! The best paths until a density is reached.
//!
//! A density may need more paths than can be listed: good paths share most of their weights. But a weight enters with
//! the best path through it, so the order of the weights by that path is all there is to know.

use std::cmp::Ordering;

use phew_graph::{
    ByConnection, ByLayer, ByTensor, ConnectionId, Direction, Ends, Mask, Network, PathGraph,
    SkipPolicy, TensorId, kept_at,
};
use rayon::prelude::*;

use crate::error::WalkError;
use crate::paths::max_plus::{BestPath, best_path_of_each_unit};
use crate::paths::path::Order;

/// The weights of the best paths.
#[derive(Clone, Debug, PartialEq)]
pub struct BestPaths {
    /// The weights.
    pub mask: Mask,
    /// Paths that brought a weight which those before them had not.
    pub paths: usize,
    /// Natural logarithm of the first path's edge-weight product.
    pub ln_first: f64,
    /// That of the last.
    pub ln_last: f64,
}

/// Keeps the weights of the paths of greatest (or least) edge-weight product, path by path in that order, until the
/// density is reached. The last path is kept whole.
///
/// The same as the weights of so many [`ranked_paths`](crate::ranked_paths), without listing them. Weights of 0 are
/// left out, as there.
///
/// # Errors
/// [`WalkError::Graph`] if the density is not above 0 and at most 1, [`WalkError::NoPath`] if no path is free of
/// weights of 0, [`WalkError::Unreachable`] if such paths do not come to the density.
///
/// # Complexity
/// O(E) for the best path from the inputs and to the outputs of each unit, then a sort of the kept weights.
///
/// # References
/// Patil & Dovrolis, ICLR 2021 submission, section 4: paths 'until we reach a target network density'.
pub fn best_paths(
    network: &Network,
    order: Order,
    skips: SkipPolicy,
    density: f64,
) -> Result<BestPaths, WalkError> {
    let prunable = network.arch().prunable_len();
    let target = kept_at(density, prunable)?;
    let graph = &PathGraph::new(network.arch());
    let best = BestThrough::new(graph, network, order, skips);
    let last = graph.layers().last();
    if best.from_inputs.last().is_none_or(|units| !units.iter().any(BestPath::exists)) {
        return Err(WalkError::NoPath { layer: last.map(|l| l.name.clone()).unwrap_or_default() });
    }
    let mut ranked = best.weights();
    if ranked.len() < target {
        let reason = " (no path passes a weight worth 0)";
        let reachable = ranked.len();
        return Err(WalkError::Unreachable { density, target, reachable, prunable, reason });
    }
    // Each of the first `target` weights is kept, so none of the others is ever asked for.
    if target < ranked.len() {
        ranked.select_nth_unstable_by(target, RankedWeight::before);
        ranked.truncate(target);
    }
    ranked.par_sort_unstable_by(RankedWeight::before);
    let mut mask = Mask::empty(network.arch());
    let (mut paths, mut ln_last) = (0, f64::NAN);
    for weight in &ranked {
        if mask.kept() >= target {
            break;
        }
        if !mask.layer(weight.tensor).get(weight.index) {
            best.keep(weight, &mut mask);
            (paths, ln_last) = (paths + 1, weight.value);
        }
    }
    let sign = order.sign();
    Ok(BestPaths { mask, paths, ln_first: sign * ranked[0].value, ln_last: sign * ln_last })
}

/// A weight with the value of the best path through it.
#[derive(Clone, Copy, Debug)]
struct RankedWeight {
    value: f64,
    tensor: TensorId,
    /// The connection by which that path passes it: of several uses of the tensor one.
    by: ConnectionId,
    index: usize,
}

impl RankedWeight {
    /// Better paths first; of equals the first weight.
    fn before(&self, other: &Self) -> Ordering {
        let place = |weight: &Self| (weight.tensor, weight.index);
        other.value.total_cmp(&self.value).then_with(|| place(self).cmp(&place(other)))
    }
}

/// The best path through every weight: that from the inputs to its source, and that from its target to the outputs.
struct BestThrough<'a> {
    graph: &'a PathGraph,
    weights: ByTensor<&'a [f32]>,
    walked: ByConnection<bool>,
    order: Order,
    from_inputs: ByLayer<Vec<BestPath>>,
    to_outputs: ByLayer<Vec<BestPath>>,
}

impl<'a> BestThrough<'a> {
    fn new(graph: &'a PathGraph, network: &'a Network, order: Order, skips: SkipPolicy) -> Self {
        let (weights, walked) = (network.weights(), graph.walked(skips));
        let value = |tensor: TensorId, index: usize| order.value_of(weights[tensor][index]);
        let [from_inputs, to_outputs] = Direction::BOTH
            .map(|direction| best_path_of_each_unit(graph, &walked, direction, value));
        Self { graph, weights, walked, order, from_inputs, to_outputs }
    }

    /// All weights that lie on a path.
    fn weights(&self) -> Vec<RankedWeight> {
        let mut ranked = Vec::new();
        for (tensor, weights) in self.weights.with_ids() {
            let walked = |ends: &Ends| self.walked[ends.connection];
            let uses: Vec<Ends> = self.graph.uses(tensor).filter(walked).collect();
            for (index, &weight) in weights.iter().enumerate() {
                let Some(step) = self.order.value_of(weight) else { continue };
                let mut best: Option<RankedWeight> = None;
                for &ends in &uses {
                    let (source, target) = ends.shape.ends(index);
                    let (from, to) =
                        (&self.from_inputs[ends.source], &self.to_outputs[ends.target]);
                    let value = from[source].value + step + to[target].value;
                    // Of equal uses the first.
                    if value > best.map_or(f64::NEG_INFINITY, |best| best.value) {
                        best = Some(RankedWeight { value, tensor, by: ends.connection, index });
                    }
                }
                ranked.extend(best);
            }
        }
        ranked
    }

    /// Keeps the weights of the best path through one.
    fn keep(&self, weight: &RankedWeight, mask: &mut Mask) {
        let mut uses = self.graph.uses(weight.tensor);
        let Some(ends) = uses.find(|ends| ends.connection == weight.by) else {
            unreachable!("a weight is ranked by a use of its tensor")
        };
        let (source, target) = ends.shape.ends(weight.index);
        mask.layer_mut(weight.tensor).insert(weight.index);
        let sides =
            [(&self.from_inputs, (ends.source, source)), (&self.to_outputs, (ends.target, target))];
        for (best, (mut layer, mut unit)) in sides {
            while let Some((next, weight)) = best[layer][unit].next {
                if let Some((tensor, index)) = weight {
                    mask.layer_mut(tensor).insert(index);
                }
                (layer, unit) = next;
            }
        }
    }
}
