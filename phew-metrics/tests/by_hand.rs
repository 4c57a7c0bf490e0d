//! Networks small enough to work out on paper.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use phew_graph::{
    Arch, ArchBuilder, Conv2d, Init, LayerMask, Mask, Network, PathGraph, Pool, Shape, TensorId,
    zoo,
};
use phew_metrics::{Analysis, MetricError, Objective, Paths, neuron_sparsity, similarity};

fn with(arch: Arch, weights: Vec<Vec<f32>>) -> Network {
    Network::initialise(arch, Init::default(), 0).unwrap().with_weights(weights).unwrap()
}

fn mask_of(network: &Network, keep: impl Fn(usize, usize) -> bool) -> Mask {
    let layers = network.arch().prunable().iter().enumerate();
    let layer = |(t, s): (usize, &phew_graph::TensorSpec)| {
        LayerMask::from_fn(&s.name, &s.shape, |i| keep(t, i))
    };
    Mask::from_layers(layers.map(layer).collect())
}

/// Two inputs, one hidden unit, one output: π = 2·3 and 5·3, Π = [[9 + 4, 10], [10, 9 + 25]].
#[test]
fn two_paths_that_share_an_edge() {
    let network = with(zoo::mlp(&[2, 1, 1]).build().unwrap(), vec![vec![2.0, 5.0], vec![3.0]]);
    let analysis = Analysis::new(&network, None).unwrap();
    assert!((analysis.ln_objective(Objective::SynFlow).exp() - 21.0).abs() < 1e-12);
    assert!((analysis.ln_objective(Objective::SynFlowL2).exp() - 261.0).abs() < 1e-10);
    let (_, kernel) = analysis.path_kernel(2).unwrap();
    let expected = [[13.0, 10.0], [10.0, 34.0]];
    for (p, row) in expected.iter().enumerate() {
        for (q, value) in row.iter().enumerate() {
            assert!((kernel[(p, q)] - value).abs() < 1e-12);
        }
    }
    let trace = analysis.path_kernel_trace().unwrap();
    assert!((trace.total() - 47.0).abs() < 1e-12);
    // ∂R/∂s of the shared edge is 4 + 25, of the others 9 each.
    let shares = [0, 1].map(|t| trace.shares(TensorId::new(t))).concat();
    for (share, expected) in shares.iter().zip([9.0, 9.0, 29.0]) {
        assert!((share * 47.0 - expected).abs() < 1e-12);
    }
}

/// One weight of 0 kills every path's product, yet its own contribution to the trace stays.
#[test]
fn a_single_zero_weight_leaves_a_trace() {
    let network = with(zoo::mlp(&[2, 1, 1]).build().unwrap(), vec![vec![2.0, 5.0], vec![0.0]]);
    let analysis = Analysis::new(&network, None).unwrap();
    assert!(analysis.ln_objective(Objective::SynFlow) < f64::MIN);
    assert_eq!(analysis.path_count(Paths::Kept).unwrap(), 2);
    assert_eq!(analysis.path_count(Paths::Effective).unwrap(), 0);
    assert!((analysis.path_kernel_trace().unwrap().total() - 29.0).abs() < 1e-12);
}

#[test]
fn counts_beyond_128_bits_are_exact_as_numbers_of_any_size() {
    let arch = zoo::mlp(&[100; 21]).build().unwrap();
    let network = Network::initialise(arch, Init::default(), 0).unwrap();
    let analysis = Analysis::new(&network, None).unwrap();
    assert!(matches!(analysis.path_count(Paths::All), Err(MetricError::Overflow)));
    assert_eq!(analysis.exact_path_count(Paths::All).to_string(), format!("1{}", "0".repeat(42)));
    assert!((analysis.ln_path_count(Paths::All) - 21.0 * 100f64.ln()).abs() < 1e-9);
    assert!(matches!(analysis.paths(10_000), Err(MetricError::Limit { .. })));
}

/// fc1: unit 0 keeps an input but no output, unit 1 an output but no input, unit 2 both, unit 3 nothing.
#[test]
fn stubs_isolated_and_dead_units_are_told_apart() {
    let arch = zoo::mlp(&[2, 4, 2]).build().unwrap();
    let network = Network::initialise(arch, Init::default(), 1).unwrap();
    let kept = [(0, 0), (0, 4), (1, 1), (1, 2)];
    let mask = mask_of(&network, |t, i| kept.contains(&(t, i)));
    let structure = Analysis::new(&network, Some(&mask)).unwrap().structure();
    let hidden = &structure.layers[1];
    assert_eq!((hidden.alive, hidden.stubs, hidden.isolated), (1, 2, 1));
    assert_eq!(hidden.in_degree.units, [1, 0, 1, 0]);
    assert_eq!(hidden.out_degree.units, [0, 1, 1, 0]);
    assert_eq!((structure.layers[0].stubs, structure.layers[2].stubs), (1, 1));
    assert_eq!((structure.kept, structure.effective), (4, 2));
    assert!((structure.neuron_collapse() - 0.75).abs() < 1e-15);
    assert!(structure.collapsed().is_empty() && structure.connected);
    let mask = mask_of(&network, |t, _| t == 0);
    let structure = Analysis::new(&network, Some(&mask)).unwrap().structure();
    assert_eq!(structure.collapsed(), ["fc2.weight"]);
    assert!(!structure.connected && structure.effective == 0);
}

