//! Score, allocate, schedule: the loop that makes a mask.

use std::ops::ControlFlow;

use phew_graph::{Mask, Network, PathGraph};

use crate::error::BaselineError;
use crate::plan::Plan;
use crate::scorer::{Scorer, State, StepProgress, Watch, tell};
use crate::scores::Scores;
use crate::select::keep_highest_counting;

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
        let counts = plan.share_out(arch, candidates, step)?;
        let state = State { mask, step, ..start };
        let scores = scorer.score_watched(&state, watch)?;
        // Later it is a layer that has collapsed: what becomes of the method is its result, and ties are reported.
        if step == 0 {
            check_informative(&scores, candidates, kept)?;
        }
        let (next, by_index) = keep_highest_counting(&scores, candidates, &counts)?;
        drop(scores);
        pruned = Some(next);
        tell(watch, StepProgress { done: step + 1, steps, kept, by_index })?;
    }
    Ok(pruned.unwrap_or(dense))
}

/// Refuses scores that are all the same, where some are to be kept and some are not.
///
/// The first two that differ end the search: where scores say anything it costs next to nothing.
pub(crate) fn check_informative(
    scores: &Scores<'_>,
    candidates: &Mask,
    kept: usize,
) -> Result<(), BaselineError> {
    const BLOCK: usize = 4096;
    if kept >= candidates.kept() {
        return Ok(());
    }
    let mut first = None;
    let mut block = [0.0; BLOCK];
    for (tensor, layer) in candidates.layers().with_ids() {
        for start in (0..layer.len()).step_by(BLOCK) {
            let block = &mut block[..BLOCK.min(layer.len() - start)];
            scores.block(tensor, start, block);
            let open = block.iter().enumerate().filter(|(i, _)| layer.get(start + i));
            for (_, &score) in open {
                let first = *first.get_or_insert(score);
                // NaN is another error, and what compares it says which weight has it.
                if score.is_nan() || score.total_cmp(&first).is_ne() && (score - first) != 0.0 {
                    return Ok(());
                }
            }
        }
    }
    match first {
        Some(score) => Err(BaselineError::SaysNothing { candidates: candidates.kept(), score }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use phew_graph::{TensorId, zoo};

    use super::*;

    #[test]
    fn scores_that_are_all_the_same_are_refused_unless_nothing_is_to_choose() {
        let arch = zoo::mlp(&[80, 60, 5]).build().unwrap();
        let dense = Mask::dense(&arch);
        let last = TensorId::new(1);
        for value in [0.0, 3.5, -1.0] {
            let same = Scores::from_fn(move |_, _| value);
            let error = check_informative(&same, &dense, 10).unwrap_err();
            assert!(error.to_string().contains("all 5100 weights"), "{error}");
            assert!(check_informative(&same, &dense, 5_100).is_ok());
            let one = Scores::from_fn(move |t, i| if t == last && i == 299 { 4.0 } else { value });
            assert!(check_informative(&one, &dense, 10).is_ok());
            // The one that differs is no candidate.
            let mut mask = dense.clone();
            mask.layer_mut(last).remove(299);
            assert!(check_informative(&one, &mask, 10).is_err());
        }
        let signs = Scores::from_fn(|_, i| if i % 2 == 0 { 0.0 } else { -0.0 });
        assert!(check_informative(&signs, &dense, 10).is_err(), "a zero is a zero");
    }
}
