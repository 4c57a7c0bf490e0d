//! Expectations over walks against the list of all walks with their probabilities.

mod common;

use common::{times, tiny_with};
use phew_graph::{
    ConnectionId, Direction, Kind, LayerId, Network, PathGraph, SkipPolicy, TensorId,
};
use phew_metrics::Analysis;
use phew_walk::{Bias, Starts, WalkParams, prune};
use proptest::prelude::*;

/// A walk: its probability, its units as `(layer, unit)`, its weights as `(tensor, index)`.
struct Walk {
    probability: f64,
    units: Vec<(LayerId, usize)>,
    weights: Vec<(TensorId, usize)>,
}

fn score(bias: Bias, w: f32) -> f64 {
    match bias {
        Bias::Uniform => 1.0,
        Bias::Inverse => f64::from(1.0 / w.abs().max(1e-30)),
        Bias::Square => f64::from(w * w),
        _ => f64::from(w.abs()),
    }
}

/// An edge: the units it joins, and its weight, if any.
type Edge = (usize, usize, Option<(TensorId, usize)>);

/// The edges of a connection.
fn edges(graph: &PathGraph, c: ConnectionId) -> Vec<Edge> {
    let connection = &graph[c];
    match connection.kind {
        Kind::Weighted(shape) => (0..shape.len())
            .map(|i| (shape.ends(i).0, shape.ends(i).1, Some((shape.tensor, i))))
            .collect(),
        Kind::Free(wiring) => wiring
            .pairs(graph[connection.target].units)
            .map(|(source, target)| (source, target, None))
            .collect(),
    }
}

fn walk_on(
    network: &Network,
    graph: &PathGraph,
    bias: Bias,
    reverse: bool,
    walk: Walk,
    done: &mut Vec<Walk>,
) {
    let (layer, unit) = walk.units[walk.units.len() - 1];
    let here = &graph[layer];
    let onward = if reverse { &here.incoming } else { &here.outgoing };
    if onward.is_empty() {
        done.push(walk);
        return;
    }
    let weights = network.weights();
    let leaving = |&c: &ConnectionId| {
        let steps: Vec<_> = edges(graph, c)
            .into_iter()
            .map(|(i, j, w)| if reverse { (j, i, w) } else { (i, j, w) })
            .filter(|&(from, ..)| from == unit)
            .collect();
        (!steps.is_empty()).then_some((c, steps))
    };
    // Of a concatenation only one input holds the unit.
    let leaving: Vec<_> = onward.iter().filter_map(leaving).collect();
    for (c, steps) in &leaving {
        let worth =
            |w: Option<(TensorId, usize)>| w.map_or(1.0, |(t, i)| score(bias, weights[t][i]));
        let total: f64 = steps.iter().map(|s| worth(s.2)).sum();
        for &(_, to, w) in steps {
            let share = if total > 0.0 { worth(w) / total } else { 1.0 / steps.len() as f64 };
            let probability = walk.probability * share / leaving.len() as f64;
            if probability > 0.0 {
                let connection = &graph[*c];
                let next = if reverse { connection.source } else { connection.target };
                let units = [walk.units.as_slice(), &[(next, to)]].concat();
                let mut passed = walk.weights.clone();
                passed.extend(w);
                let walk = Walk { probability, units, weights: passed };
                walk_on(network, graph, bias, reverse, walk, done);
            }
        }
    }
}

