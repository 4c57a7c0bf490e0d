//! How much of its incoming weights each hidden unit has lost.

use phew_graph::{Direction, Mask, PathGraph, TensorId};
use serde::Serialize;

/// Steps of the scale from 0 to 1.
const STEPS: usize = 100;

/// A distribution of the sparsity of single units.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NeuronSparsity {
    /// 0, 0.01, …, 1.
    pub sparsity: Vec<f64>,
    /// For each of them the share of the hidden units that have at least that sparsity.
    pub share: Vec<f64>,
}

/// The share of the hidden units (channels, in a convolution) of which at least so much of the incoming weights is
/// pruned, for each hundredth from 0 to 1.
///
/// It tells masks that prune whole units from those that prune weights everywhere. Each prunable tensor counts by itself,
/// a projection around a block too, and once however many operators share it; those into nothing but the outputs do not
/// count.
///
/// # Returns
/// 101 entries each; all shares are 0 for a network without hidden layers.
///
/// # Panics
/// If the mask is not one of the graph's architecture.
///
/// # Complexity
/// O(E) time.
///
/// # Examples
/// ```
/// use phew_graph::{Mask, PathGraph, zoo};
/// use phew_metrics::neuron_sparsity;
///
/// let arch = zoo::mlp(&[2, 4, 2]).build()?;
/// let found = neuron_sparsity(&PathGraph::new(&arch), &Mask::dense(&arch));
/// // A dense network: all units have lost at least nothing, and none has lost anything.
/// assert_eq!((found.share[0], found.share[1]), (1.0, 0.0));
/// # Ok::<(), phew_graph::GraphError>(())
/// ```
///
/// # References
/// Frankle et al. 2021, figure 6 and appendix I.
#[must_use]
pub fn neuron_sparsity(graph: &PathGraph, mask: &Mask) -> NeuronSparsity {
    let outputs = graph.start(Direction::Reverse);
    // Units by the last step that their sparsity reaches.
    let mut units = [0usize; STEPS + 1];
    let is_hidden = |&tensor: &TensorId| graph.uses(tensor).any(|ends| ends.target != outputs);
    for tensor in graph.tensors().filter(is_hidden) {
        let shape = graph.shape(tensor);
        let row = shape.row();
        let mut kept = vec![0; shape.outputs];
        mask.layer(tensor).iter().for_each(|index| kept[index / row] += 1);
        kept.into_iter().for_each(|kept: usize| units[(row - kept) * STEPS / row] += 1);
    }
    let all = units.iter().sum::<usize>().max(1);
    let at_least = |step: usize| units[step..].iter().sum::<usize>() as f64 / all as f64;
    NeuronSparsity {
        sparsity: (0..=STEPS).map(|step| step as f64 / STEPS as f64).collect(),
        share: (0..=STEPS).map(at_least).collect(),
    }
}
