//! What every mask promises: paths only, the target met, nesting, the same bytes on any number of threads.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "../../phew-graph/tests/support/mod.rs"]
mod support;

use std::ops::ControlFlow;

use phew_graph::{
    Init, LayerMask, Mask, Network, PathGraph, Reach, SkipPolicy, TensorId, kept_at, zoo,
};
use phew_walk::{Bias, Engine, Granularity, Starts, WalkError, WalkParams, prune, prune_nested};
use proptest::prelude::*;

fn network(name: &str) -> Network {
    let arch = zoo::by_name(name).unwrap().build().unwrap();
    Network::initialise(arch, Init::default(), 0).unwrap()
}

fn params(density: f64) -> WalkParams {
    WalkParams::new(density).unwrap()
}

/// No weight off a surviving path: hence no stub unit, no dead unit that is entered, no collapsed layer.
fn only_paths(network: &Network, mask: &Mask) {
    let graph = PathGraph::new(network.arch());
    let reach = Reach::of_mask(&graph, mask);
    assert!(reach.connected());
    assert_eq!(&reach.effective(&graph, mask), mask, "{}", network.arch().name());
}

#[test]
fn every_kept_weight_of_every_zoo_network_lies_on_a_surviving_path() {
    for name in [
        "mlp-30-20-20-5",
        "mlp7-tanh-50",
        "lenet-300-100",
        "lenet-5",
        "vgg11",
        "vgg19",
        "resnet20",
        "resnet56",
        "resnet18",
        "resnet50",
        "resnet34-modified",
        "wrn-16-2",
    ] {
        let network = network(name);
        for skips in [SkipPolicy::Uniform, SkipPolicy::Main, SkipPolicy::Projection] {
            for density in [0.002, 0.03] {
                let walked = prune(&network, &params(density).skips(skips).seed(3)).unwrap();
                only_paths(&network, &walked.mask);
                let longest = PathGraph::new(network.arch()).layers().len();
                assert_eq!(
                    walked.report.target,
                    kept_at(density, network.arch().prunable_len()).unwrap()
                );
                assert_eq!(walked.mask.kept(), walked.report.target + walked.report.overshoot);
                assert!(walked.report.overshoot < longest, "less than one path");
            }
        }
    }
}

/// By enumeration, the weights on paths without a weight of 0.
fn on_open_paths(network: &Network) -> Mask {
    let weights = network.weights();
    weights_of(network, |path| path.iter().all(|&(t, i)| weights[t][i] != 0.0))
}

/// By enumeration, the weights that some walk can pass: whole kernels if asked.
///
/// A walk passes no score of 0, but where a unit has nothing else onwards.
fn walkable(network: &Network, bias: Bias, starts: Starts, granularity: Granularity) -> Mask {
    let (arch, weights) = (network.arch(), network.weights());
    let graph = PathGraph::new(arch);
    let scored = |t: TensorId, i: usize| bias == Bias::Uniform || weights[t][i] != 0.0;
    let forward = |&(t, i): &(TensorId, usize)| {
        let shape = graph.shape(t);
        scored(t, i) || shape.scalars_out_of(shape.ends(i).0).all(|other| !scored(t, other))
    };
    let reverse = |&(t, i): &(TensorId, usize)| {
        let shape = graph.shape(t);
        scored(t, i) || shape.scalars_into(shape.ends(i).1).all(|other| !scored(t, other))
    };
    let walked = weights_of(network, |path| {
        starts != Starts::Reverse && path.iter().all(forward)
            || starts != Starts::Forward && path.iter().all(reverse)
    });
    let whole = |(t, layer): (TensorId, &LayerMask)| {
        let kernel = match granularity {
            Granularity::Weight => 1,
            Granularity::Kernel => arch.prunable()[t].shape[2..].iter().product(),
        };
        let any = |i: usize| (i / kernel * kernel..(i / kernel + 1) * kernel).any(|i| layer.get(i));
        LayerMask::from_fn(layer.name(), layer.shape(), any)
    };
    Mask::from_layers(walked.layers().with_ids().map(whole).collect())
}

