//! Which units lie on a path: the path sums with every positive value cut to 1, so that depth does not matter.

use rayon::prelude::*;

use super::edges::{EdgeValue, Edges, One};
use super::graph::PathGraph;
use crate::mask::{LayerMask, Mask};

/// For each unit, whether an input reaches it and whether it reaches an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// By layer and unit: some path from an input ends here.
    pub from_inputs: Vec<Vec<bool>>,
    /// By layer and unit: some path to an output starts here.
    pub to_outputs: Vec<Vec<bool>>,
}

/// 1 where the value is not 0.
struct Exists<'a, E>(&'a E);

impl<E: EdgeValue> EdgeValue for Exists<'_, E> {
    #[inline]
    fn value(&self, tensor: usize, index: usize, weight: f32) -> f64 {
        f64::from(u8::from(self.0.value(tensor, index, weight) != 0.0))
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
        let layers = graph.layers();
        let mut from = layers.iter().map(|l| vec![0.0; l.units]).collect::<Vec<_>>();
        let mut to = from.clone();
        let last = layers.len() - 1;
        from[0].fill(1.0);
        to[last].fill(1.0);
        for (l, layer) in layers.iter().enumerate().skip(1) {
            for &c in &layer.incoming {
                let part = graph.push(c, &edges, None, &from[graph.connections()[c].source]);
                join(&mut from[l], &part);
            }
        }
        for (l, layer) in layers.iter().enumerate().take(last).rev() {
            for &c in &layer.outgoing {
                let part = graph.pull(c, &edges, None, &to[graph.connections()[c].target]);
                join(&mut to[l], &part);
            }
        }
        let flags = |values: Vec<Vec<f64>>| -> Vec<Vec<bool>> {
            values.into_iter().map(|l| l.into_iter().map(|v| v > 0.0).collect()).collect()
        };
        Self { from_inputs: flags(from), to_outputs: flags(to) }
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
    pub fn alive(&self, layer: usize, unit: usize) -> bool {
        self.from_inputs[layer][unit] && self.to_outputs[layer][unit]
    }

    /// Number of units of a layer that some input-output path passes.
    ///
    /// # Panics
    /// If there is no such layer.
    #[must_use]
    pub fn units_alive(&self, layer: usize) -> usize {
        (0..self.from_inputs[layer].len()).filter(|&u| self.alive(layer, u)).count()
    }

    /// Whether any input-output path exists.
    #[must_use]
    pub fn connected(&self) -> bool {
        self.from_inputs.last().is_some_and(|l| l.contains(&true))
    }

    /// The kept weights that lie on at least one surviving input-output path.
    ///
    /// # Panics
    /// If the mask is not one of this graph's architecture.
    #[must_use]
    pub fn effective(&self, graph: &PathGraph, mask: &Mask) -> Mask {
        let layers = mask.layers().par_iter().enumerate().map(|(tensor, layer)| {
            let (connection, shape) = graph.weighted(tensor);
            let connection = &graph.connections()[connection];
            let from = &self.from_inputs[connection.source];
            let to = &self.to_outputs[connection.target];
            if !from.contains(&false) && !to.contains(&false) {
                return layer.clone();
            }
            let mut kept = LayerMask::empty(layer.name(), layer.shape());
            for index in layer.iter() {
                let (source, target) = shape.ends(index);
                if from[source] && to[target] {
                    kept.insert(index);
                }
            }
            kept
        });
        Mask::from_layers(layers.collect())
    }
}

/// Adds and cuts to 1.
fn join(total: &mut [f64], part: &[f64]) {
    for (t, &p) in total.iter_mut().zip(part) {
        *t = f64::from(u8::from(*t + p > 0.0));
    }
}
