//! Masks of networks whose layers share weights: whole paths, by every engine and without chance.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use phew_graph::{
    ArchBuilder, Conv2d, Init, Network, PathGraph, Reach, Shape, SkipPolicy, kept_at,
};
use phew_walk::{
    Bias, Engine, Granularity, Order, WalkLaw, WalkParams, best_paths, count_visits, prune,
    ranked_paths,
};

/// Two convolutions whose weight is used three times, twice in a row within a residual, and a layer behind them.
fn network(seed: u64) -> Network {
    let image = Shape::Image { channels: 3, height: 6, width: 6 };
    let conv = || Conv2d::new(5, 3).padding(1);
    let arch = ArchBuilder::new("tied", image)
        .conv("stem", conv())
        .relu("start")
        .conv("a", conv())
        .relu("between")
        .conv("b", conv())
        .tensor("weight", "a.weight")
        .add("sum", &["b", "start"])
        .conv("c", conv())
        .tensor("weight", "a.weight")
        .flatten("flatten")
        .linear_unbiased("fc", 4)
        .build()
        .unwrap();
    Network::initialise(arch, Init::default(), seed).unwrap()
}

#[test]
fn every_kept_weight_lies_on_a_path_and_counts_once() {
    let network = network(1);
    let graph = PathGraph::new(network.arch());
    for engine in [Engine::Walk, Engine::Bulk] {
        for granularity in [Granularity::Weight, Granularity::Kernel] {
            let params = WalkParams::new(0.2).unwrap().seed(3).engine(engine);
            let walked = prune(&network, &params.granularity(granularity)).unwrap();
            let target = kept_at(0.2, network.arch().prunable_len()).unwrap();
            // The last walk is kept whole: four layers' kernels and the classifier's weight at most.
            let more = walked.mask.kept() - target;
            assert!(more <= 4 * 9 + 1, "{engine:?}: {more} beyond the target");
            let reach = Reach::of_mask(&graph, &walked.mask);
            assert_eq!(reach.effective(&graph, &walked.mask), walked.mask);
        }
    }
}

#[test]
fn the_best_paths_are_the_first_of_the_ranking() {
    for (seed, order) in [(1, Order::Greatest), (2, Order::Greatest), (3, Order::Least)] {
        let arch = ArchBuilder::new("tied", Shape::Features(3))
            .linear_unbiased("a", 3)
            .relu("relu")
            .linear_unbiased("b", 3)
            .tensor("weight", "a.weight")
            .add("sum", &["b", "relu"])
            .linear_unbiased("c", 3)
            .tensor("weight", "a.weight")
            .linear_unbiased("fc", 2)
            .build()
            .unwrap();
        let network = Network::initialise(arch, Init::default(), seed).unwrap();
        let best = best_paths(&network, order, SkipPolicy::Uniform, 0.6).unwrap();
        let all = ranked_paths(&network, order, SkipPolicy::Uniform, 1000).unwrap();
        // 27 · 6 paths through both uses, 9 · 6 around.
        assert_eq!(all.len(), 27 * 3 * 2 + 9 * 3 * 2);
        let mut kept = std::collections::BTreeSet::new();
        for path in &all {
            if kept.len() >= best.mask.kept() {
                break;
            }
            kept.extend(path.weights.iter().copied());
        }
        let found: std::collections::BTreeSet<_> = (best.mask.layers().with_ids())
            .flat_map(|(t, layer)| layer.iter().map(move |i| (t, i)))
            .collect();
        assert_eq!(found, kept, "seed {seed}");
    }
}

#[test]
fn a_walk_that_passes_a_weight_twice_is_counted_twice() {
    let network = network(4);
    let law = WalkLaw { bias: Bias::Uniform, ..WalkLaw::default() };
    let walks = 2_000;
    let visits = count_visits(&network, &law, walks).unwrap();
    // Of the stem's, the classifier's and the last use's weights each walk passes one.
    let sums: Vec<u64> = visits.iter().map(|v| v.iter().map(|&n| u64::from(n)).sum()).collect();
    assert_eq!((sums[0], sums[2]), (walks, walks));
    // Around the block or through it: one step or three, of 2,000 within 4.5 standard deviations of 22.
    let twice = (sums[1] - walks) / 2;
    assert_eq!(sums[1], walks + 2 * twice);
    assert!(twice.abs_diff(walks / 2) < 100, "{twice}");
}
