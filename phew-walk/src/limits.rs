//! Requests that no number of walks can meet, refused with the reason.

use phew_graph::{Mask, Network, PathGraph, SkipPolicy};

use crate::error::WalkError;
use crate::params::{Granularity, WalkParams};
use crate::score::Score;
use crate::support::{check_connected, reachable};
use crate::table::Table;

/// Refuses a network without a path. Paths can be cut only where some unit has nothing but scores of 0 onwards.
pub(crate) fn check_open<S: Score>(
    graph: &PathGraph,
    network: &Network,
    tables: &[Table<'_>],
    score: S,
) -> Result<(), WalkError> {
    if tables.iter().any(Table::has_stuck_units) {
        check_connected(graph, network, score)
    } else {
        Ok(())
    }
}

/// Refuses what the architecture alone rules out.
pub(crate) fn check_target(
    graph: &PathGraph,
    params: &WalkParams,
    density: f64,
    target: usize,
) -> Result<(), WalkError> {
    let walked = graph.walked(params.law.skips);
    let len = |tensor: usize| graph.weighted(tensor).1.len();
    let tensors = 0..graph.tensors();
    let prunable = tensors.clone().map(len).sum();
    let reachable = tensors.filter(|&t| walked[graph.weighted(t).0]).map(len).sum();
    if target <= reachable {
        return Ok(());
    }
    let reason = match params.law.skips {
        SkipPolicy::Uniform => "",
        _ => " (the skip policy leaves the others out)",
    };
    Err(WalkError::Unreachable { density, target, reachable, prunable, reason })
}

/// Refuses what the weights rule out: scores of 0.
pub(crate) fn check_reachable<S: Score>(
    graph: &PathGraph,
    network: &Network,
    params: &WalkParams,
    density: f64,
    score: S,
    target: usize,
) -> Result<(), WalkError> {
    let mask = reachable(graph, network, &params.law, score);
    let reachable = match params.granularity {
        Granularity::Weight => mask.kept(),
        Granularity::Kernel => whole_kernels(graph, &mask),
    };
    if target <= reachable {
        return Ok(());
    }
    let reason = " (weights of 0 are not walked where others lead on)";
    let prunable = mask.len();
    Err(WalkError::Unreachable { density, target, reachable, prunable, reason })
}

/// Scalars of the kernels that hold at least one weight of a mask.
fn whole_kernels(graph: &PathGraph, mask: &Mask) -> usize {
    let tensor = |(t, layer): (usize, &phew_graph::LayerMask)| {
        let kernel = graph.weighted(t).1.kernel;
        let mut kernels: Vec<usize> = layer.iter().map(|i| i / kernel).collect();
        kernels.dedup();
        kernels.len() * kernel
    };
    mask.layers().iter().enumerate().map(tensor).sum()
}