/// All walks of the balanced law.
fn all(network: &Network, bias: Bias) -> Vec<Walk> {
    let graph = PathGraph::new(network.arch());
    let mut done = Vec::new();
    for direction in Direction::BOTH {
        let (reverse, layer) = (direction == Direction::Reverse, graph.start(direction));
        let units = graph[layer].units;
        for u in 0..units {
            let probability = 0.5 / units as f64;
            let start = Walk { probability, units: vec![(layer, u)], weights: Vec::new() };
            walk_on(network, &graph, bias, reverse, start, &mut done);
        }
    }
    done
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-11 * a.abs().max(b.abs()) + 1e-14
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn visits_and_worth_are_expectations_over_the_list_of_walks(
        seed: u64, which in 0usize..4, ties: bool
    ) {
        let bias = [Bias::Magnitude, Bias::Uniform, Bias::Inverse, Bias::Square][which];
        let network = tiny_with(seed, ties).network;
        let weights = network.weights();
        let walks = all(&network, bias);
        let analysis = Analysis::new(&network, None).unwrap();
        let law = analysis.walks(bias, SkipPolicy::Uniform);
        let probability: f64 = walks.iter().map(|w| w.probability).sum();
        prop_assert!(near(probability, 1.0));
        for (l, layer) in law.visits(Starts::Balanced).units().with_ids() {
            for (u, &visits) in layer.iter().enumerate() {
                let through = walks.iter().filter(|w| w.units.contains(&(l, u)));
                prop_assert!(near(visits, through.map(|w| w.probability).sum()));
            }
        }
        let worth = law.worth(Starts::Balanced);
        for ((t, tensor), step) in weights.with_ids().zip(&worth.steps) {
            for (i, visits) in law.visits(Starts::Balanced).weights(t).into_iter().enumerate() {
                let through = |w: &Walk| times(&w.weights, (t, i)) as f64 * w.probability;
                prop_assert!(near(visits, walks.iter().map(through).sum()));
            }
            let mean = |power: i32| -> (f64, f64) {
                let (mut n, mut sum) = (0.0, 0.0);
                for walk in &walks {
                    for &(_, i) in walk.weights.iter().filter(|w| w.0 == t) {
                        n += walk.probability;
                        sum += walk.probability * f64::from(tensor[i]).abs().powi(power);
                    }
                }
                (n, if n > 0.0 { sum / n } else { 0.0 })
            };
            prop_assert!(near(step.visits, mean(1).0));
            prop_assert!(near(step.magnitude, mean(1).1));
            prop_assert!(near(step.square, mean(2).1));
        }
        let (mut product, mut square, mut kernel) = (0.0, 0.0, 0.0);
        for walk in &walks {
            let value = |t: TensorId, i: usize| f64::from(weights[t][i]);
            let pi = common::product(&walk.weights, value);
            product += walk.probability * pi.abs();
            square += walk.probability * pi * pi;
            let derivatives = common::without_each(&walk.weights, value);
            kernel += walk.probability * derivatives.iter().map(|d| d * d).sum::<f64>();
        }
        prop_assert!(near(worth.ln_product.exp(), product), "{} {product}", worth.ln_product.exp());
        prop_assert!(near(worth.ln_square.exp(), square));
        match ties {
            true => prop_assert!(worth.ln_kernel.is_nan()),
            false => prop_assert!(near(worth.ln_kernel.exp(), kernel)),
        }
    }

    #[test]
    fn the_samplers_masks_have_no_stub_units(seed: u64, density in 0.05f64..1.0, ties: bool) {
        let network = tiny_with(seed, ties).network;
        let params = WalkParams::new(density).unwrap().seed(seed);
        if let Ok(walked) = prune(&network, &params) {
            let structure = Analysis::new(&network, Some(&walked.mask)).unwrap().structure();
            prop_assert_eq!(structure.effective, structure.kept);
            if ties {
                // Where a weight is used besides, it may end at a unit that no path passes.
                return Ok(());
            }
            prop_assert_eq!(structure.hidden_stubs(), 0);
            // Inputs and outputs are stubs only as long as no walk has started there.
            let unused = |starts: &[u64]| starts.iter().filter(|&&s| s == 0).count();
            prop_assert!(structure.layers[0].stubs <= unused(&walked.report.input_starts));
            let outputs = structure.layers.last().unwrap();
            prop_assert!(outputs.stubs <= unused(&walked.report.output_starts));
        }
    }
}
