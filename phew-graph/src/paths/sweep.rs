//! The one traversal of the path graph: forward from the inputs or backward from the outputs, in any semiring.
//!
//! Path count, Σ|π|, Σπ², the path kernel trace, reachability, best paths, derivatives and expected visits of a walk
//! are all one recursion. A unit's value is the sum, over the connections that lead to it, of what each carries from
//! the units on its other side. What differs is the semiring: what a sum is, and what a weighted connection carries.
//!
//! To write one, implement [`Semiring`]: a zero, a sum, and the weighted connection; the parameter-free connections
//! are provided. Where the units of a layer share something, such as a scale, implement [`LayerSemiring`].
//!
//! ```
//! use phew_graph::{Direction, PathGraph, Semiring, Step, Weighted, zoo};
//!
//! /// The number of weights on the longest path to each unit: max-plus, every weight worth 1.
//! struct Depth;
//!
//! impl Semiring for Depth {
//!     type Value = usize;
//!
//!     fn zero(&self) -> usize {
//!         0
//!     }
//!
//!     fn add(&self, sum: &mut usize, more: &usize) {
//!         *sum = (*sum).max(*more);
//!     }
//!
//!     fn weighted(&mut self, _: &Step, shape: &Weighted, near: &[usize]) -> Vec<usize> {
//!         // Every output sees at least one input; here all of them.
//!         vec![near.iter().max().unwrap_or(&0) + 1; shape.outputs]
//!     }
//! }
//!
//! let graph = PathGraph::new(&zoo::by_name("resnet20")?.build()?);
//! let depths = graph.sweep(Direction::Forward, &mut Depth, vec![0; graph.inputs()]);
//! assert_eq!(depths.last(), Some(&vec![20; 10]));
//! # Ok::<(), phew_graph::GraphError>(())
//! ```

use super::direction::Direction;
use super::graph::{Kind, PathGraph, Weighted};
use super::wiring::Wiring;
use crate::by_id::ByLayer;
use crate::ids::{ConnectionId, LayerId};

/// A connection as a sweep crosses it: from the units on its near side to those on its far side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The connection.
    pub connection: ConnectionId,
    /// Which way the sweep goes.
    pub direction: Direction,
    /// Layer on the near side: the source of the connection where the sweep goes forward.
    pub near: LayerId,
    /// Layer on the far side.
    pub far: LayerId,
    /// Units of the far layer.
    pub units: usize,
}

/// What flows along paths, unit by unit: values with a sum, and what a weighted connection carries.
///
/// The sum must be associative and commutative, and what connections carry must distribute over it; then a unit's
/// value after a sweep is the sum over all paths to it.
pub trait Semiring {
    /// Value of a unit.
    type Value: Clone;

    /// Value of a unit that nothing leads to.
    fn zero(&self) -> Self::Value;

    /// Adds a value to a sum.
    fn add(&self, sum: &mut Self::Value, more: &Self::Value);

    /// What a weighted connection carries from the values of the near units: one value for each far unit.
    fn weighted(&mut self, step: &Step, shape: &Weighted, near: &[Self::Value])
    -> Vec<Self::Value>;

    /// What a parameter-free connection makes of the values that it has brought to the far units: nothing, unless the
    /// semiring says so.
    fn free(&mut self, _step: &Step, far: Vec<Self::Value>) -> Vec<Self::Value> {
        far
    }
}

/// What flows along paths, layer by layer: for values that have something in common in a layer, such as a scale.
///
/// Every [`Semiring`] is one, with a vector of values for each layer.
pub trait LayerSemiring {
    /// Values of the units of a layer.
    type Layer;

    /// What a weighted connection carries from the near layer to the far one.
    fn weighted(&mut self, step: &Step, shape: &Weighted, near: &Self::Layer) -> Self::Layer;

    /// What a parameter-free connection carries from the near layer to the far one.
    fn free(&mut self, step: &Step, wiring: Wiring, near: &Self::Layer) -> Self::Layer;

