//! Feasibility: requests that no number of walks can meet, refused with the reason.

use phew_graph::{
    Direction, Edges, Ends, GraphError, LayerBudgets, LayerMask, Mask, Network, PathGraph, Reach,
    SkipPolicy, TensorId, Transition,
};

use crate::error::WalkError;
use crate::params::{Bias, Engine, Granularity, Starts, WalkLaw, WalkParams};
use crate::quotas::Quotas;
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

/// Refuses what cannot be had beside layers with a share of their own.
pub(crate) fn check_layers(params: &WalkParams) -> Result<(), WalkError> {
    let refused = |reason: &str| Err(GraphError::Layers { reason: reason.to_owned() }.into());
    if params.exact && !params.layers.is_empty() {
        return refused("exact counts are for masks in which every weight lies on a path");
    }
    if params.engine == Engine::Bulk && params.layers.has_parts() {
        return refused("parts of them are kept walk by walk, not in batches");
    }
    Ok(())
}

/// Refuses what the architecture alone rules out.
pub(crate) fn check_architecture(
    graph: &PathGraph,
    params: &WalkParams,
    density: f64,
    target: usize,
    budgets: &LayerBudgets,
) -> Result<(), WalkError> {
    let walked = graph.walked(params.law.skips);
    let len = |tensor| graph.shape(tensor).len();
    let prunable = graph.tensors().map(len).sum();
    let walked = |&tensor: &TensorId| graph.uses(tensor).any(|ends| walked[ends.connection]);
    let whole = |&tensor: &TensorId| budgets.fixed[tensor] == Some(len(tensor));
    // What has a share of its own is looked at when walks no longer find anything.
    let open = |tensor: &TensorId| whole(tensor) || walked(tensor);
    let reachable = graph.tensors().filter(open).map(len).sum();
    if target <= reachable {
        return Ok(());
    }
    let reason = match params.law.skips {
        SkipPolicy::Uniform => "",
        _ => " (the skip policy leaves the others out)",
    };
    Err(WalkError::Unreachable { density, target, reachable, prunable, reason })
}

/// Refuses what the weights rule out: scores of 0. `kept` is what walks have kept so far.
pub(crate) fn check_weights(
    graph: &PathGraph,
    network: &Network,
    params: &WalkParams,
    (density, target): (f64, usize),
    kept: &Mask,
    quotas: Option<&Quotas>,
) -> Result<(), WalkError> {
    let passed = reachable_weights(graph, network, &params.law);
    let reachable = |tensors: &[TensorId]| match params.granularity {
        Granularity::Weight => tensors.iter().map(|&t| passed.layer(t).kept()).sum(),
        Granularity::Kernel => {
            tensors.iter().map(|&t| whole_kernels(graph, t, passed.layer(t))).sum::<usize>()
        }
    };
    if let Some(quotas) = quotas {
        return quotas.open_groups().try_for_each(|(left, tensors)| {
            let has: usize = tensors.iter().map(|&t| kept.layer(t).kept()).sum();
            match reachable(&tensors) {
                most if has + left <= most => Ok(()),
                most => Err(GraphError::Layers {
                    reason: format!(
                        "{} are to keep {} weights, but walks reach only {most} there",
                        names(&tensors, kept),
                        has + left
                    ),
                }
                .into()),
            }
        });
    }
    // Layers that are kept whole need no walk.
    let whole = |&t: &TensorId| kept.layer(t).kept() == kept.layer(t).len();
    let (full, open): (Vec<_>, Vec<_>) = graph.tensors().partition(whole);
    let full: usize = full.iter().map(|&t| kept.layer(t).len()).sum();
    let reachable = full + reachable(&open);
    if target <= reachable {
        return Ok(());
    }
    let reason = " (weights of 0 are not walked where others lead on)";
    let prunable = kept.len();
    Err(WalkError::Unreachable { density, target, reachable, prunable, reason })
}

/// A few tensors by their names, the others by their number.
fn names(tensors: &[TensorId], mask: &Mask) -> String {
    let named = tensors.iter().take(3).map(|&t| format!("`{}`", mask.layer(t).name()));
    let named = named.collect::<Vec<_>>().join(", ");
    match tensors.len() {
        n if n > 3 => format!("{named} and {} more", n - 3),
        _ => named,
    }
}

/// Scalars of the kernels of a tensor that hold at least one weight of a mask.
fn whole_kernels(graph: &PathGraph, tensor: TensorId, layer: &LayerMask) -> usize {
    let kernel = graph.shape(tensor).kernel;
    let mut kernels: Vec<usize> = layer.iter().map(|i| i / kernel).collect();
    kernels.dedup();
    kernels.len() * kernel
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
        let passed_by = |ends: &Ends, index: usize| {
            let (source, target) = ends.shape.ends(index);
            let passed = |visited: bool, step: &Transition| {
                visited && step.probability(&edges, ends, index) > 0.0
            };
            let forward = forward.as_ref().is_some_and(|(visits, step)| {
                passed(visits[ends.source].values[source] > 0.0, step)
            });
            let reverse = reverse.as_ref().is_some_and(|(visits, step)| {
                passed(visits[ends.target].values[target] > 0.0, step)
            });
            forward || reverse
        };
        let uses: Vec<Ends> = graph.uses(tensor).collect();
        LayerMask::from_fn(&spec.name, &spec.shape, |index| {
            uses.iter().any(|ends| passed_by(ends, index))
        })
    });
    Mask::from_layers(layers.collect())
}
