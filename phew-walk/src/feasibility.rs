//! Feasibility: requests that no number of walks can meet, refused with the reason.

use phew_graph::{
    Direction, Edges, LayerMask, Mask, Network, PathGraph, Reach, SkipPolicy, TensorId, Transition,
};

use crate::error::WalkError;
use crate::params::{Bias, Granularity, Starts, WalkLaw, WalkParams};
use crate::walk::sampling_table::SamplingTable;

/// Refuses a network in which every input-output path passes a weight of score 0.
///
/// Paths can be cut only where some unit has nothing but scores of 0 onwards.
pub(crate) fn check_connected(
    graph: &PathGraph,
    network: &Network,
    tables: &[SamplingTable<'_>],
    bias: Bias,
) -> Result<(), WalkError> {
    if !tables.iter().any(SamplingTable::has_stuck_units) {
        return Ok(());
    }
    let weights = network.weights();
    let reach = Reach::new(graph, &Edges::new(&weights, bias));
    match reach.from_inputs.with_ids().find(|(_, units)| !units.contains(&true)) {
        Some((layer, _)) if !reach.connected() => {
            Err(WalkError::NoPath { layer: graph[layer].name.clone() })
        }
        _ => Ok(()),
    }
}

/// Refuses what the architecture alone rules out.
pub(crate) fn check_architecture(
    graph: &PathGraph,
    params: &WalkParams,
    density: f64,
    target: usize,
) -> Result<(), WalkError> {
    let walked = graph.walked(params.law.skips);
    let len = |tensor| graph.shape(tensor).len();
    let prunable = graph.tensors().map(len).sum();
    let walked = |&tensor: &TensorId| walked[graph.ends(tensor).connection];
    let reachable = graph.tensors().filter(walked).map(len).sum();
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
pub(crate) fn check_weights(
    graph: &PathGraph,
    network: &Network,
    params: &WalkParams,
    density: f64,
    target: usize,
) -> Result<(), WalkError> {
    let mask = reachable_weights(graph, network, &params.law);
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
    let tensor = |(t, layer): (TensorId, &LayerMask)| {
        let kernel = graph.shape(t).kernel;
        let mut kernels: Vec<usize> = layer.iter().map(|i| i / kernel).collect();
        kernels.dedup();
        kernels.len() * kernel
    };
    mask.layers().with_ids().map(tensor).sum()
}

/// The weights that a forward or a reverse walk passes with positive probability.
fn reachable_weights(graph: &PathGraph, network: &Network, law: &WalkLaw) -> Mask {
    let weights = network.weights();
    let edges = Edges::new(&weights, law.bias);
    let step = |direction| Transition::new(graph, &edges, direction, law.skips);
    let forward = (law.starts != Starts::Reverse).then(|| {
        let step = step(Direction::Forward);
        (graph.forward(&edges, None, Some(&step)), step)
    });
    let reverse = (law.starts != Starts::Forward).then(|| {
        let step = step(Direction::Reverse);
        (graph.backward(&edges, None, Some(&step)), step)
    });
    let layers = network.arch().prunable().with_ids().map(|(tensor, spec)| {
        let ends = graph.ends(tensor);
        LayerMask::from_fn(&spec.name, &spec.shape, |index| {
            let (source, target) = ends.shape.ends(index);
            let passed = |visited: bool, step: &Transition| {
                visited && step.probability(graph, &edges, tensor, index) > 0.0
            };
            let forward = forward.as_ref().is_some_and(|(visits, step)| {
                passed(visits[ends.source].values[source] > 0.0, step)
            });
            let reverse = reverse.as_ref().is_some_and(|(visits, step)| {
                passed(visits[ends.target].values[target] > 0.0, step)
            });
            forward || reverse
        })
    });
    Mask::from_layers(layers.collect())
}
