//! Ranked paths: the k best by edge-weight product, by recursive enumeration (Jiménez & Marzal 1999).

use std::collections::BinaryHeap;

use phew_graph::{
    ByConnection, ByLayer, ByTensor, ConnectionId, Direction, Edge, Layer, LayerId, Network,
    PathGraph, SkipPolicy, TensorId,
};

use crate::error::WalkError;
use crate::paths::path::{Order, Place, RankedPath};

/// A path to a unit: one of the best paths to another unit, named by its rank among them, and an edge from there.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    /// Logarithm of the product so far, negated for [`Order::Least`].
    value: f64,
    source: Place,
    rank: usize,
    edge: LastEdge,
}

/// The last edge of a path.
#[derive(Clone, Copy, Debug, PartialEq)]
struct LastEdge {
    /// Nothing at the end of a path.
    connection: Option<ConnectionId>,
    /// The scalar passed; nothing for a connection without weights.
    weight: Option<(TensorId, usize)>,
    /// Its logarithm, negated for [`Order::Least`].
    step: f64,
}

/// What ends a path: no edge at all.
const END: LastEdge = LastEdge { connection: None, weight: None, step: 0.0 };

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
    walked: ByConnection<bool>,
    weights: ByTensor<&'a [f32]>,
    order: Order,
    units: ByLayer<Vec<Unit>>,
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
    let units = |l: &Layer| (0..l.units).map(|_| Unit::default()).collect();
    let mut search = Search {
        graph,
        walked: graph.walked(skips),
        weights: network.weights(),
        order,
        units: graph.layers().iter().map(units).collect(),
    };
    search.first_paths();
    let last = graph.start(Direction::Reverse);
    let mut ends: BinaryHeap<Candidate> =
        (0..graph.outputs()).filter_map(|u| search.candidate((last, u), 0, END)).collect();
    if ends.is_empty() {
        return Err(WalkError::NoPath { layer: graph[last].name.clone() });
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
        let inputs = self.inputs();
        for (u, unit) in self.units[inputs].iter_mut().enumerate() {
            unit.found.push(Candidate { value: 0.0, source: (inputs, u), rank: 0, edge: END });
        }
        for (layer, there) in self.graph.layers().with_ids().skip(1) {
            for u in 0..there.units {
                let best = self.incoming((layer, u)).max();
                self.units[layer][u].found.extend(best);
            }
        }
    }

    fn inputs(&self) -> LayerId {
        self.graph.start(Direction::Forward)
    }

    /// The path to a unit of this rank and one edge more, if that path exists.
    fn candidate(&self, source: Place, rank: usize, edge: LastEdge) -> Option<Candidate> {
        let before = self.units[source.0][source.1].found.get(rank)?;
        Some(Candidate { value: before.value + edge.step, source, rank, edge })
    }

    /// The best path over each edge into a place.
    fn incoming(&self, (layer, unit): Place) -> impl Iterator<Item = Candidate> {
        let walked = self.graph.edges_into(layer, unit).filter(|e| self.walked[e.connection]);
        walked.filter_map(|edge| {
            let Edge { connection, weight, .. } = edge;
            let step = match weight {
                Some((tensor, index)) => self.order.value_of(self.weights[tensor][index])?,
                None => 0.0,
            };
            let source = (self.graph[connection].source, edge.source);
            self.candidate(source, 0, LastEdge { connection: Some(connection), weight, step })
        })
    }

    /// Finds the path of this rank to a place; false if there is none. All lower ranks are known.
    fn next(&mut self, place: Place, rank: usize) -> bool {
        let (layer, unit) = place;
        if self.units[layer][unit].found.len() > rank {
            return true;
        }
        if layer == self.inputs() {
            return false;
        }
        // In the heap, the last path's place is taken by the next path to the same source and the same edge.
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
            if layer == self.inputs() {
                break;
            }
            at = here;
        }
        weights.reverse();
        let ln_product = self.order.sign() * end.value;
        RankedPath { ln_product, weights }
    }
}