/// The weights on those of all paths that are asked for.
fn weights_of(network: &Network, asked: impl Fn(&support::Path) -> bool) -> Mask {
    let mut mask = Mask::empty(network.arch());
    for (t, i) in support::all_paths(network.arch()).into_iter().filter(asked).flatten() {
        mask.layer_mut(t).insert(i);
    }
    mask
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Random small networks with skips, groups, kernels and weights of 0: either there is a mask of paths
    /// that meets the target, or the error says that there can be none, and exactly how many weights there can be.
    #[test]
    fn random_networks_give_paths_or_a_reason(
        (network, _) in support::masked_network(),
        density in 0.05..1.0f64,
        seed in 0..1000u64,
        bias in prop_oneof![Just(Bias::Magnitude), Just(Bias::Square), Just(Bias::Uniform)],
        starts in prop_oneof![Just(Starts::Balanced), Just(Starts::Forward), Just(Starts::Reverse), Just(Starts::Random)],
        granularity in prop_oneof![Just(Granularity::Weight), Just(Granularity::Kernel)],
    ) {
        prop_assume!(kept_at(density, network.arch().prunable_len()).is_ok());
        let params = params(density).seed(seed).bias(bias).starts(starts).granularity(granularity);
        let walkable = walkable(&network, bias, starts, granularity);
        match prune(&network, &params) {
            Ok(walked) => {
                only_paths(&network, &walked.mask);
                prop_assert!(walked.mask.kept() >= walked.report.target);
                prop_assert!(walked.mask.is_subset(&walkable).unwrap());
                let starts: u64 = walked.report.input_starts.iter().chain(&walked.report.output_starts).sum();
                prop_assert_eq!(starts, walked.report.walks);
            }
            Err(WalkError::Unreachable { target, reachable, prunable, .. }) => {
                prop_assert_eq!(reachable, walkable.kept());
                prop_assert_eq!(target, kept_at(density, prunable).unwrap());
                prop_assert!(reachable < target);
            }
            Err(WalkError::NoPath { .. }) => prop_assert_eq!(on_open_paths(&network).kept(), 0),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}

#[test]
fn masks_of_one_seed_are_nested_as_the_density_grows() {
    for name in ["resnet20", "lenet-5"] {
        let network = network(name);
        let masks: Vec<Mask> = [0.01, 0.02, 0.1, 0.5]
            .iter()
            .map(|&d| prune(&network, &params(d)).unwrap().mask)
            .collect();
        for pair in masks.windows(2) {
            assert!(pair[0].is_subset(&pair[1]).unwrap(), "{name}");
        }
    }
}

#[test]
fn one_thread_and_three_give_the_same_mask() {
    let network = network("resnet20");
    let mask = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| prune(&network, &params(0.2)).unwrap().mask)
    };
    assert_eq!(mask(1), mask(3));
}

#[test]
fn seeds_matter_and_starts_are_balanced() {
    let network = network("lenet-5");
    let [a, b] = [0, 1].map(|seed| prune(&network, &params(0.1).seed(seed)).unwrap());
    assert_ne!(a.mask, b.mask);
    for starts in [&a.report.input_starts, &a.report.output_starts] {
        let (least, most) = (starts.iter().min().unwrap(), starts.iter().max().unwrap());
        assert!(most - least <= 1, "{starts:?}");
    }
}

#[test]
fn kernels_are_kept_whole_when_asked() {
    let network = network("resnet20");
    let mask = prune(&network, &params(0.1).granularity(Granularity::Kernel)).unwrap().mask;
    for layer in mask.layers() {
        let kernel: usize = layer.shape()[2..].iter().product();
        for first in (0..layer.len()).step_by(kernel) {
            let kept = (first..first + kernel).filter(|&i| layer.get(i)).count();
            assert!(kept == 0 || kept == kernel, "{}", layer.name());
        }
    }
    only_paths(&network, &mask);
}

