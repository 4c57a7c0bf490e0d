//! Trace of the path kernel, and what each weight adds to it.
//!
//! With s = θ² and `R(s) = Σ_p Π_{i∈p} s_i` the trace `Σ_p Σ_{i∈p} Π_{j∈p, j≠i} θ_j²` is `Σ_i ∂R/∂s_i`: R is
//! linear in each `s_i`. A weight of 0 counts as well, for its derivative need not be 0.
//!
//! R is linear only where a path passes a weight once. A path that passes it m times has the derivative `m π_p / θ_i` by it,
//! and no sum over edges has its square: networks whose operators share a weight are refused.

use phew_graph::{ByLayer, Direction, Edges, Ends, PathSums, Scaled, ScaledVec, Square, TensorId};
use rayon::prelude::*;

use crate::analysis::Analysis;
use crate::error::MetricError;

/// The trace of the path kernel, taken apart by weight.
///
/// A weight's contribution is `∂R/∂θ² = Σ_{p∋i} (π_p / θ_i)²`, a diagonal entry of `JᵀJ`.
#[derive(Clone, Debug)]
pub struct PathKernelTrace<'a> {
    analysis: &'a Analysis<'a>,
    forward: ByLayer<ScaledVec>,
    backward: ByLayer<ScaledVec>,
    layers: Vec<Scaled>,
    total: Scaled,
}

impl<'a> Analysis<'a> {
    /// Trace of the path kernel over the kept weights.
    ///
    /// # Errors
    /// [`MetricError::Tied`] where operators share a weight: a path may hold it twice.
    ///
    /// # Complexity
    /// Three passes over the weights; O(units) memory.
    ///
    /// # References
    /// Gebhart et al. 2021; Patil & Dovrolis 2021, eq. (6). The authors' programs take the trace of the
    /// network as it is laid out in space; see [`Analysis::ln_objective`].
    pub fn path_kernel_trace(&'a self) -> Result<PathKernelTrace<'a>, MetricError> {
        self.check_untied("the path kernel's trace")?;
        let PathSums { forward, backward, .. } = PathSums::new(&self.graph, &self.edges(Square));
        let kept = Edges::structure().masked_by(self.mask);
        let layer = |Ends { connection, source, target, .. }| {
            let (f, b) = (&forward[source], &backward[target]);
            // Σ F(source) · B(target) over the kept edges.
            let reached = self.graph.carry(connection, Direction::Forward, &kept, &f.values);
            let sum = reached.iter().zip(&b.values).map(|(f, b)| f * b).sum();
            Scaled::new(sum, f.exponent + b.exponent)
        };
        let layers: Vec<Scaled> =
            self.graph.tensors().map(|tensor| layer(self.only_use(tensor))).collect();
        let total = Scaled::sum(layers.iter().copied());
        Ok(PathKernelTrace { analysis: self, forward, backward, layers, total })
    }
}

impl PathKernelTrace<'_> {
    /// Natural logarithm of the trace; `-inf` if no weight has a contribution.
    #[must_use]
    pub fn ln_total(&self) -> f64 {
        self.total.ln()
    }

    /// The trace, which may over- or underflow.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.total.value()
    }

    /// Share of each prunable tensor in the trace; zeros if the trace is 0.
    #[must_use]
    pub fn layer_shares(&self) -> Vec<f64> {
        self.layers.iter().map(|l| l.over(self.total)).collect()
    }

    /// Share of each scalar of a prunable tensor in the trace, row-major; 0 for pruned ones.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[must_use]
    pub fn shares(&self, tensor: TensorId) -> Vec<f64> {
        let Ends { shape, source, target, .. } = self.analysis.only_use(tensor);
        let (f, b) = (&self.forward[source], &self.backward[target]);
        let unit = Scaled::new(1.0, f.exponent + b.exponent).over(self.total);
        let share = |index: usize| {
            let (i, j) = shape.ends(index);
            if self.analysis.keeps(tensor, index) { f.values[i] * b.values[j] * unit } else { 0.0 }
        };
        (0..shape.len()).into_par_iter().map(share).collect()
    }
}
