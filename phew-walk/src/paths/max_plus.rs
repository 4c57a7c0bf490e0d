//! The best path to every unit: a sweep in the max-plus semiring, with back pointers.

use phew_graph::{
    ByConnection, ByLayer, Direction, LayerSemiring, PathGraph, Step, TensorId, Weighted, Wiring,
};

use crate::paths::path::Place;

/// The best path between a unit and an end of the network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BestPath {
    /// Its value, −∞ if there is no path.
    pub(crate) value: f64,
    /// The next unit towards the end, and the weight between if the connection has any; nothing at the end.
    pub(crate) next: Option<(Place, Option<(TensorId, usize)>)>,
}

/// No path: the semiring's zero.
const NONE: BestPath = BestPath { value: f64::NEG_INFINITY, next: None };

/// The path of no edge: the semiring's one.
const END: BestPath = BestPath { value: 0.0, next: None };

impl BestPath {
    /// Whether there is a path.
    pub(crate) fn exists(&self) -> bool {
        self.value > f64::NEG_INFINITY
    }

    /// Takes another path if it is better; of equals the first. The semiring's sum.
    fn improve(&mut self, other: Self) {
        if other.value > self.value {
            *self = other;
        }
    }

    /// This path and one edge more.
    fn extended(&self, here: Place, weight: Option<(TensorId, usize)>, value: f64) -> Self {
        Self { value: self.value + value, next: Some((here, weight)) }
    }
}

/// The best path from an input to each unit (forward) or from each unit to an output (in reverse), by unit.
///
/// The value of a path is the sum of `value(tensor, index)` over its weights, of which those without a value are left
/// out. Of equal paths the first is taken: by connection, then by index.
pub(crate) fn best_path_of_each_unit(
    graph: &PathGraph,
    walked: &ByConnection<bool>,
    direction: Direction,
    value: impl Fn(TensorId, usize) -> Option<f64>,
) -> ByLayer<Vec<BestPath>> {
    let units = graph[graph.start(direction)].units;
    graph.sweep(direction, &mut MaxPlus { walked, value }, vec![END; units])
}

struct MaxPlus<'a, F> {
    walked: &'a ByConnection<bool>,
    value: F,
}

impl<F: Fn(TensorId, usize) -> Option<f64>> LayerSemiring for MaxPlus<'_, F> {
    type Layer = Vec<BestPath>;

    fn weighted(&mut self, step: &Step, shape: &Weighted, near: &Vec<BestPath>) -> Vec<BestPath> {
        let mut far = vec![NONE; step.units];
        if self.walked[step.connection] {
            for index in 0..shape.len() {
                if let Some(value) = (self.value)(shape.tensor, index) {
                    let (from, to) = oriented(step, shape.ends(index));
                    let weight = Some((shape.tensor, index));
                    far[to].improve(near[from].extended((step.near, from), weight, value));
                }
            }
        }
        far
    }

    fn free(&mut self, step: &Step, wiring: Wiring, near: &Vec<BestPath>) -> Vec<BestPath> {
        let mut far = vec![NONE; step.units];
        if self.walked[step.connection] {
            let targets = match step.direction {
                Direction::Forward => step.units,
                Direction::Reverse => near.len(),
            };
            for (from, to) in wiring.pairs(targets).map(|ends| oriented(step, ends)) {
                far[to].improve(near[from].extended((step.near, from), None, 0.0));
            }
        }
        far
    }

    fn sum(&mut self, units: usize, parts: Vec<Vec<BestPath>>) -> Vec<BestPath> {
        let mut best = vec![NONE; units];
        for part in parts {
            best.iter_mut().zip(part).for_each(|(best, other)| best.improve(other));
        }
        best
    }
}

/// The near and the far unit of an edge with this source and target.
fn oriented(step: &Step, (source, target): (usize, usize)) -> (usize, usize) {
    match step.direction {
        Direction::Forward => (source, target),
        Direction::Reverse => (target, source),
    }
}
