//! Masks of networks with concatenations and with depthwise convolutions.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use phew_graph::{
    Arch, ArchBuilder, ByLayer, Conv2d, Init, Mask, Network, PathGraph, Pool, Reach, Shape,
    SkipPolicy, zoo,
};
use phew_walk::{Engine, Starts, WalkLaw, WalkParams, count_visits, prune};

fn initialised(arch: Arch) -> Network {
    Network::initialise(arch, Init::default(), 0).unwrap()
}

fn params(density: f64) -> WalkParams {
    WalkParams::new(density).unwrap()
}

/// As the blocks of mobile networks (Howard et al. 2017): each a depthwise convolution, 1 or 2 filters a channel, and a 1×1
/// convolution of all channels.
fn separable() -> Network {
    let image = Shape::Image { channels: 3, height: 12, width: 12 };
    let mut net = ArchBuilder::new("separable", image).conv("stem", Conv2d::new(8, 3).padding(1));
    let mut channels = 8;
    for (block, (multiplier, out)) in [(1, 16), (2, 24), (1, 32)].into_iter().enumerate() {
        let depthwise = Conv2d::new(multiplier * channels, 3).padding(1).groups(channels);
        net = net
            .batch_norm(format!("{block}.norm"))
            .conv(format!("{block}.depthwise"), depthwise)
            .relu(format!("{block}.relu"))
            .conv(format!("{block}.pointwise"), Conv2d::new(out, 1));
        channels = out;
    }
    let net = net.avg_pool("pool", Pool::global()).flatten("flatten");
    initialised(net.linear("fc", 10).build().unwrap())
}

/// Which units lie on a path of the mask.
fn alive(network: &Network, mask: &Mask) -> ByLayer<Vec<bool>> {
    let graph = PathGraph::new(network.arch());
    let reach = Reach::of_mask(&graph, mask);
    let both = |(a, b): (&Vec<bool>, &Vec<bool>)| a.iter().zip(b).map(|(a, b)| *a && *b).collect();
    reach.from_inputs.iter().zip(&reach.to_outputs).map(both).collect()
}

/// Every kept weight lies on a surviving path, and the target is met by less than one path too many.
fn is_made_of_paths(network: &Network, density: f64, params: WalkParams) -> Mask {
    let walked = prune(network, &params).unwrap();
    let graph = PathGraph::new(network.arch());
    let reach = Reach::of_mask(&graph, &walked.mask);
    assert_eq!(reach.effective(&graph, &walked.mask), walked.mask);
    let target = (density * network.arch().prunable_len() as f64).round() as usize;
    assert!(walked.mask.kept().abs_diff(target) < graph.layers().len());
    walked.mask
}

#[test]
fn walks_through_concatenations_leave_paths_only() {
    for (name, densities) in [("densenet-10-6", [0.02, 0.2]), ("densenet-40-12", [0.005, 0.05])] {
        let network = initialised(zoo::by_name(name).unwrap().build().unwrap());
        for density in densities {
            for starts in [Starts::Balanced, Starts::Forward, Starts::Reverse] {
                for engine in [Engine::Walk, Engine::Bulk] {
                    let params = params(density).starts(starts).engine(engine).seed(5);
                    is_made_of_paths(&network, density, params);
                }
            }
        }
    }
}

/// A concatenation is no skip: every policy walks all of its inputs.
#[test]
fn no_skip_policy_leaves_out_a_part_of_a_concatenation() {
    let network = initialised(zoo::by_name("densenet-10-6").unwrap().build().unwrap());
    let masks = [SkipPolicy::Uniform, SkipPolicy::Main, SkipPolicy::Projection]
        .map(|skips| prune(&network, &params(0.1).skips(skips)).unwrap().mask);
    assert_eq!(masks[0], masks[1]);
    assert_eq!(masks[0], masks[2]);
}

/// A walk that comes to a depthwise channel goes on by one of its own weights: a channel is alive before the depthwise
/// convolution where one of its filters is alive after it.
#[test]
fn no_channel_dies_in_a_depthwise_convolution() {
    let network = separable();
    let graph = PathGraph::new(network.arch());
    for density in [0.02, 0.05, 0.1, 0.3] {
        let mask = is_made_of_paths(&network, density, params(density).seed(1));
        let alive = alive(&network, &mask);
        for tensor in graph.tensors() {
            let ends = graph.uses(tensor).next().unwrap();
            let (source, target) = (&alive[ends.source], &alive[ends.target]);
            if ends.shape.groups == 1 {
                continue;
            }
            let filters = ends.shape.outputs_per_group();
            for (channel, &before) in source.iter().enumerate() {
                let after = &target[channel * filters..(channel + 1) * filters];
                assert_eq!(before, after.contains(&true), "density {density}, channel {channel}");
            }
        }
    }
}

/// Two inputs, two units that see both, and one output that sees the inputs and these units side by side.
///
/// Forward, a walk at an input takes the concatenation or the hidden layer, each with 1/2; in reverse, a walk at a unit
/// of the concatenation has one connection to take.
#[test]
fn visits_through_a_concatenation_are_those_worked_out_by_hand() {
    let arch = ArchBuilder::new("by hand", Shape::Features(2))
        .linear_unbiased("a", 2)
        .concat("concat", &["input", "a"])
        .linear_unbiased("fc", 1)
        .build()
        .unwrap();
    let a = vec![1.0, 2.0, 3.0, 1.0];
    let network = initialised(arch).with_weights(vec![a, vec![4.0, 1.0, 2.0, 3.0]]).unwrap();
    let thirds = 1.0 / 3.0;
    // Into the first hidden unit from both inputs, then into the second.
    let forward_a = [0.25 * 0.25, 0.25 * 2.0 * thirds, 0.25 * 0.75, 0.25 * thirds];
    let forward_fc = [0.25, 0.25, forward_a[0] + forward_a[1], forward_a[2] + forward_a[3]];
    let reverse_fc = [0.4, 0.1, 0.2, 0.3];
    let reverse_a = [0.2 * thirds, 0.2 * 2.0 * thirds, 0.3 * 0.75, 0.3 * 0.25];
    let walks = 100_000;
    for (starts, expected) in
        [(Starts::Forward, [forward_a, forward_fc]), (Starts::Reverse, [reverse_a, reverse_fc])]
    {
        let law = WalkLaw { seed: 4, starts, ..WalkLaw::default() };
        let found = count_visits(&network, &law, walks).unwrap();
        for (found, expected) in found.iter().zip(expected) {
            for (&count, p) in found.iter().zip(expected) {
                // Five standard deviations of a binomial count.
                let (mean, deviation) = (p * walks as f64, (p * (1.0 - p) * walks as f64).sqrt());
                assert!(
                    (f64::from(count) - mean).abs() < 5.0 * deviation,
                    "{starts:?}: {found:?} of {expected:?}"
                );
            }
        }
    }
}
