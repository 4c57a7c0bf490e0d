//! What stands on either side of a unit: a stub unit has weights on one side and nothing on the other.

use phew_graph::{ByLayer, ByTensor, Direction, PathGraph, Semiring, Step, Weighted};

use super::degrees::Degree;

/// For each unit, whether anything enters it (forward) or leaves it (in reverse): a kept weight, or a parameter-free
/// connection with anything behind it. Inputs are entered, outputs are left.
pub(super) fn met(
    graph: &PathGraph,
    degrees: &ByTensor<Degree>,
    direction: Direction,
) -> ByLayer<Vec<bool>> {
    let units = graph[graph.start(direction)].units;
    graph.sweep(direction, &mut Met { degrees }, vec![true; units])
}

/// Whether anything leads to a unit. Unlike reachability a weight counts whatever lies behind it.
struct Met<'a> {
    degrees: &'a ByTensor<Degree>,
}

impl Semiring for Met<'_> {
    type Value = bool;

    fn zero(&self) -> bool {
        false
    }

    fn add(&self, sum: &mut bool, more: &bool) {
        *sum |= more;
    }

    fn weighted(&mut self, step: &Step, shape: &Weighted, _: &[bool]) -> Vec<bool> {
        let degree = &self.degrees[shape.tensor];
        let far = match step.direction {
            Direction::Forward => &degree.into,
            Direction::Reverse => &degree.out,
        };
        far.iter().map(|&d| d > 0).collect()
    }
}
