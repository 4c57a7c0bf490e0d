//! SynFlow and SynFlow-L2 on the path graph.

mod block;
mod bracket;
mod compaction;
mod kernel_sums;
mod products;
mod saliency;
mod scan;
mod search;
mod spatial;
mod threshold;
mod tile;
mod working_set;

pub use saliency::Saliency;
pub(super) use saliency::comparable;
pub use spatial::SpatialSynFlow;

use phew_graph::{Abs, Edges, Mask, NonZero, PathSums, Reach, Square};

use crate::allocation::Allocation;
use crate::error::BaselineError;
use crate::plan::Plan;
use crate::power::Power;
use crate::prune::check_informative;
use crate::scorer::{Scorer, State, Watch};
use crate::scores::Scores;
use working_set::WorkingSet;

/// SynFlow and SynFlow-L2: a weight is worth the paths that run through it.
///
/// Meant for [`crate::Schedule::exponential`] with 100 iterations; with at least three steps and
/// [`crate::Allocation::Global`] the pruned weights leave the working set, which changes the time and not the
/// mask. Keeps few, well connected units: it prunes whole units early.
///
/// Scores are shares of `R` (for [`Saliency::L2`] divided by |θ|), so they neither over- nor underflow with
/// depth. They are compared at 32 significant bits: the edges of a chain have the same share exactly, and
/// such ties are to break by index rather than by the last bit of a sum. A weight that several operators share has the sum
/// of what it has in each.
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

/// Whether all weights are of one magnitude. The first two that differ end the search.
fn all_alike(state: &State<'_>) -> bool {
    let mut magnitudes = state.weights.iter().flat_map(|w| w.iter()).map(|w| w.abs().to_bits());
    let first = magnitudes.next();
    magnitudes.all(|magnitude| Some(magnitude) == first)
}

impl Scorer for SynFlow {
    fn score<'s>(&'s mut self, state: &'s State<'_>) -> Result<Scores<'s>, BaselineError> {
        let sums = match self.saliency.edge() {
            Power::Abs => {
                PathSums::new(state.graph, &Edges::new(state.weights, Abs).masked(state.mask))
            }
            Power::Square => {
                PathSums::new(state.graph, &Edges::new(state.weights, Square).masked(state.mask))
            }
        };
        Ok(self.saliency.scores(state.weights, sums))
    }

    fn whole(
        &mut self,
        state: &State<'_>,
        plan: &Plan,
        watch: &mut Watch<'_>,
    ) -> Option<Result<Mask, BaselineError>> {
        let global = *plan.allocation() == Allocation::Global && !plan.schedule().revives();
        let free = plan.layers().is_empty() && plan.pattern().is_none();
        let tied = state.network.arch().tied_weight().is_some();
        if !self.compact || !global || !free || tied || state.steps < 3 {
            return None;
        }
        let counts = plan.counts(state.network.arch().prunable_len());
        Some(counts.and_then(|counts| {
            // Without any path all scores are 0. Where there is one, they are all the same if the weights are, in some networks.
            if let Some(&kept) = counts.first().filter(|&&kept| kept < state.mask.kept()) {
                if all_alike(state) {
                    check_informative(&self.score(state)?, state.mask, kept)?;
                }
                let reach = Reach::new(state.graph, &Edges::new(state.weights, NonZero));
                if !reach.connected() {
                    let candidates = state.mask.kept();
                    return Err(BaselineError::SaysNothing { candidates, score: 0.0 });
                }
            }
            WorkingSet::new(self.saliency, state).prune(state, &counts, watch)
        }))
    }
}