#[test]
fn skip_policies_leave_skips_alone() {
    let network = network("resnet20");
    let main = prune(&network, &params(0.1).skips(SkipPolicy::Main)).unwrap().mask;
    let uniform = prune(&network, &params(0.1)).unwrap().mask;
    let kept = |mask: &Mask| {
        let of = |name: &str| name.contains("downsample");
        mask.layers()
            .iter()
            .filter(|l| of(l.name()))
            .map(phew_graph::LayerMask::kept)
            .sum::<usize>()
    };
    assert_eq!(kept(&main), 0);
    assert!(kept(&uniform) > 0);
}

/// VGG-19 at 20 %, where `auto` takes batches: paths only, no more than one walk over, and as many walks as the
/// walk engine needs. That number's standard deviation is below 0.1 %; 1 % is allowed.
#[test]
fn batches_meet_the_target_with_paths_and_as_many_walks() {
    let network = network("vgg11");
    let bulk = prune(&network, &params(0.2)).unwrap();
    let single = prune(&network, &params(0.2).engine(Engine::Walk)).unwrap();
    assert_eq!((bulk.report.engine, single.report.engine), (Engine::Bulk, Engine::Walk));
    assert!(bulk.report.bulk_walks > bulk.report.walks / 2 && single.report.bulk_walks == 0);
    only_paths(&network, &bulk.mask);
    assert!(bulk.report.overshoot < PathGraph::new(network.arch()).layers().len());
    let ratio = bulk.report.walks as f64 / single.report.walks as f64;
    assert!((ratio - 1.0).abs() < 0.01, "{ratio}");
}

#[test]
fn batches_give_the_same_mask_on_one_thread_and_three() {
    let network = network("vgg11");
    let mask = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| prune(&network, &params(0.1).engine(Engine::Bulk)).unwrap().mask)
    };
    assert_eq!(mask(1), mask(3));
}

#[test]
fn several_densities_give_nested_masks_in_one_run() {
    for (name, densities, engine) in [
        ("resnet20", &[0.3, 0.01, 0.1][..], Engine::Walk),
        ("vgg11", &[0.01, 0.1, 0.3], Engine::Auto),
    ] {
        let network = network(name);
        let params = WalkParams::nested(densities).unwrap().engine(engine);
        let all = prune_nested(&network, &params, |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(all.len(), 3);
        for pair in all.windows(2) {
            assert!(pair[0].report.target < pair[1].report.target);
            assert!(pair[0].mask.is_subset(&pair[1].mask).unwrap(), "{name}");
        }
        for walked in &all {
            only_paths(&network, &walked.mask);
            assert_eq!(walked.mask.kept(), walked.report.target + walked.report.overshoot);
        }
        if engine == Engine::Walk {
            assert_eq!(all[0].mask, prune(&network, &self::params(0.01)).unwrap().mask, "as alone");
        }
    }
    assert!(WalkParams::nested(&[]).is_err());
    assert!(WalkParams::nested(&[0.1, 2.0]).is_err());
}

#[test]
fn exactly_the_target_is_kept_where_that_leaves_paths_only() {
    let network = network("resnet20");
    let mut inexact = 0;
    for seed in 0..20 {
        let walked = prune(&network, &params(0.03).seed(seed).exact(true)).unwrap();
        assert_eq!(walked.mask.kept(), walked.report.target);
        only_paths(&network, &walked.mask);
        inexact += prune(&network, &params(0.03).seed(seed)).unwrap().report.overshoot;
    }
    assert!(inexact > 0, "something was dropped");
    // One path of two weights cannot be one weight.
    let chain =
        Network::initialise(zoo::mlp(&[1, 1, 1]).build().unwrap(), Init::default(), 0).unwrap();
    let error = prune(&chain, &params(0.5).exact(true)).unwrap_err();
    assert!(matches!(error, WalkError::Inexact { target: 1, over: 1 }), "{error}");
}
