//! How often walks pass each weight, by drawing them.

use ndarray::ArrayD;
use phew_graph::{ByTensor, Network, PathGraph, TensorSpec};

use crate::error::WalkError;
use crate::feasibility::check_connected;
use crate::params::WalkLaw;
use crate::params::bias::{Score, with_score};
use crate::walk::sampling_table::SamplingTable;
use crate::walk::steps::Steps;
use crate::walk::walker::Walker;

/// Walks that are drawn before they are counted.
const ROUND: usize = 1 << 15;

/// Counts how often walks `0 .. walks` pass each prunable weight.
///
/// For checks of the theory by sampling; the exact expectation is a path sum over [`phew_graph::Transition`].
///
/// # Shapes
/// An array for each prunable tensor, of the tensor's shape.
///
/// # Errors
/// As [`prune`](crate::prune), but for the density.
///
/// # Complexity
/// As [`prune`](crate::prune), and four bytes for each weight.
pub fn count_visits(
    network: &Network,
    law: &WalkLaw,
    walks: u64,
) -> Result<ByTensor<ArrayD<u32>>, WalkError> {
    with_score!(law.bias, S => count::<S>(network, law, walks))
}

fn count<S: Score>(
    network: &Network,
    law: &WalkLaw,
    walks: u64,
) -> Result<ByTensor<ArrayD<u32>>, WalkError> {
    let graph = &PathGraph::new(network.arch());
    let tables = SamplingTable::of_network::<S>(graph, network)?;
    check_connected(graph, network, &tables, law.bias)?;
    let walker = Walker::<S>::new(graph, &tables, law);
    let unvisited = |tensor: &TensorSpec| ArrayD::zeros(&tensor.shape[..]);
    let mut visits: ByTensor<ArrayD<u32>> =
        network.arch().prunable().iter().map(unvisited).collect();
    let mut flat: ByTensor<&mut [u32]> =
        visits.iter_mut().map(|v| v.as_slice_mut().unwrap_or_default()).collect();
    for from in (0..walks).step_by(ROUND) {
        let round = (walks - from).min(ROUND as u64) as usize;
        for (tensor, run) in walker.draw(from, round).iter().flat_map(Steps::runs) {
            run.iter().for_each(|&index| flat[tensor][index as usize] += 1);
        }
    }
    Ok(visits)
}
