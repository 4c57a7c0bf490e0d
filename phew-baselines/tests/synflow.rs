//! SynFlow: the compacted working set against the plain computation, conservation laws and layer collapse.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test stops at the first surprise")]

use phew_baselines::{Allocation, Plan, Saliency, Schedule, SynFlow, prune_by_scores};
use phew_graph::{
    Abs, Arch, ArchBuilder, Conv2d, Edges, Init, Network, PathGraph, PathSums, Reach, Shape,
    Square, TensorId, zoo,
};
use proptest::prelude::*;

const FIRST: TensorId = TensorId::new(0);
const SECOND: TensorId = TensorId::new(1);

const SALIENCIES: [Saliency; 3] = [Saliency::L1, Saliency::L2, Saliency::L2Conserved];

fn network(arch: Arch, seed: u64) -> Network {
    Network::initialise(arch, Init::default(), seed).unwrap()
}

fn grouped() -> Arch {
    let image = Shape::Image { channels: 4, height: 8, width: 8 };
    ArchBuilder::new("grouped", image)
        .conv("a", Conv2d::new(8, 3).padding(1).groups(2))
        .relu("r")
        .conv("b", Conv2d::new(8, 3).padding(1).groups(4))
        .add("sum", &["b", "r"])
        .flatten("f")
        .linear("c", 5)
        .build()
        .unwrap()
}

fn archs() -> Vec<Arch> {
    vec![
        zoo::mlp(&[30, 50, 40, 10]).build().unwrap(),
        zoo::by_name("resnet20").unwrap().build().unwrap(),
        zoo::by_name("lenet-5").unwrap().build().unwrap(),
        zoo::by_name("wrn-10-1").unwrap().build().unwrap(),
        grouped(),
    ]
}

#[test]
fn the_compacted_working_set_prunes_as_the_plain_computation_does() {
    for arch in archs() {
        let network = network(arch, 5);
        for saliency in SALIENCIES {
            for (density, steps) in [(0.3, 10), (0.02, 40)] {
                let plan = Plan::new(density)
                    .unwrap()
                    .with_schedule(Schedule::exponential(steps).unwrap())
                    .unwrap();
                let compact =
                    prune_by_scores(&network, &mut SynFlow::new(saliency), &plan).unwrap();
                let plain =
                    prune_by_scores(&network, &mut SynFlow::new(saliency).plain(), &plan).unwrap();
                let name = network.arch().name();
                assert!(compact == plain, "{name} {saliency:?} {density}");
            }
        }
    }
}

#[test]
fn rows_longer_than_a_block_and_networks_larger_than_a_sample_prune_alike_too() {
    // 70,000 inputs need many blocks side by side; 420,000 weights are many times the sample.
    let network = network(zoo::mlp(&[70_000, 6, 5]).build().unwrap(), 1);
    for saliency in SALIENCIES {
        let plan = Plan::new(0.05).unwrap().with_schedule(Schedule::linear(6).unwrap()).unwrap();
        let compact = prune_by_scores(&network, &mut SynFlow::new(saliency), &plan).unwrap();
        let plain = prune_by_scores(&network, &mut SynFlow::new(saliency).plain(), &plan).unwrap();
        assert!(compact == plain, "{saliency:?}");
    }
}

#[test]
fn weights_of_one_magnitude_tie_and_break_by_index_in_both_ways() {
    let dense = network(zoo::mlp(&[700, 600, 10]).build().unwrap(), 1);
    let ones = dense.weights().iter().map(|w| vec![0.5; w.len()]).collect();
    let network = dense.with_weights(ones).unwrap();
    let plan = Plan::new(0.2).unwrap().with_schedule(Schedule::exponential(4).unwrap()).unwrap();
    let compact = prune_by_scores(&network, &mut SynFlow::new(Saliency::L1), &plan).unwrap();
    let plain = prune_by_scores(&network, &mut SynFlow::new(Saliency::L1).plain(), &plan).unwrap();
    assert!(compact == plain);
}

fn assert_alike(network: &Network, plan: &Plan, what: &str) {
    for saliency in SALIENCIES {
        let compact = prune_by_scores(network, &mut SynFlow::new(saliency), plan).unwrap();
        let plain = prune_by_scores(network, &mut SynFlow::new(saliency).plain(), plan).unwrap();
        assert!(compact == plain, "{what} {saliency:?}");
    }
}

#[test]
fn thresholds_that_were_not_foreseen_change_nothing() {
    // Even steps, which are foreseen, then leaps and rests, which are not.
    let steps = vec![0.95, 0.9, 0.86, 0.82, 0.78, 0.4, 0.39, 0.385, 0.383, 0.1, 0.095, 0.09, 0.02];
    let network = network(zoo::mlp(&[2100, 300, 10]).build().unwrap(), 1);
    assert_alike(
        &network,
        &Plan::new(0.02).unwrap().with_schedule(Schedule::given(steps).unwrap()).unwrap(),
        "leaps",
    );
}