    /// The sum of what the connections of a layer of so many units carry.
    fn sum(&mut self, units: usize, parts: Vec<Self::Layer>) -> Self::Layer;
}

impl<S: Semiring> LayerSemiring for S {
    type Layer = Vec<S::Value>;

    fn weighted(&mut self, step: &Step, shape: &Weighted, near: &Self::Layer) -> Self::Layer {
        Semiring::weighted(self, step, shape, near)
    }

    fn free(&mut self, step: &Step, wiring: Wiring, near: &Self::Layer) -> Self::Layer {
        let far = match step.direction {
            Direction::Forward => {
                wiring.onto_targets(near, step.units, self.zero(), |sum, more| self.add(sum, more))
            }
            Direction::Reverse => {
                wiring.onto_sources(near, step.units, self.zero(), |sum, more| self.add(sum, more))
            }
        };
        Semiring::free(self, step, far)
    }

    fn sum(&mut self, units: usize, parts: Vec<Self::Layer>) -> Self::Layer {
        let mut parts = parts.into_iter();
        let mut total = parts.next().unwrap_or_else(|| vec![self.zero(); units]);
        for part in parts {
            assert_eq!(part.len(), units, "one value for each unit of the far layer");
            total.iter_mut().zip(&part).for_each(|(sum, more)| self.add(sum, more));
        }
        assert_eq!(total.len(), units, "one value for each unit of the far layer");
        total
    }
}

impl PathGraph {
    /// The values of all layers, from `start` at the inputs (forward) or at the
    /// outputs (in reverse).
    ///
    /// Connections are crossed layer by layer, in the order of [`super::Layer::incoming`] (forward) or
    /// [`super::Layer::outgoing`] (in reverse), so results do not depend on the number of threads.
    ///
    /// # Panics
    /// If the start or what a weighted connection carries does not have one value for each unit.
    ///
    /// # Complexity
    /// Each connection is crossed once.
    pub fn sweep<S: LayerSemiring>(
        &self,
        direction: Direction,
        semiring: &mut S,
        start: S::Layer,
    ) -> ByLayer<S::Layer> {
        let layers = self.layers();
        let forward = direction == Direction::Forward;
        // In the order of the sweep, which in reverse begins with the last layer.
        let place = |l: LayerId| if forward { l.index() } else { layers.len() - 1 - l.index() };
        let mut swept = Vec::with_capacity(layers.len());
        swept.push(semiring.sum(self[self.start(direction)].units, vec![start]));
        for layer in self.order(direction).skip(1).map(|far| &self[far]) {
            let towards = if forward { &layer.incoming } else { &layer.outgoing };
            let carried = |&connection: &ConnectionId| {
                let step = self.step(connection, direction);
                self.cross(&step, semiring, &swept[place(step.near)])
            };
            let parts = towards.iter().map(carried).collect();
            swept.push(semiring.sum(layer.units, parts));
        }
        if !forward {
            swept.reverse();
        }
        swept.into()
    }

    /// A connection as a sweep in this direction crosses it.
    ///
    /// # Panics
    /// If there is no such connection.
    #[must_use]
    pub fn step(&self, connection: ConnectionId, direction: Direction) -> Step {
        let ends = &self[connection];
        let (near, far) = match direction {
            Direction::Forward => (ends.source, ends.target),
            Direction::Reverse => (ends.target, ends.source),
        };
        Step { connection, direction, near, far, units: self[far].units }
    }

    /// What one connection carries: the building block of [`PathGraph::sweep`], for sums that are no sweep.
    pub fn cross<S: LayerSemiring>(
        &self,
        step: &Step,
        semiring: &mut S,
        near: &S::Layer,
    ) -> S::Layer {
        match self[step.connection].kind {
            Kind::Weighted(ref shape) => semiring.weighted(step, shape, near),
            Kind::Free(wiring) => semiring.free(step, wiring, near),
        }
    }
}
