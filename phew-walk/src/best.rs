//! Paths without chance: the best and the worst by edge-weight product, and greedy walks.
//!
//! These serve the paper's argument about bottlenecks: the best paths share a few large weights, so their union
//! is narrow, which is why PHEW draws its paths instead.

use std::collections::BinaryHeap;

use phew_graph::{Direction, Kind, Mask, Network, PathGraph, SkipPolicy};

use crate::error::WalkError;

/// Which end of the order by edge-weight product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// The greatest products first.
    Greatest,
    /// The least products first.
    Least,
}

/// An input-output path.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedPath {
    /// Natural logarithm of the edge-weight product `Π|θ|`.
    pub ln_product: f64,
    /// Its weights from input to output, as (prunable tensor, row-major index).
    pub weights: Vec<(usize, usize)>,
}

/// A way into a unit: over which connection and scalar, from which unit, as the how-manieth best path there.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    /// Logarithm of the product so far, negated for [`Order::Least`].
    value: f64,
    source: Place,
    rank: usize,
    edge: Edge,
}

/// One edge into a unit.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Edge {
    connection: usize,
    /// The scalar passed; nothing for a connection without weights.
    weight: Option<(usize, usize)>,
    /// Its logarithm, negated for [`Order::Least`].
    step: f64,
}

/// What ends a path: no edge at all.
const END: Edge = Edge { connection: usize::MAX, weight: None, step: 0.0 };

/// A unit of a layer.
type Place = (usize, usize);

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Candidate {}
impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Candidate {
    /// By value; ties by place, edge and rank, so that the order of paths is the same everywhere.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |c: &Self| (c.source, c.edge.connection, c.edge.weight, c.rank);
        self.value.total_cmp(&other.value).then_with(|| key(other).cmp(&key(self)))
    }
}

/// The paths found so far to one unit, best first, and the heap of what may come next.
#[derive(Default)]
struct Unit {
    found: Vec<Candidate>,
    heap: Option<BinaryHeap<Candidate>>,
}

struct Search<'a> {
    graph: &'a PathGraph,
    walked: Vec<bool>,
    weights: Vec<&'a [f32]>,
    order: Order,
    units: Vec<Vec<Unit>>,
}

/// The `count` paths of greatest or least edge-weight product, in order.
///
/// Weights of 0 are left out: every path through them has the product 0. Skips count as `skips` says.
///
/// # Returns
/// The paths, fewer than `count` if there are fewer. Equal products are ordered by their weights.
///
/// # Errors
/// [`WalkError::NoPath`] if no path is free of weights of 0.
///
/// # Complexity
/// One pass over the weights, then for each path O(depth) heap operations and, at each unit reached for the
/// first time, a heap over its incoming weights. Exact (recursive enumeration, Jiménez & Marzal 1999).
///
/// # References
/// Patil & Dovrolis, ICLR 2021 submission, sections 3 to 5: paths of high and of low edge-weight product.
pub fn ranked_paths(
    network: &Network,
    order: Order,
    skips: SkipPolicy,
    count: usize,
) -> Result<Vec<RankedPath>, WalkError> {
    let graph = &PathGraph::new(network.arch());
    let units = |l: &phew_graph::Layer| (0..l.units).map(|_| Unit::default()).collect();
    let mut search = Search {
        graph,
        walked: graph.walked(skips),
        weights: network.weights(),
        order,
        units: graph.layers().iter().map(units).collect(),
    };
    search.first_paths();
    let last = graph.layers().len() - 1;
    let mut ends: BinaryHeap<Candidate> =
        (0..graph.outputs()).filter_map(|u| search.candidate((last, u), 0, END)).collect();
    if ends.is_empty() {
        return Err(WalkError::NoPath { layer: graph.layers()[last].name.clone() });
    }
    let mut paths = Vec::new();
    while paths.len() < count
        && let Some(best) = ends.pop()
    {
        paths.push(search.path(best));
        if search.next(best.source, best.rank + 1) {
            ends.extend(search.candidate(best.source, best.rank + 1, END));
        }
    }
    Ok(paths)
}

