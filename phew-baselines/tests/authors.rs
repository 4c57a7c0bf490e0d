//! Against the numbers of the papers' authors' own programs.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test stops at the first surprise")]

mod support;

use phew_baselines::{Plan, Saliency, Schedule, Scorer, State, SynFlow, prune_by_scores};
use phew_graph::{Abs, Edges, Mask, PathGraph, PathSums, Square, TensorId, TensorSpec};
use support::reference::{Reference, conv_arch, differences, load, mlp, res_arch};

/// First-iteration scores as the programs scale them: not shares, but times the objective.
fn synflow_scores(reference: &Reference, saliency: Saliency) -> Vec<Vec<f64>> {
    let network = &reference.network;
    let (graph, weights) = (PathGraph::new(network.arch()), network.weights());
    let total = match saliency {
        Saliency::L1 => PathSums::new(&graph, &Edges::new(&weights, Abs)).total(),
        _ => PathSums::new(&graph, &Edges::new(&weights, Square)).total(),
    };
    let mask = Mask::dense(network.arch());
    let state = State { network, weights: &weights, graph: &graph, mask: &mask, step: 0, steps: 1 };
    let mut scorer = SynFlow::new(saliency);
    let scores = scorer.score(&state).unwrap();
    let tensor = |(t, spec): (TensorId, &TensorSpec)| {
        scores.tensor(t, spec.len()).into_iter().map(|s| s * total).collect()
    };
    network.arch().prunable().with_ids().map(tensor).collect()
}

#[test]
fn synflow_scores_are_the_programs_to_ten_digits() {
    let reference = mlp();
    for (saliency, key) in [(Saliency::L1, "synflow"), (Saliency::L2, "synflow_l2")] {
        let (_, relative) =
            differences(&synflow_scores(&reference, saliency), &reference.scores(key));
        println!("{key}: greatest relative difference {relative:e}");
        // Ours are rounded to 32 significant bits (2.4e-10) for comparison; theirs were computed in f64.
        assert!(relative < 3e-10, "{key}: {relative:e}");
    }
}

/// How many weights the program keeps of `len` at a density: those strictly above numpy's percentile of all
/// scores, which interpolates between ranks ⌊r⌋ and ⌈r⌉, r = (1 − d)(len − 1), so `len − 1 − ⌊r⌋` without
/// ties: one more or fewer than ours.
fn program_keeps(density: f64, len: usize) -> usize {
    len - 1 - ((1.0 - density) * (len - 1) as f64).floor() as usize
}

#[test]
fn synflow_masks_after_100_iterations_are_the_programs() {
    let reference = mlp();
    let network = &reference.network;
    let len = network.arch().prunable_len();
    for (saliency, method) in [(Saliency::L1, "synflow"), (Saliency::L2, "synflow_l2")] {
        for (density, percent) in [(0.5f64, 50), (0.1, 10)] {
            let theirs = reference.mask(&format!("{method}_mask_{percent}"));
            let steps: Vec<f64> = (1..=100)
                .map(|n| program_keeps(density.powf(f64::from(n) / 100.0), len) as f64 / len as f64)
                .collect();
            let last = steps[99];
            let plan =
                Plan::new(last).unwrap().with_schedule(Schedule::given(steps).unwrap()).unwrap();
            let ours = prune_by_scores(network, &mut SynFlow::new(saliency), &plan).unwrap();
            assert!(
                ours == theirs,
                "{method} at {percent}%: {} in common of {}",
                ours.and(&theirs).unwrap().kept(),
                theirs.kept()
            );
            // With exact counts the path to the end differs by a weight here and there, and so does the end.
            let plan = Plan::new(density)
                .unwrap()
                .with_schedule(Schedule::exponential(100).unwrap())
                .unwrap();
            let exact = prune_by_scores(network, &mut SynFlow::new(saliency), &plan).unwrap();
            let common = exact.and(&theirs).unwrap().kept();
            println!("{method} at {percent}%: {common} of {} with exact counts", exact.kept());
            assert!((exact.kept() as f64 - density * len as f64).abs() < 1.0);
        }
    }
}

#[test]
fn on_convolutions_paths_and_positions_are_counted_apart_and_the_masks_differ_somewhat() {
    // The programs send ones through the real layers, so a path counts as often as its kernels fit: padding
    // takes from a kernel's rim, stride and pooling from whole layers. How much this matters is measured.
    for (name, arch) in [("conv", conv_arch()), ("res", res_arch())] {
        let reference = load(name, arch);
        let network = &reference.network;
        for (saliency, method) in [(Saliency::L1, "synflow"), (Saliency::L2, "synflow_l2")] {
            for (density, percent) in [(0.5, 50), (0.1, 10)] {
                let plan = Plan::new(density)
                    .unwrap()
                    .with_schedule(Schedule::exponential(100).unwrap())
                    .unwrap();
                let ours = prune_by_scores(network, &mut SynFlow::new(saliency), &plan).unwrap();
                let theirs = reference.mask(&format!("{method}_mask_{percent}"));
                let jaccard = ours.jaccard(&theirs).unwrap();
                // What two masks have in common if each places its weights of every tensor at random.
                let pairs = ours.layers().iter().zip(theirs.layers());
                let common: f64 = pairs.map(|(a, b)| a.kept() as f64 * b.density()).sum();
                let chance = common / ((ours.kept() + theirs.kept()) as f64 - common);
                println!("{name} {method} {percent}%: Jaccard {jaccard:.3}, by chance {chance:.3}");
                assert!(jaccard < 1.0 && jaccard > chance, "{name} {method}: {jaccard} {chance}");
            }
        }
    }
}
