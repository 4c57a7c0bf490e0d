//! Which weights some walk can pass at all: exact, by path sums, when a density seems out of reach.

use phew_graph::{Direction, Edges, LayerMask, Mask, Network, PathGraph, Reach, Transition};

use crate::error::WalkError;
use crate::params::{Starts, WalkLaw};
use crate::score::{Score, Value};

/// The weights that a forward or a reverse walk passes with positive probability.
pub(crate) fn reachable<S: Score>(
    graph: &PathGraph,
    network: &Network,
    law: &WalkLaw,
    score: S,
) -> Mask {
    let weights = network.weights();
    let edges = Edges::new(&weights, Value(score));
    let step = |direction| Transition::new(graph, &edges, direction, law.skips);
    let forward = (law.starts != Starts::Reverse).then(|| {
        let step = step(Direction::Forward);
        (graph.forward(&edges, None, Some(&step)), step)
    });
    let reverse = (law.starts != Starts::Forward).then(|| {
        let step = step(Direction::Reverse);
        (graph.backward(&edges, None, Some(&step)), step)
    });
    let layers = network.arch().prunable().iter().enumerate().map(|(tensor, spec)| {
        let (connection, shape) = graph.weighted(tensor);
        let ends = &graph.connections()[connection];
        LayerMask::from_fn(&spec.name, &spec.shape, |index| {
            let (source, target) = shape.ends(index);
            let passed = |visited: bool, step: &Transition| {
                visited && step.probability(graph, &edges, tensor, index) > 0.0
            };
            let forward = forward.as_ref().is_some_and(|(visits, step)| {
                passed(visits.values[ends.source][source] > 0.0, step)
            });
            let reverse = reverse.as_ref().is_some_and(|(visits, step)| {
                passed(visits.values[ends.target][target] > 0.0, step)
            });
            forward || reverse
        })
    });
    Mask::from_layers(layers.collect())
}

/// Refuses a network in which every input-output path passes a weight of score 0.
pub(crate) fn check_connected<S: Score>(
    graph: &PathGraph,
    network: &Network,
    score: S,
) -> Result<(), WalkError> {
    let weights = network.weights();
    let reach = Reach::new(graph, &Edges::new(&weights, Value(score)));
    let blocked = reach.from_inputs.iter().position(|layer| !layer.contains(&true));
    match blocked {
        Some(layer) if !reach.connected() => {
            Err(WalkError::NoPath { layer: graph.layers()[layer].name.clone() })
        }
        _ => Ok(()),
    }
}
