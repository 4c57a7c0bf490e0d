//! Scores and transformations of networks whose layers share a weight.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use phew_baselines::{
    Plan, Refill, Saliency, Schedule, Scorer, State, SynFlow, node_path, prune_by_scores, repair,
    shuffle, widen,
};
use phew_graph::{ArchBuilder, Init, LayerMask, Mask, Network, PathGraph, Reach, Shape, TensorId};

/// Three inputs; a weight twice in a row, the second time with a residual around it; two outputs.
fn network() -> Network {
    let arch = ArchBuilder::new("tied", Shape::Features(3))
        .linear_unbiased("a", 3)
        .relu("relu")
        .linear_unbiased("b", 3)
        .tensor("weight", "a.weight")
        .add("sum", &["b", "relu"])
        .linear_unbiased("fc", 2)
        .build()
        .unwrap();
    Network::initialise(arch, Init::default(), 7).unwrap()
}

const A: usize = 0;
const FC: usize = 1;

/// The weights of every path, in order: from input i through j and k to output o, and from i through j to o.
fn paths() -> Vec<Vec<(usize, usize)>> {
    let mut paths = Vec::new();
    for (i, j) in (0..3).flat_map(|i| (0..3).map(move |j| (i, j))) {
        for o in 0..2 {
            paths.push(vec![(A, 3 * j + i), (FC, 3 * o + j)]);
            for k in 0..3 {
                paths.push(vec![(A, 3 * j + i), (A, 3 * k + j), (FC, 3 * o + k)]);
            }
        }
    }
    paths
}

#[test]
fn synflow_sums_over_the_uses_of_a_weight() {
    let network = network();
    let weights = network.weights();
    let (graph, mask) = (PathGraph::new(network.arch()), Mask::dense(network.arch()));
    let state = State {
        network: &network,
        weights: &weights,
        graph: &graph,
        mask: &mask,
        step: 0,
        steps: 1,
    };
    for (saliency, power) in [(Saliency::L1, 1), (Saliency::L2Conserved, 2)] {
        let worth = |path: &Vec<(usize, usize)>| -> f64 {
            path.iter()
                .map(|&(t, i)| f64::from(weights[TensorId::new(t)][i]).abs().powi(power))
                .product()
        };
        let total: f64 = paths().iter().map(worth).sum();
        let mut scorer = SynFlow::new(saliency);
        let scores = scorer.score(&state).unwrap();
        for (t, len) in [(A, 9), (FC, 6)] {
            for i in 0..len {
                // θ · ∂R/∂θ is R's part through the weight, as often as a path passes it.
                let times =
                    |path: &Vec<(usize, usize)>| path.iter().filter(|&&w| w == (t, i)).count();
                let through =
                    paths().iter().map(|p| times(p) as f64 * worth(p)).sum::<f64>() / total;
                let found = scores.at(TensorId::new(t), i);
                // Scores are compared at 32 significant bits.
                assert!(
                    (found - through).abs() <= 2f64.powi(-31) * through,
                    "{t} {i}: {found} {through}"
                );
            }
        }
    }
}

#[test]
fn iterative_synflow_takes_the_plain_way_to_the_same_mask() {
    let network = network();
    let plan = Plan::new(0.4).unwrap().with_schedule(Schedule::exponential(10).unwrap()).unwrap();
    let masks = [SynFlow::new(Saliency::L1), SynFlow::new(Saliency::L1).plain()]
        .map(|mut scorer| prune_by_scores(&network, &mut scorer, &plan).unwrap());
    assert_eq!(masks[0], masks[1]);
    assert_eq!(masks[0].kept(), 6);
}

fn mask(network: &Network, kept: [&[usize]; 2]) -> Mask {
    let layers = network.arch().prunable().iter().zip(kept);
    let layer = |(spec, kept): (&phew_graph::TensorSpec, &[usize])| {
        LayerMask::from_fn(&spec.name, &spec.shape, |i| kept.contains(&i))
    };
    Mask::from_layers(layers.map(layer).collect())
}

#[test]
fn masks_are_repaired_and_shuffled_weight_by_weight() {
    let network = network();
    let graph = PathGraph::new(network.arch());
    // a keeps 0 → 1 and 1 → 2, fc keeps 2 → 0. By the second use of 1 → 2 the path 0 → 1 → 2 → 0 exists.
    let chain = mask(&network, [&[3, 7], &[2]]);
    assert_eq!(repair(&chain, &graph, Refill::No).dropped, 0);
    // With 0 → 1 and 0 → 2 alone fc's 2 → 0 is reached by the first use; 0 → 1 leads nowhere.
    let repaired = repair(&mask(&network, [&[3, 6], &[2]]), &graph, Refill::Uniform { seed: 1 });
    assert_eq!((repaired.dropped, repaired.refilled), (1, 1));
    assert_eq!(
        Reach::of_mask(&graph, &repaired.mask).effective(&graph, &repaired.mask),
        repaired.mask
    );
    let shuffled = shuffle(&chain, 3);
    assert_eq!(shuffled.layer(TensorId::new(A)).kept(), 2);
    let refused = widen(&chain, &graph, 0.5, 0).unwrap_err().to_string();
    assert!(refused.contains("a.weight"), "{refused}");
}

#[test]
fn nodes_and_paths_are_counted_over_all_uses() {
    let network = network();
    let graph = PathGraph::new(network.arch());
    let found = node_path(&mask(&network, [&[3, 7], &[2]]), &graph).unwrap();
    // 0 → 1 and 1 → 2 meet two of three units on each side of both uses. One path arrives at each input, and at unit 1 and
    // unit 2 of the first layer: 2 of at most 2, and 1 of at most 2.
    assert!((found[A].nodes - 8.0 / 12.0).abs() < 1e-12);
    assert!((found[A].paths - 3.0 / 4.0).abs() < 1e-12);
}
