//! Where walks start: a rule on the number of the walk, but for units drawn at random.

use phew_graph::{Direction, PathGraph};

use crate::params::Starts;

impl Starts {
    /// The share of the walks that go in a direction.
    #[must_use]
    pub fn share(self, direction: Direction) -> f64 {
        match (self, direction) {
            (Starts::Forward, Direction::Forward) | (Starts::Reverse, Direction::Reverse) => 1.0,
            (Starts::Forward | Starts::Reverse, _) => 0.0,
            (Starts::Balanced | Starts::Random, _) => 0.5,
        }
    }

    /// Direction and, unless it is drawn, start unit of a walk.
    pub(crate) fn of(self, graph: &PathGraph, walk: u64) -> (Direction, Option<usize>) {
        let turn = if walk.is_multiple_of(2) { Direction::Forward } else { Direction::Reverse };
        let units = |direction| graph[graph.start(direction)].units;
        let (direction, place) = match self {
            Starts::Balanced => (turn, walk / 2),
            Starts::Forward => (Direction::Forward, walk),
            Starts::Reverse => (Direction::Reverse, walk),
            Starts::Random => return (turn, None),
        };
        (direction, Some((place % units(direction) as u64) as usize))
    }

    /// Of the walks numbered `from .. from + count`, those of a direction, by their number among them.
    pub(crate) fn turns(self, direction: Direction, from: u64, count: u64) -> std::ops::Range<u64> {
        let forward = direction == Direction::Forward;
        let before = |walk: u64| if forward { walk.div_ceil(2) } else { walk / 2 };
        match (self, forward) {
            (Starts::Balanced | Starts::Random, _) => before(from)..before(from + count),
            (Starts::Forward, true) | (Starts::Reverse, false) => from..from + count,
            _ => 0..0,
        }
    }

    /// Walks that start at each of `units` units, of the walks with these numbers in their direction. For all
    /// starts but random ones.
    pub(crate) fn round_robin(turns: std::ops::Range<u64>, units: usize) -> Vec<u64> {
        let n = units as u64;
        // Of the numbers below `end`, those that are u modulo n.
        let below = |end: u64, u: u64| (end + n - 1 - u) / n;
        (0..n).map(|u| below(turns.end, u) - below(turns.start, u)).collect()
    }
}