impl Search<'_> {
    /// The best path to every unit: one pass over the weights.
    fn first_paths(&mut self) {
        let inputs = self.graph.inputs();
        for u in 0..inputs {
            let start = Candidate { value: 0.0, source: (0, u), rank: 0, edge: END };
            self.units[0][u].found.push(start);
        }
        for layer in 1..self.graph.layers().len() {
            for u in 0..self.graph.layers()[layer].units {
                let best = self.incoming((layer, u)).max();
                self.units[layer][u].found.extend(best);
            }
        }
    }

    /// The way into a place over one edge, from the path of this rank at its source, if that exists.
    fn candidate(&self, source: Place, rank: usize, edge: Edge) -> Option<Candidate> {
        let before = self.units[source.0][source.1].found.get(rank)?;
        Some(Candidate { value: before.value + edge.step, source, rank, edge })
    }

    /// The best way over each edge into a place.
    fn incoming(&self, (layer, unit): Place) -> impl Iterator<Item = Candidate> {
        let walked = self.graph.layers()[layer].incoming.iter().filter(|&&c| self.walked[c]);
        walked.flat_map(move |&c| {
            let connection = &self.graph.connections()[c];
            let source = connection.source;
            let (weighted, plain) = match connection.kind {
                Kind::Weighted(shape) => (Some(shape), None),
                Kind::Identity => (None, Some(unit)),
                Kind::Flatten { block } => (None, Some(unit / block)),
            };
            let edges = weighted.into_iter().flat_map(move |shape| {
                let first = unit * shape.row();
                (first..first + shape.row()).filter_map(move |index| {
                    let weight = self.weights[shape.tensor][index];
                    let ln = f64::from(weight.abs()).ln();
                    let step = if self.order == Order::Greatest { ln } else { -ln };
                    let place = (source, shape.ends(index).0);
                    let edge = Edge { connection: c, weight: Some((shape.tensor, index)), step };
                    (weight != 0.0).then(|| self.candidate(place, 0, edge)).flatten()
                })
            });
            let edge = Edge { connection: c, weight: None, step: 0.0 };
            edges.chain(plain.and_then(|from| self.candidate((source, from), 0, edge)))
        })
    }

    /// Finds the path of this rank to a place; false if there is none. All lower ranks are known.
    fn next(&mut self, place: Place, rank: usize) -> bool {
        let (layer, unit) = place;
        if self.units[layer][unit].found.len() > rank {
            return true;
        }
        if layer == 0 {
            return false;
        }
        // The way that the last path took: its source's next path replaces it.
        let Some(&last) = self.units[layer][unit].found.last() else { return false };
        let mut heap = match self.units[layer][unit].heap.take() {
            Some(heap) => heap,
            None => self.incoming(place).filter(|c| c.cmp(&last).is_ne()).collect(),
        };
        if self.next(last.source, last.rank + 1) {
            heap.extend(self.candidate(last.source, last.rank + 1, last.edge));
        }
        let best = heap.pop();
        let state = &mut self.units[layer][unit];
        state.heap = Some(heap);
        state.found.extend(best);
        best.is_some()
    }

    /// The weights of a path, from its end.
    fn path(&self, end: Candidate) -> RankedPath {
        let mut weights = Vec::new();
        let mut at = end;
        loop {
            weights.extend(at.edge.weight);
            let (layer, unit) = at.source;
            let here = self.units[layer][unit].found[at.rank];
            if layer == 0 {
                break;
            }
            at = here;
        }
        weights.reverse();
        let ln_product = if self.order == Order::Greatest { end.value } else { -end.value };
        RankedPath { ln_product, weights }
    }
}

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
                    ln_product += f64::from(weight).ln();
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

/// The mask of a set of paths.
#[must_use]
pub fn mask_of(network: &Network, paths: &[RankedPath]) -> Mask {
    let mut mask = Mask::empty(network.arch());
    for &(tensor, index) in paths.iter().flat_map(|p| &p.weights) {
        mask.layer_mut(tensor).insert(index);
    }
    mask
}