#[test]
fn few_magnitudes_and_extreme_ones_prune_alike() {
    let dense = network(zoo::mlp(&[2100, 150, 10]).build().unwrap(), 1);
    let plan = Plan::new(0.03).unwrap().with_schedule(Schedule::exponential(12).unwrap()).unwrap();
    let with = |f: fn(usize) -> f32| {
        let weights = dense.weights().iter().map(|w| (0..w.len()).map(f).collect()).collect();
        dense.with_weights(weights).unwrap()
    };
    // Ties by the thousand, in blocks side by side.
    assert_alike(&with(|i| [0.5, 1.0, 2.0][i * 7 % 11 % 3]), &plan, "three magnitudes");
    // Products that f32 cannot hold: 1e-30 to 1e30, and sources far below the greatest.
    assert_alike(&with(|i| 10f32.powi((i * 31 % 61) as i32 - 30)), &plan, "sixty orders");
    assert_alike(&with(|i| 10f32.powi(-((i % 2100 / 48) as i32))), &plan, "falling by column");
}

/// Kernels of 25, 4, 3, 1 and 9 scalars.
fn kernels() -> Arch {
    let image = Shape::Image { channels: 12, height: 12, width: 12 };
    ArchBuilder::new("kernels", image)
        .conv("a", Conv2d::new(40, 5).padding(2))
        .relu("r")
        .conv("b", Conv2d::new(60, 2))
        .conv("c", Conv2d { kernel: [3, 1], ..Conv2d::new(50, 3) })
        .conv("d", Conv2d::new(70, 1))
        .relu("s")
        .conv("e", Conv2d::new(150, 3).padding(1))
        .flatten("f")
        .linear("g", 5)
        .build()
        .unwrap()
}

#[test]
fn kernels_of_any_size_prune_alike() {
    let dense = network(kernels(), 4);
    let plan = Plan::new(0.02).unwrap().with_schedule(Schedule::exponential(30).unwrap()).unwrap();
    assert_alike(&dense, &plan, "as drawn");
    let with = |f: fn(usize) -> f32| {
        let weights = dense.weights().iter().map(|w| (0..w.len()).map(f).collect()).collect();
        dense.with_weights(weights).unwrap()
    };
    assert_alike(&with(|i| [0.5, 1.0, 2.0][i * 7 % 11 % 3]), &plan, "three magnitudes");
    assert_alike(&with(|i| 10f32.powi((i * 31 % 61) as i32 - 30)), &plan, "sixty orders");
    assert_alike(&with(|i| [0.0, 1.0, 0.0, -0.3][i * 7 % 11 % 4]), &plan, "zeros");
    // Forecasts that fail bring back what was pruned already.
    let leaps = vec![0.95, 0.9, 0.86, 0.82, 0.78, 0.4, 0.39, 0.385, 0.383, 0.1, 0.095, 0.09, 0.02];
    assert_alike(
        &dense,
        &Plan::new(0.02).unwrap().with_schedule(Schedule::given(leaps).unwrap()).unwrap(),
        "leaps",
    );
}

#[test]
fn kernels_larger_than_a_block_prune_alike() {
    let image = Shape::Image { channels: 2, height: 500, width: 601 };
    let whole = Conv2d { kernel: [500, 601], ..Conv2d::new(2, 1) };
    let arch = ArchBuilder::new("whole", image).conv("a", whole).flatten("f").linear("b", 3);
    let plan = Plan::new(0.05).unwrap().with_schedule(Schedule::exponential(8).unwrap()).unwrap();
    assert_alike(&network(arch.build().unwrap(), 1), &plan, "whole");
}

#[test]
fn of_kernels_on_no_path_those_weights_go_that_stand_last() {
    let image = Shape::Image { channels: 4, height: 4, width: 4 };
    let arch = ArchBuilder::new("dead ends", image)
        .conv("a", Conv2d::new(16, 3).padding(1))
        .conv("b", Conv2d::new(4, 1))
        .flatten("f")
        .linear("c", 2)
        .build()
        .unwrap();
    // Only the first channel leads on. All weights into the others score 0, though they grow within each kernel, so
    // that the great ones go first.
    let weight = |t: usize, i: usize| match t {
        0 => 10f32.powi((i % 9) as i32),
        1 => f32::from(u8::from(i.is_multiple_of(16))),
        _ => 1.0,
    };
    let dense = network(arch, 1);
    let len = dense.arch().prunable_len();
    let lens: Vec<usize> = dense.weights().iter().map(|w| w.len()).collect();
    let weights = lens.iter().enumerate().map(|(t, &n)| (0..n).map(|i| weight(t, i)).collect());
    let network = dense.with_weights(weights.collect()).unwrap();
    // The zeros of b, and channels of a from the last but for the first two weights of one.
    let kept = |channels: usize| len - 60 - (36 * channels - 2);
    let densities = [3, 6, 9, 12].map(|channels| (kept(channels) as f64 + 0.5) / len as f64);
    let plan = Plan::new(densities[3])
        .unwrap()
        .with_schedule(Schedule::given(densities.to_vec()).unwrap())
        .unwrap();
    assert_alike(&network, &plan, "dead ends");
    let mask = prune_by_scores(&network, &mut SynFlow::new(Saliency::L1), &plan).unwrap();
    assert!((0..576).all(|i| mask.layer(FIRST).get(i) == (i < 4 * 36 + 2)));
}

