//! Score, allocate, schedule: the loop that makes a mask.

use std::ops::ControlFlow;

use phew_graph::{Mask, Network, PathGraph};

use crate::error::BaselineError;
use crate::plan::Plan;
use crate::scorer::{Scorer, State, StepProgress, Watch, tell};
use crate::select::keep_highest;

/// Prunes a network: takes the scores at each step of the schedule and keeps the highest of each allotment.
///
/// # Returns
/// A mask that keeps exactly `kept_at(density, prunable)` weights.
///
/// # Errors
/// As [`Plan::counts`] and [`Allocation::counts`](crate::Allocation::counts); [`BaselineError::NotComparable`] if a score is
/// NaN, and what the scorer runs into.
pub fn prune_by_scores(
    network: &Network,
    scorer: &mut (impl Scorer + ?Sized),
    plan: &Plan,
) -> Result<Mask, BaselineError> {
    prune_by_scores_with(network, scorer, plan, &mut |_| ControlFlow::Continue(()))
}

/// As [`prune_by_scores`], reporting after each step to `watch`, which may stop it.
///
/// # Errors
/// As [`prune_by_scores`]; [`BaselineError::Stopped`] if `watch` breaks.
pub fn prune_by_scores_with(
    network: &Network,
    scorer: &mut (impl Scorer + ?Sized),
    plan: &Plan,
    watch: &mut Watch<'_>,
) -> Result<Mask, BaselineError> {
    let (arch, weights) = (network.arch(), network.weights());
    let graph = PathGraph::new(arch);
    let counts = plan.counts(arch.prunable_len())?;
    let (dense, steps) = (Mask::dense(arch), counts.len());
    let start = State { network, weights: &weights, graph: &graph, mask: &dense, step: 0, steps };
    if let Some(mask) = scorer.whole(&start, plan, watch) {
        return mask;
    }
    let mut pruned = None;
    for (step, &kept) in counts.iter().enumerate() {
        let mask = pruned.as_ref().unwrap_or(&dense);
        let candidates = if plan.schedule().revives() { &dense } else { mask };
        let counts = plan.allocation().counts(arch, candidates, kept)?;
        let state = State { mask, step, ..start };
        let next = keep_highest(&scorer.score(&state)?, candidates, &counts)?;
        pruned = Some(next);
        tell(watch, StepProgress { done: step + 1, steps, kept })?;
    }
    Ok(pruned.unwrap_or(dense))
}
