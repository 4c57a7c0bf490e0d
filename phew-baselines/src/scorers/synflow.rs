//! SynFlow and SynFlow-L2 on the path graph.

use phew_graph::{Abs, Edges, Mask, PathSums, Square};

use crate::error::BaselineError;
use crate::prune::{Plan, Scorer, State, Watch};
use crate::scores::Scores;
use crate::working::WorkingSet;

/// Which share of which path sum a weight is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Saliency {
    /// `|θ| · ∂R/∂|θ|` with `R = Σ_p |π_p|`: SynFlow.
    L1,
    /// `|θ| · ∂R/∂(θ²)` with `R = Σ_p π_p²`: SynFlow-L2 as equation (7) of the PHEW paper and the authors'
    /// program have it.
    L2,
    /// `θ² · ∂R/∂(θ²)` with `R = Σ_p π_p²`: the share that is conserved from layer to layer.
    L2Conserved,
}

/// What a weight contributes to a product: |w| or w².
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Factor {
    Abs,
    Square,
}

impl Factor {
    #[inline(always)]
    pub(crate) fn of(self, weight: f32) -> f64 {
        match self {
            Factor::Abs => f64::from(weight.abs()),
            Factor::Square => f64::from(weight) * f64::from(weight),
        }
    }
}

impl Saliency {
    /// What a weight contributes to the paths through it.
    pub(crate) fn edge(self) -> Factor {
        match self {
            Saliency::L1 => Factor::Abs,
            Saliency::L2 | Saliency::L2Conserved => Factor::Square,
        }
    }

    /// What multiplies the derivative.
    pub(crate) fn factor(self) -> Factor {
        match self {
            Saliency::L1 | Saliency::L2 => Factor::Abs,
            Saliency::L2Conserved => Factor::Square,
        }
    }
}

/// SynFlow and SynFlow-L2: a weight is worth the paths that run through it.
///
/// Meant for [`crate::Schedule::exponential`] with 100 iterations; with at least three steps and
/// [`crate::Allocation::Global`] the pruned weights leave the working set, which changes the time and not the
/// mask. Keeps few, well connected units: it prunes whole units early.
///
/// Scores are shares of `R` (for [`Saliency::L2`] divided by |θ|), so they neither over- nor underflow with
/// depth. They are compared at 32 significant bits: the edges of a chain have the same share exactly, and
/// such ties are to break by index rather than by the last bit of a sum.
///
/// # Complexity
/// One pass a step over the rows and columns that hold kept weights, of each block of the tensors, and two over the
/// sums of their kernels; 2.4 to 2.8 times the weights in memory, weights included, and somewhat more for kernels of 2 × 2,
/// whose sums take half as much as the weights.
///
/// # References
/// Tanaka et al. 2020 (SynFlow); Gebhart et al. 2021 (SynFlow-L2); Patil & Dovrolis 2021, section 2.3 and
/// eq. (7). On networks with convolutions the authors' programs send an image of ones through the real
/// layers, so that padding, stride and pooling weigh paths by the positions where they fit; here a path counts
/// once. [`crate::SpatialSynFlow`] is theirs.
#[derive(Clone, Copy, Debug)]
pub struct SynFlow {
    saliency: Saliency,
    compact: bool,
}

impl SynFlow {
    /// With the given saliency.
    #[must_use]
    pub fn new(saliency: Saliency) -> Self {
        Self { saliency, compact: true }
    }

    /// Keeps pruned weights in the working set: slower, the same masks; to check the other way against.
    #[must_use]
    pub fn plain(self) -> Self {
        Self { compact: false, ..self }
    }
}

impl Scorer for SynFlow {
    fn score<'s>(&'s mut self, state: &'s State<'_>) -> Result<Scores<'s>, BaselineError> {
        let sums = match self.saliency.edge() {
            Factor::Abs => {
                PathSums::new(state.graph, &Edges::new(state.weights, Abs).masked(state.mask))
            }
            Factor::Square => {
                PathSums::new(state.graph, &Edges::new(state.weights, Square).masked(state.mask))
            }
        };
        Ok(scores(self.saliency, state.weights, sums))
    }

    fn whole(
        &mut self,
        state: &State<'_>,
        plan: &Plan,
        watch: &mut Watch<'_>,
    ) -> Option<Result<Mask, BaselineError>> {
        let global = plan.allocation == crate::Allocation::Global && !plan.schedule.revives();
        if !self.compact || !global || state.steps < 3 {
            return None;
        }
        let counts = plan.counts(state.network.arch().prunable_len());
        Some(
            counts.and_then(|counts| {
                WorkingSet::new(self.saliency, state).prune(state, &counts, watch)
            }),
        )
    }
}

/// The saliencies that path sums imply.
pub(crate) fn scores<'s>(
    saliency: Saliency,
    weights: &'s [&'s [f32]],
    sums: PathSums<'s>,
) -> Scores<'s> {
    let factor = saliency.factor();
    Scores::from_blocks(move |tensor, start, block| {
        let derivatives = sums.derivatives(tensor);
        let shape = sums.graph().weighted(tensor).1;
        let (mut index, mut done) = (start, 0);
        while done < block.len() {
            let (target, column) = (index / shape.row(), index % shape.row());
            let len = (shape.row() - column).min(block.len() - done);
            let row = derivatives.target[target] * derivatives.factor;
            let first = shape.first_source(target);
            let weights = &weights[tensor][index..index + len];
            for ((s, &w), m) in block[done..done + len].iter_mut().zip(weights).zip(column..) {
                let source = derivatives.source[first + m / shape.kernel];
                *s = comparable(factor.of(w) * row * source);
            }
            (index, done) = (index + len, done + len);
        }
    })
}

/// The nearest number with 32 significant bits.
#[inline]
pub(crate) fn comparable(score: f64) -> f64 {
    const DROPPED: u32 = 21;
    f64::from_bits((score.to_bits() + (1 << (DROPPED - 1))) >> DROPPED << DROPPED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparable_scores_are_within_half_a_unit_of_the_32nd_bit() {
        for s in [1.0, 1.0 / 3.0, 2.0f64.powi(-500) * 0.7, 0.0, 1.999_999_999_99] {
            assert!((comparable(s) - s).abs() <= s * 2f64.powi(-32));
            assert_eq!(comparable(s * (1.0 + f64::EPSILON)).to_bits(), comparable(s).to_bits());
        }
    }
}
