//! Means over the kept weights and over the kept paths, each counting alike.

use phew_graph::TensorId;
use serde::Serialize;

use super::count::Paths;
use super::objective::Objective;
use crate::analysis::Analysis;

/// What a path is worth on average, when all kept paths count alike.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MeanPath {
    /// Natural logarithm of the mean of |π|.
    pub ln_product: f64,
    /// Natural logarithm of the mean of π².
    pub ln_square: f64,
    /// Natural logarithm of the mean of Π(p, p), the diagonal of the path kernel. NaN where operators share a weight: see
    /// [`Analysis::path_kernel_trace`].
    pub ln_kernel: f64,
}

impl Analysis<'_> {
    /// Edge-weight product and Π(p, p) of a kept path chosen uniformly: the objectives and the trace over the number
    /// of paths.
    ///
    /// Under a mask this is what [`crate::Walks::worth`] is for walks, which know of no mask.
    ///
    /// # Returns
    /// NaN if no path is kept.
    ///
    /// # Complexity
    /// A few passes over the weights.
    #[must_use]
    pub fn mean_path(&self) -> MeanPath {
        let paths = self.ln_path_count(Paths::Kept);
        MeanPath {
            ln_product: self.ln_objective(Objective::SynFlow) - paths,
            ln_square: self.ln_objective(Objective::SynFlowL2) - paths,
            ln_kernel: self.path_kernel_trace().map_or(f64::NAN, |trace| trace.ln_total() - paths),
        }
    }

    /// Mean of θ² over the kept weights of each prunable tensor; NaN where none is kept.
    ///
    /// # Complexity
    /// One pass over the weights.
    #[must_use]
    pub fn mean_squares(&self) -> Vec<f64> {
        let of = |tensor: TensorId| {
            let weights = self.weights[tensor];
            let square = |i: usize| f64::from(weights[i]) * f64::from(weights[i]);
            match self.mask.map(|m| m.layer(tensor)) {
                Some(mask) => mask.iter().map(square).sum::<f64>() / mask.kept() as f64,
                None => (0..weights.len()).map(square).sum::<f64>() / weights.len() as f64,
            }
        };
        self.graph.tensors().map(of).collect()
    }
}
