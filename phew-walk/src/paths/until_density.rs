//! The best paths until a density is reached.
//!
//! A density may need more paths than can be listed: good paths share most of their weights. But a weight enters with
//! the best path through it, so the order of the weights by that path is all there is to know.

use phew_graph::{Kind, Mask, Network, PathGraph, SkipPolicy, kept_at};
use rayon::prelude::*;

use crate::error::WalkError;
use crate::paths::path::{Order, Place};

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
/// O(E) for the best way from the inputs and to the outputs of each unit, then a sort of the kept weights.
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
    let ways = Ways::new(graph, network, order, skips);
    let last = graph.layers().last();
    if ways.from_inputs.last().is_none_or(|units| units.iter().all(|way| !way.open())) {
        return Err(WalkError::NoPath { layer: last.map(|l| l.name.clone()).unwrap_or_default() });
    }
    let mut best = ways.edges();
    if best.len() < target {
        let reason = " (no path passes a weight worth 0)";
        let reachable = best.len();
        return Err(WalkError::Unreachable { density, target, reachable, prunable, reason });
    }
    // Each of the first `target` weights is kept, so none of the others is ever asked for.
    if target < best.len() {
        best.select_nth_unstable_by(target, Edge::before);
        best.truncate(target);
    }
    best.par_sort_unstable_by(Edge::before);
    let mut mask = Mask::empty(network.arch());
    let (mut paths, mut ln_last) = (0, f64::NAN);
    for edge in &best {
        if mask.kept() >= target {
            break;
        }
        if !mask.layer(edge.tensor).get(edge.index) {
            ways.keep(edge, &mut mask);
            (paths, ln_last) = (paths + 1, edge.value);
        }
    }
    let sign = order.sign();
    Ok(BestPaths { mask, paths, ln_first: sign * best[0].value, ln_last: sign * ln_last })
}

/// The best way from a unit to an end of the network.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// Logarithm of its product, negated for [`Order::Least`]; −∞ if there is none.
    value: f64,
    /// The next unit and the weight between, if the connection has any; nothing at the end.
    next: Option<(Place, Option<(usize, usize)>)>,
}

const NONE: Way = Way { value: f64::NEG_INFINITY, next: None };
const END: Way = Way { value: 0.0, next: None };

impl Way {
    fn open(self) -> bool {
        self.value > f64::NEG_INFINITY
    }

    /// Takes another way if it is better; of equals the first.
    fn improve(&mut self, beyond: Self, step: f64, next: (Place, Option<(usize, usize)>)) {
        let value = beyond.value + step;
        if value > self.value {
            *self = Self { value, next: Some(next) };
        }
    }
}

/// A weight with the best path through it.
#[derive(Clone, Copy, Debug)]
struct Edge {
    value: f64,
    tensor: usize,
    index: usize,
}

impl Edge {
    /// Better paths first; of equals the first weight.
    fn before(&self, other: &Self) -> std::cmp::Ordering {
        let place = |edge: &Self| (edge.tensor, edge.index);
        other.value.total_cmp(&self.value).then_with(|| place(self).cmp(&place(other)))
    }
}

/// The best ways of all units, both ways.
struct Ways<'a> {
    graph: &'a PathGraph,
    weights: Vec<&'a [f32]>,
    walked: Vec<bool>,
    sign: f64,
    from_inputs: Vec<Vec<Way>>,
    to_outputs: Vec<Vec<Way>>,
}

impl<'a> Ways<'a> {
    fn new(graph: &'a PathGraph, network: &'a Network, order: Order, skips: SkipPolicy) -> Self {
        let none: Vec<Vec<Way>> = graph.layers().iter().map(|l| vec![NONE; l.units]).collect();
        let mut ways = Self {
            graph,
            weights: network.weights(),
            walked: graph.walked(skips),
            sign: order.sign(),
            from_inputs: none.clone(),
            to_outputs: none,
        };
        let last = graph.layers().len() - 1;
        ways.from_inputs[0].fill(END);
        ways.to_outputs[last].fill(END);
        for layer in 1..=last {
            for &connection in &graph.layers()[layer].incoming {
                let from = graph.connections()[connection].source;
                let mut here = std::mem::take(&mut ways.from_inputs[layer]);
                ways.each(connection, |source, target, step, weight| {
                    here[target].improve(
                        ways.from_inputs[from][source],
                        step,
                        ((from, source), weight),
                    );
                });
                ways.from_inputs[layer] = here;
            }
        }
        for layer in (0..last).rev() {
            for &connection in &graph.layers()[layer].outgoing {
                let to = graph.connections()[connection].target;
                let mut here = std::mem::take(&mut ways.to_outputs[layer]);
                ways.each(connection, |source, target, step, weight| {
                    here[source].improve(ways.to_outputs[to][target], step, ((to, target), weight));
                });
                ways.to_outputs[layer] = here;
            }
        }
        ways
    }

    /// Calls `edge` with source, target, logarithm and weight of each edge of a connection that paths may take.
    fn each(
        &self,
        connection: usize,
        mut edge: impl FnMut(usize, usize, f64, Option<(usize, usize)>),
    ) {
        if !self.walked[connection] {
            return;
        }
        let connection = &self.graph.connections()[connection];
        let targets = 0..self.graph.layers()[connection.target].units;
        match connection.kind {
            Kind::Weighted(shape) => {
                for (index, &weight) in self.weights[shape.tensor].iter().enumerate() {
                    if weight != 0.0 {
                        let (source, target) = shape.ends(index);
                        let step = self.sign * libm::log(f64::from(weight.abs()));
                        edge(source, target, step, Some((shape.tensor, index)));
                    }
                }
            }
            Kind::Identity => targets.for_each(|unit| edge(unit, unit, 0.0, None)),
            Kind::Flatten { block } => targets.for_each(|unit| edge(unit / block, unit, 0.0, None)),
        }
    }

    /// All weights that lie on a path, with the best path of each.
    fn edges(&self) -> Vec<Edge> {
        let mut edges = Vec::new();
        for (number, connection) in self.graph.connections().iter().enumerate() {
            let (from, to) = (connection.source, connection.target);
            self.each(number, |source, target, step, weight| {
                let Some((tensor, index)) = weight else { return };
                let value =
                    self.from_inputs[from][source].value + step + self.to_outputs[to][target].value;
                if value > f64::NEG_INFINITY {
                    edges.push(Edge { value, tensor, index });
                }
            });
        }
        edges
    }

    /// Keeps the weights of the best path through one.
    fn keep(&self, edge: &Edge, mask: &mut Mask) {
        let (number, shape) = self.graph.weighted(edge.tensor);
        let connection = &self.graph.connections()[number];
        let (source, target) = shape.ends(edge.index);
        mask.layer_mut(edge.tensor).insert(edge.index);
        let ends = [
            (&self.from_inputs, (connection.source, source)),
            (&self.to_outputs, (connection.target, target)),
        ];
        for (ways, mut at) in ends {
            while let Some((next, weight)) = ways[at.0][at.1].next {
                if let Some((tensor, index)) = weight {
                    mask.layer_mut(tensor).insert(index);
                }
                at = next;
            }
        }
    }
}
