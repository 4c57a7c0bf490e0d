//! The frontier of a walk: the connections that lead onwards from each layer, in one direction.

use phew_graph::{Direction, Kind, Layer, PathGraph};

use crate::walk::onward_kernels::OnwardKernels;
use crate::walk::sampling_table::SamplingTable;

/// For each layer, the connections that a walk of one direction may take.
pub(crate) struct Frontier<'a>(Vec<Vec<Onward<'a>>>);

/// A connection, and the layer that it leads to.
pub(crate) struct Onward<'a> {
    pub(crate) layer: usize,
    pub(crate) passage: Passage<'a>,
}

/// How a walk passes a connection.
pub(crate) enum Passage<'a> {
    /// Over a scalar weight.
    Weighted(OnwardKernels<'a>),
    /// To the unit of the same number.
    Identity,
    /// From a channel to one of its features.
    Spread(usize),
    /// From a feature to its channel.
    Gather(usize),
}

impl<'a> Frontier<'a> {
    /// The frontiers forward and in reverse, over the connections that are `walked`.
    pub(crate) fn both(
        graph: &PathGraph,
        tables: &'a [SamplingTable<'a>],
        walked: &[bool],
    ) -> [Self; 2] {
        [Direction::Forward, Direction::Reverse]
            .map(|direction| Self::new(graph, tables, walked, direction))
    }

    /// The connections onwards from a layer.
    #[inline]
    pub(crate) fn from_layer(&self, layer: usize) -> &[Onward<'a>] {
        &self.0[layer]
    }

    fn new(
        graph: &PathGraph,
        tables: &'a [SamplingTable<'a>],
        walked: &[bool],
        direction: Direction,
    ) -> Self {
        let forward = direction == Direction::Forward;
        let onward = |&c: &usize| {
            let connection = &graph.connections()[c];
            let passage = match connection.kind {
                Kind::Weighted(shape) => {
                    Passage::Weighted(OnwardKernels::new(&tables[shape.tensor], forward))
                }
                Kind::Identity => Passage::Identity,
                Kind::Flatten { block } if forward => Passage::Spread(block),
                Kind::Flatten { block } => Passage::Gather(block),
            };
            Onward { layer: if forward { connection.target } else { connection.source }, passage }
        };
        let of_layer = |layer: &Layer| {
            let list = if forward { &layer.outgoing } else { &layer.incoming };
            list.iter().filter(|&&c| walked[c]).map(onward).collect()
        };
        Self(graph.layers().iter().map(of_layer).collect())
    }
}
