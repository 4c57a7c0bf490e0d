//! A scorer asked about a network that is being trained.

use phew_baselines::{Plan, Scorer, State, keep_highest, prune_by_scores};
use phew_graph::{Mask, Network, PathGraph};

use crate::error::Result;

/// The first pruning runs the method's whole schedule; a later one scores once and keeps the best of what is left.
pub(super) fn keep(
    scorer: &mut (impl Scorer + ?Sized),
    plan: &Plan,
    network: &Network,
    mask: &Mask,
) -> Result<Mask> {
    if mask.kept() == mask.len() {
        return Ok(prune_by_scores(network, scorer, plan)?);
    }
    let (arch, weights) = (network.arch(), network.weights());
    let counts = plan.share_out(arch, mask, plan.steps() - 1)?;
    let graph = PathGraph::new(arch);
    let state = State { network, weights: &weights, graph: &graph, mask, step: 0, steps: 1 };
    Ok(keep_highest(&scorer.score(&state)?, mask, &counts)?)
}