#[test]
fn zero_weights_and_dead_units_go_first() {
    let dense = network(zoo::mlp(&[6, 8, 4]).build().unwrap(), 2);
    let mut weights: Vec<Vec<f32>> = dense.weights().iter().map(|w| w.to_vec()).collect();
    // Unit 3 of the hidden layer has no way in; one weight elsewhere is 0: 6 + 4 + 1 worthless weights.
    weights[0][18..24].fill(0.0);
    weights[1][0] = 0.0;
    let network = dense.with_weights(weights).unwrap();
    let plan =
        Plan::new(69.0 / 80.0).unwrap().with_schedule(Schedule::exponential(5).unwrap()).unwrap();
    let mask = prune_by_scores(&network, &mut SynFlow::new(Saliency::L1), &plan).unwrap();
    assert_eq!(mask.kept(), 69);
    assert!((18..24).all(|i| !mask.layer(FIRST).get(i)));
    assert!((0..4).all(|j| !mask.layer(SECOND).get(8 * j + 3)));
    assert!(!mask.layer(SECOND).get(0));
}

#[test]
fn one_thread_and_four_prune_alike() {
    let network = network(zoo::by_name("resnet20").unwrap().build().unwrap(), 9);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let plan =
            Plan::new(0.05).unwrap().with_schedule(Schedule::exponential(20).unwrap()).unwrap();
        pool.install(|| prune_by_scores(&network, &mut SynFlow::new(Saliency::L2), &plan).unwrap())
    };
    assert!(run(1) == run(4));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn shares_are_conserved_at_every_unit_and_from_layer_to_layer(
        seed in any::<u64>(), widths in prop::collection::vec(1usize..9, 3..7), squares in any::<bool>(),
    ) {
        let network = network(zoo::mlp(&widths).build().unwrap(), seed);
        let graph = PathGraph::new(network.arch());
        let weights = network.weights();
        let shares: Vec<Vec<f64>> = graph
            .tensors()
            .map(|t| match squares {
                false => {
                    let edges = Edges::new(&weights, Abs);
                    PathSums::new(&graph, &edges).edge_shares(t, &edges)
                }
                true => {
                    let edges = Edges::new(&weights, Square);
                    PathSums::new(&graph, &edges).edge_shares(t, &edges)
                }
            })
            .collect();
        // At most 9 · 9 terms are added, each with an error of a few eps.
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-13 * (1.0 + b);
        for (t, layer) in shares.iter().enumerate() {
            prop_assert!(close(layer.iter().sum(), 1.0), "layer {t} sums to {}", layer.iter().sum::<f64>());
        }
        for l in 1..widths.len() - 1 {
            for unit in 0..widths[l] {
                let into: f64 = shares[l - 1].chunks(widths[l - 1]).nth(unit).unwrap().iter().sum();
                let out: f64 = shares[l].chunks(widths[l]).map(|row| row[unit]).sum();
                prop_assert!(close(into, out), "unit {unit} of layer {l}: {into} in, {out} out");
            }
        }
    }

    #[test]
    fn no_layer_collapses_down_to_the_maximal_critical_compression(
        seed in any::<u64>(), widths in prop::collection::vec(1usize..8, 3..7), conserved in any::<bool>(),
    ) {
        // One weight a step, down to one weight a layer: Tanaka et al. 2020, theorem 3.
        let saliency = if conserved { Saliency::L2Conserved } else { Saliency::L1 };
        let network = network(zoo::mlp(&widths).build().unwrap(), seed);
        let (len, layers) = (network.arch().prunable_len(), widths.len() - 1);
        let densities = (layers..len).rev().map(|k| k as f64 / len as f64).collect();
        let plan = Plan::new(layers as f64 / len as f64).unwrap().with_schedule(Schedule::given(densities).unwrap()).unwrap();
        let mask = prune_by_scores(&network, &mut SynFlow::new(saliency), &plan).unwrap();
        prop_assert_eq!(mask.kept(), layers);
        prop_assert!(mask.layers().iter().all(|l| l.kept() == 1));
        prop_assert!(Reach::of_mask(&PathGraph::new(network.arch()), &mask).connected());
    }
}

#[test]
fn a_density_for_each_layer_holds_whatever_the_scores() {
    let network = network(zoo::mlp(&[30, 50, 40, 10]).build().unwrap(), 3);
    let plan = Plan::new(0.1)
        .unwrap()
        .with_allocation(Allocation::Uniform)
        .with_schedule(Schedule::exponential(10).unwrap())
        .unwrap();
    let mask = prune_by_scores(&network, &mut SynFlow::new(Saliency::L1), &plan).unwrap();
    let kept: Vec<usize> = mask.layers().iter().map(|l| l.kept()).collect();
    assert_eq!(kept, [150, 200, 40]);
}