/// Two inputs, four hidden units of which two have lost one weight and one has lost both; the outputs do not count.
#[test]
fn neuron_sparsity_counts_units_by_what_they_have_lost() {
    let network =
        Network::initialise(zoo::mlp(&[2, 4, 2]).build().unwrap(), Init::default(), 1).unwrap();
    let mask = mask_of(&network, |t, i| t == 0 && [0, 2, 4, 5].contains(&i));
    let found = neuron_sparsity(&PathGraph::new(network.arch()), &mask);
    assert_eq!((found.sparsity.len(), found.sparsity[50]), (101, 0.5));
    for (step, share) in [(0, 1.0), (1, 0.75), (50, 0.75), (51, 0.25), (100, 0.25)] {
        assert_eq!(found.share.get(step), Some(&share), "{step}");
    }
}

/// ResNet-20 has 7 convolutions of 16 channels, 6 of 32, 6 of 64, and two projections of 32 and 64.
#[test]
fn neuron_sparsity_counts_the_channels_of_convolutions() {
    let arch = zoo::by_name("resnet20").unwrap().build().unwrap();
    // Nothing of the first convolution is kept: 16 of all channels have lost everything.
    let network = Network::initialise(arch, Init::default(), 1).unwrap();
    let mask = mask_of(&network, |t, _| t > 0);
    let found = neuron_sparsity(&PathGraph::new(network.arch()), &mask);
    let units = 7.0 * 16.0 + 6.0 * 32.0 + 6.0 * 64.0 + 96.0;
    assert_eq!(found.share.last(), Some(&(16.0 / units)));
}

/// Pruning ratio 1/2. A hidden unit with 2 weights in and 1 out is a stub with probability 1/4 · 1/2 + 1/2 · 3/4 = 1/2.
#[test]
fn the_law_of_stub_units_is_that_of_either_side() {
    let arch = zoo::mlp(&[2, 2, 1]).build().unwrap();
    let network = Network::initialise(arch, Init::default(), 1).unwrap();
    let mask = mask_of(&network, |t, i| t == 0 && i != 1);
    let analysis = Analysis::new(&network, Some(&mask)).unwrap();
    let law = analysis.stub_law();
    assert!((law.share - 0.5).abs() < 1e-15 && (law.any - 0.75).abs() < 1e-15);
    // Both hidden units have inputs and no output.
    assert!((analysis.structure().hidden_stub_share() - 1.0).abs() < 1e-15);
    let dense = Analysis::new(&network, None).unwrap().stub_law();
    assert_eq!((dense.share, dense.any), (0.0, 0.0));
}

/// An 8×8 image through a 3×3 convolution of stride 2 with padding 1: 4×4 positions.
#[test]
fn flops_count_each_position_of_each_kept_weight() {
    let arch = ArchBuilder::new("c", Shape::Image { channels: 3, height: 8, width: 8 })
        .conv("conv", Conv2d::new(4, 3).stride(2).padding(1))
        .batch_norm("bn")
        .avg_pool("pool", Pool::global())
        .flatten("flatten")
        .linear("fc", 5)
        .build()
        .unwrap();
    let network = Network::initialise(arch, Init::default(), 0).unwrap();
    let mask = mask_of(&network, |t, i| t == 1 || i % 2 == 0);
    let cost = Analysis::new(&network, Some(&mask)).unwrap().cost();
    assert_eq!(cost.layers[0].positions, 16);
    assert_eq!((cost.layers[0].flops, cost.layers[0].sparse_flops), (2 * 108 * 16, 2 * 54 * 16));
    assert_eq!((cost.flops(), cost.sparse_flops()), (2 * 108 * 16 + 40, 2 * 54 * 16 + 40));
    assert_eq!(cost.auxiliary_parameters, 4 + 4 + 5);
}

#[test]
fn equal_masks_are_wholly_alike_and_complements_not_at_all() {
    let arch = zoo::mlp(&[4, 6, 3]).build().unwrap();
    let network = Network::initialise(arch, Init::default(), 0).unwrap();
    let mask = mask_of(&network, |_, i| i % 3 == 0);
    let same = similarity(&mask, &mask).unwrap();
    assert!((same.overall.jaccard - 1.0).abs() < 1e-15 && same.overall.above_chance() > 0.999);
    let other = similarity(&mask, &mask.not()).unwrap();
    assert!(other.overall.jaccard.abs() < 1e-15 && other.overall.above_chance() < 0.0);
    assert_eq!(other.layers.len(), 2);
}

/// a: inputs to hidden 0 to both outputs; hidden 1 leads nowhere from input 1. b: one path, half shared.
#[test]
fn overlaps_are_those_counted_by_hand() {
    let network =
        Network::initialise(zoo::mlp(&[2, 3, 2]).build().unwrap(), Init::default(), 0).unwrap();
    let a = [(0, 0), (0, 1), (0, 3), (1, 0), (1, 3)];
    let b = [(0, 0), (1, 0), (1, 1)];
    let [a, b] = [&a[..], &b[..]].map(|kept| mask_of(&network, |t, i| kept.contains(&(t, i))));
    let found = similarity(&a, &b).unwrap();
    let first = &found.layers[0];
    assert_eq!((first.total, first.kept, first.common), (6, [3, 1], 1));
    assert_eq!((found.overall.kept, found.overall.common), ([5, 3], 2));
    assert!((found.overall.jaccard - 2.0 / 6.0).abs() < 1e-15);
    // b's only weight is among a's three with probability 1/2, and then one of three in all.
    assert!((first.by_chance - 0.5 / 3.0).abs() < 1e-15);
    // Two of six and two of six: x in common with probability 6, 8, 1 of 15, and x of 4 − x in all.
    assert!((found.layers[1].by_chance - (8.0 / 15.0 / 3.0 + 1.0 / 15.0)).abs() < 1e-15);
    let other = zoo::mlp(&[2, 3, 3]).build().unwrap();
    assert!(similarity(&a, &Mask::empty(&other)).is_err());
}
