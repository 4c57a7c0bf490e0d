//! The frontier of a walk: the connections that lead onwards from each layer, in one direction.

use std::ops::Range;

use phew_graph::{
    ByConnection, ByLayer, ByTensor, ConnectionId, Direction, Kind, Layer, LayerId, PathGraph,
    Wiring,
};

use crate::rng::{Stream, below};
use crate::walk::onward_kernels::OnwardKernels;
use crate::walk::sampling_table::SamplingTable;

/// For each layer, the connections that a walk of one direction may take.
pub(crate) struct Frontier<'a>(ByLayer<Exits<'a>>);

/// The connections onwards from one layer. At a unit, a walk chooses uniformly among those that leave it.
pub(crate) struct Exits<'a> {
    pub(crate) onward: Vec<Onward<'a>>,
    /// Whether every connection leaves every unit, as is so but in reverse from a concatenation, and forward to parts of
    /// a layer.
    everywhere: bool,
}

/// A connection, the layer that it leads to, and the units that it leaves.
pub(crate) struct Onward<'a> {
    pub(crate) connection: ConnectionId,
    pub(crate) layer: LayerId,
    pub(crate) passage: Passage<'a>,
    units: Range<usize>,
}

/// How a walk passes a connection.
pub(crate) enum Passage<'a> {
    /// Over a scalar weight.
    Weighted(OnwardKernels<'a>),
    /// Without a parameter.
    Free(FreePassage),
}

/// A parameter-free connection, in one direction.
#[derive(Clone, Copy)]
pub(crate) struct FreePassage {
    wiring: Wiring,
    forward: bool,
}

impl<'a> Frontier<'a> {
    /// The frontiers forward and in reverse, over the connections that are `walked`.
    pub(crate) fn both(
        graph: &PathGraph,
        tables: &'a ByTensor<SamplingTable<'a>>,
        walked: &ByConnection<bool>,
    ) -> [Self; 2] {
        Direction::BOTH.map(|direction| Self::new(graph, tables, walked, direction))
    }

    /// The connections onwards from a layer.
    #[inline]
    pub(crate) fn exits(&self, layer: LayerId) -> &Exits<'a> {
        &self.0[layer]
    }

    fn new(
        graph: &PathGraph,
        tables: &'a ByTensor<SamplingTable<'a>>,
        walked: &ByConnection<bool>,
        direction: Direction,
    ) -> Self {
        let forward = direction == Direction::Forward;
        let onward = |&c: &ConnectionId| {
            let passage = match graph[c].kind {
                Kind::Weighted(shape) => {
                    Passage::Weighted(OnwardKernels::new(&tables[shape.tensor], forward))
                }
                Kind::Free(wiring) => Passage::Free(FreePassage { wiring, forward }),
            };
            let (layer, units) = (graph.step(c, direction).far, graph.leaves(c, direction));
            Onward { connection: c, layer, passage, units }
        };
        let exits = |layer: &Layer| {
            let list = if forward { &layer.outgoing } else { &layer.incoming };
            let onward: Vec<_> = list.iter().filter(|&&c| walked[c]).map(onward).collect();
            let everywhere = onward.iter().all(|onward| onward.units == (0..layer.units));
            Exits { onward, everywhere }
        };
        Self(graph.layers().iter().map(exits).collect())
    }
}

impl Exits<'_> {
    /// Chooses one of the connections that leave a unit, each as likely as the others. Draws only if there is a choice.
    #[inline]
    pub(crate) fn choose(&self, unit: usize, stream: &mut Stream) -> usize {
        let choices = self.choices(unit);
        let choice = if choices == 1 { 0 } else { below(stream, choices) };
        if self.everywhere {
            return choice;
        }
        match self.leaving(unit).nth(choice) {
            Some(chosen) => chosen,
            None => unreachable!("the choice is below the number of choices"),
        }
    }

    /// How many connections leave a unit.
    pub(crate) fn choices(&self, unit: usize) -> usize {
        if self.everywhere { self.onward.len() } else { self.leaving(unit).count() }
    }

    /// For each connection, 1 if it leaves a unit and 0 if not.
    pub(crate) fn shares(&self, unit: usize) -> Vec<f64> {
        self.onward.iter().map(|o| f64::from(u8::from(o.units.contains(&unit)))).collect()
    }

    fn leaving(&self, unit: usize) -> impl Iterator<Item = usize> {
        (0..self.onward.len()).filter(move |&c| self.onward[c].units.contains(&unit))
    }
}

impl FreePassage {
    /// The units that a walk at this unit may come to, each as likely as the others.
    #[inline]
    pub(crate) fn ends(self, unit: usize) -> Range<usize> {
        if self.forward {
            return self.wiring.targets_of(unit);
        }
        self.wiring.sources_of(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In reverse from a sum of a concatenation (of 2 and 3 units) and another branch, and on to one unit of a block.
    #[test]
    fn a_walk_chooses_among_the_connections_that_leave_its_unit() {
        let onward = |first: usize, units: usize| {
            let free = FreePassage { wiring: Wiring::Block { first, units }, forward: false };
            Onward {
                connection: ConnectionId::new(0),
                layer: LayerId::new(0),
                passage: Passage::Free(free),
                units: first..first + units,
            }
        };
        let exits =
            Exits { onward: vec![onward(0, 2), onward(2, 3), onward(0, 5)], everywhere: false };
        let mut stream = Stream::new([3, 4], 0);
        for (unit, shares) in [(1, [1.0, 0.0, 1.0]), (3, [0.0, 1.0, 1.0])] {
            assert_eq!((exits.choices(unit), exits.shares(unit)), (2, shares.to_vec()));
            let mut chosen = [0; 3];
            (0..10_000).for_each(|_| chosen[exits.choose(unit, &mut stream)] += 1);
            for (count, share) in chosen.into_iter().zip(shares) {
                // Standard deviation 50: five of them.
                assert!(
                    (f64::from(count) - 5_000.0 * share).abs() < 250.0 * share + 0.5,
                    "{chosen:?}"
                );
            }
        }
        let Passage::Free(free) = exits.onward[1].passage else { panic!("it has no weights") };
        assert_eq!(free.ends(3), 1..2);
    }
}
