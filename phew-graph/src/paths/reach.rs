//! Which units lie on a path: the sweep over booleans.

use rayon::prelude::*;

use super::direction::Direction;
use super::edges::{EdgeValue, Edges, One};
use super::graph::{Ends, PathGraph, Weighted};
use super::sweep::{Semiring, Step};
use crate::by_id::ByLayer;
use crate::ids::{LayerId, TensorId};
use crate::mask::{LayerMask, Mask};

/// For each unit, whether an input reaches it and whether it reaches an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// By unit: some path from an input ends here.
    pub from_inputs: ByLayer<Vec<bool>>,
    /// By unit: some path to an output starts here.
    pub to_outputs: ByLayer<Vec<bool>>,
}

/// 1 where the value is not 0.
struct Exists<'a, E>(&'a E);

impl<E: EdgeValue> EdgeValue for Exists<'_, E> {
    #[inline]
    fn value(&self, tensor: TensorId, index: usize, weight: f32) -> f64 {
        f64::from(u8::from(self.0.value(tensor, index, weight) != 0.0))
    }
}

/// Whether there is a path: "or" for the sum, "and" along a path.
struct Reached<'a, E> {
    graph: &'a PathGraph,
    edges: Edges<'a, Exists<'a, E>>,
}

impl<E: EdgeValue> Semiring for Reached<'_, E> {
    type Value = bool;

    fn zero(&self) -> bool {
        false
    }

    fn add(&self, sum: &mut bool, more: &bool) {
        *sum |= more;
    }

    fn weighted(&mut self, step: &Step, _: &Weighted, near: &[bool]) -> Vec<bool> {
        // Edges from reached units, counted: whole numbers in f64, by the fast loops.
        let near: Vec<f64> = near.iter().map(|&reached| f64::from(u8::from(reached))).collect();
        let edges = self.graph.carry(step.connection, step.direction, &self.edges, &near);
        edges.into_iter().map(|edges| edges > 0.0).collect()
    }
}

impl Reach {
    /// Over the edges whose value is not 0.
    ///
    /// # Complexity
    /// Two passes over the weights.
    #[must_use]
    pub fn new<E: EdgeValue>(graph: &PathGraph, edges: &Edges<'_, E>) -> Self {
        let edges = Edges { weights: edges.weights, mask: edges.mask, value: Exists(&edges.value) };
        let mut reached = Reached { graph, edges };
        let [from_inputs, to_outputs] = Direction::BOTH.map(|direction| {
            let units = graph[graph.start(direction)].units;
            graph.sweep(direction, &mut reached, vec![true; units])
        });
        Self { from_inputs, to_outputs }
    }

    /// Over the edges that a mask keeps, whatever their weights.
    #[must_use]
    pub fn of_mask(graph: &PathGraph, mask: &Mask) -> Self {
        Self::new(graph, &Edges::<One>::structure().masked(mask))
    }

    /// Whether some input-output path passes a unit.
    ///
    /// # Panics
    /// If there is no such layer or unit.
    #[must_use]
    pub fn alive(&self, layer: LayerId, unit: usize) -> bool {
        self.from_inputs[layer][unit] && self.to_outputs[layer][unit]
    }

    /// Number of units of a layer that some input-output path passes.
    ///
    /// # Panics
    /// If there is no such layer.
    #[must_use]
    pub fn units_alive(&self, layer: LayerId) -> usize {
        (0..self.from_inputs[layer].len()).filter(|&u| self.alive(layer, u)).count()
    }

    /// Whether any input-output path exists.
    #[must_use]
    pub fn connected(&self) -> bool {
        self.from_inputs.last().is_some_and(|l| l.contains(&true))
    }

    /// The kept weights that lie on at least one surviving input-output path, in any of their uses.
    ///
    /// # Panics
    /// If the mask is not one of this graph's architecture.
    #[must_use]
    pub fn effective(&self, graph: &PathGraph, mask: &Mask) -> Mask {
        let layers = mask.layers().par_iter().enumerate().map(|(tensor, layer)| {
            let mut kept = LayerMask::empty(layer.name(), layer.shape());
            for Ends { shape, source, target, .. } in graph.uses(TensorId::new(tensor)) {
                let (from, to) = (&self.from_inputs[source], &self.to_outputs[target]);
                if !from.contains(&false) && !to.contains(&false) {
                    return layer.clone();
                }
                for index in layer.iter() {
                    let (source, target) = shape.ends(index);
                    if from[source] && to[target] {
                        kept.insert(index);
                    }
                }
            }
            kept
        });
        Mask::from_layers(layers.collect())
    }
}
