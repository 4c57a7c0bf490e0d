//! The walks against their exact law, and against the authors' program.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;

use phew_graph::{
    Abs, Arch, ArchBuilder, Choice, Conv2d, Direction, EdgeValue, Edges, Extra, Init, Network,
    PathGraph, Pool, Shape, SkipPolicy, Transition, zoo,
};
use phew_walk::{Bias, Starts, WalkLaw, WalkParams, count_visits, prune};

fn image(channels: usize, side: usize) -> Shape {
    Shape::Image { channels, height: side, width: side }
}

/// Identity and projection skips, groups, a 3×3 and a 2×1 kernel, flatten over several positions.
fn varied() -> Network {
    let arch = ArchBuilder::new("varied", image(4, 8))
        .conv("a", Conv2d::new(6, 3).padding(1).groups(2))
        .relu("start")
        .conv("b", Conv2d::new(3, 1))
        .conv("c", Conv2d { kernel: [2, 1], ..Conv2d::new(6, 1) })
        .avg_pool("same", Pool::new(2).stride(1).padding(1))
        .conv("d", Conv2d { kernel: [1, 2], ..Conv2d::new(6, 1) })
        .add("sum", &["d", "start"])
        .conv("e", Conv2d::new(5, 1))
        .from("sum")
        .conv("f", Conv2d::new(4, 1))
        .conv("g", Conv2d::new(5, 1))
        .add("sum2", &["g", "e"])
        .avg_pool("pool", Pool::new(4))
        .flatten("flatten")
        .linear("fc", 3)
        .build()
        .unwrap();
    Network::initialise(arch, Init::default(), 11).unwrap()
}

/// A network with a unit whose onward weights are all 0, and one that nothing but 0 enters.
fn with_stuck_units() -> Network {
    let network =
        Network::initialise(zoo::mlp(&[4, 5, 3]).build().unwrap(), Init::default(), 2).unwrap();
    let mut weights: Vec<Vec<f32>> = network.weights().iter().map(|w| w.to_vec()).collect();
    (0..3).for_each(|j| weights[1][j * 5 + 1] = 0.0);
    (0..4).for_each(|i| weights[0][2 * 4 + i] = 0.0);
    network.with_weights(weights).unwrap()
}

/// Rows so uneven that the sampler takes its cumulative sums.
fn heavy_tailed() -> Network {
    let network =
        Network::initialise(zoo::mlp(&[6, 80, 60, 4]).build().unwrap(), Init::default(), 4)
            .unwrap();
    let cube = |w: &[f32]| w.iter().map(|w| w.powi(9) * 1e6).collect();
    network.with_weights(network.weights().into_iter().map(cube).collect()).unwrap()
}

/// Expected visits of every weight by one walk: path sums with Q as the edge value.
fn expected<E: EdgeValue + Copy>(network: &Network, law: &WalkLaw, value: E) -> Vec<Vec<f64>> {
    let graph = PathGraph::new(network.arch());
    let weights = network.weights();
    let edges = Edges::new(&weights, value);
    let forward = Transition::new(&graph, &edges, Direction::Forward, law.skips);
    let reverse = Transition::new(&graph, &edges, Direction::Reverse, law.skips);
    let start = |units: usize| vec![1.0 / units as f64; units];
    let from = graph.forward(&edges, Some(&start(graph.inputs())), Some(&forward));
    let to = graph.backward(&edges, Some(&start(graph.outputs())), Some(&reverse));
    let share = match law.starts {
        Starts::Forward => [1.0, 0.0],
        Starts::Reverse => [0.0, 1.0],
        _ => [0.5, 0.5],
    };
    let tensor = |t| {
        let ends = graph.uses(t).next().unwrap();
        let visit = |i: usize| {
            let (source, target) = ends.shape.ends(i);
            let onward = from[ends.source].value(source) * forward.probability(&edges, &ends, i);
            let back = to[ends.target].value(target) * reverse.probability(&edges, &ends, i);
            share[0] * onward + share[1] * back
        };
        (0..ends.shape.len()).map(visit).collect()
    };
    graph.tensors().map(tensor).collect()
}

/// Upper 0.1 % point of χ² by Wilson and Hilferty; its error is far below the margin of a wrong law.
fn chi_square_limit(degrees: f64) -> f64 {
    let a = 2.0 / (9.0 * degrees);
    degrees * (1.0 - a + 3.0902 * a.sqrt()).powi(3)
}

/// χ² of the visits of each tensor. A walk passes a tensor at most once, so the visits of a tensor and the
/// walks that pass it by are multinomial.
fn agree(network: &Network, law: WalkLaw, expected: &[Vec<f64>], walks: u64) {
    let found = count_visits(network, &law, walks).unwrap();
    for ((found, expected), spec) in found.iter().zip(expected).zip(network.arch().prunable()) {
        let passed: u64 = found.iter().map(|&n| u64::from(n)).sum();
        let rest = (walks - passed) as f64 - walks as f64 * (1.0 - expected.iter().sum::<f64>());
        let rest_expected = walks as f64 * (1.0 - expected.iter().sum::<f64>());
        let mut chi = if rest_expected > 5.0 { rest * rest / rest_expected } else { 0.0 };
        let mut degrees = f64::from(u8::from(rest_expected > 5.0)) - 1.0;
        let (mut pooled, mut pooled_expected) = (0.0, 0.0);
        for (&n, &p) in found.iter().zip(expected) {
            assert!(p > 0.0 || n == 0, "{}: an impossible weight was walked", spec.name);
            let mean = p * walks as f64;
            if mean > 5.0 {
                chi += (f64::from(n) - mean).powi(2) / mean;
                degrees += 1.0;
            } else {
                (pooled, pooled_expected) = (pooled + f64::from(n), pooled_expected + mean);
            }
        }
        if pooled_expected > 5.0 {
            chi += (pooled - pooled_expected).powi(2) / pooled_expected;
            degrees += 1.0;
        }
        if degrees < 1.0 {
            assert_eq!(
                passed, 0,
                "{}: only a tensor that no walk takes has nothing to compare",
                spec.name
            );
            continue;
        }
        let limit = chi_square_limit(degrees);
        assert!(chi < limit, "{law:?} {}: χ² = {chi:.1}, limit {limit:.1} at {degrees}", spec.name);
    }
}

/// n = 200,000 walks, α = 0.001 for each tensor, at a fixed seed.
#[test]
fn visits_follow_the_exact_law_for_every_skip_policy_and_start() {
    let network = varied();
    for skips in [SkipPolicy::Uniform, SkipPolicy::Main, SkipPolicy::Projection] {
        for starts in [Starts::Balanced, Starts::Forward, Starts::Reverse, Starts::Random] {
            let law = WalkLaw { seed: 1, skips, starts, ..WalkLaw::default() };
            agree(&network, law, &expected(&network, &law, Abs), 200_000);
        }
    }
}

#[test]
fn visits_follow_the_exact_law_for_every_bias() {
    let network = varied();
    for &bias in Bias::ALL {
        let law = WalkLaw { seed: 2, bias, ..WalkLaw::default() };
        agree(&network, law, &expected(&network, &law, bias), 200_000);
    }
}

#[test]
fn units_without_weights_onwards_are_left_uniformly() {
    let network = with_stuck_units();
    let law = WalkLaw::default();
    let exact = expected(&network, &law, Abs);
    // Unit 1 has no weight onwards: each of its three edges is taken with a third of its visits.
    let onward: Vec<f64> = (0..3).map(|j| exact[1][j * 5 + 1]).collect();
    assert!(
        onward[0] > 0.0
            && (onward[0] - onward[1]).abs() < 1e-15
            && (onward[1] - onward[2]).abs() < 1e-15
    );
    agree(&network, law, &exact, 200_000);
}

#[test]
fn uneven_rows_follow_the_exact_law() {
    let network = heavy_tailed();
    let law = WalkLaw { seed: 5, ..WalkLaw::default() };
    agree(&network, law, &expected(&network, &law, Abs), 200_000);
}

/// 1 → 2 → 1 with weights 3, −1 in and 1, 1 out: a forward walk takes the upper unit with 3/4, a reverse one
/// with 1/2.
#[test]
fn a_network_worked_by_hand() {
    let network =
        Network::initialise(zoo::mlp(&[1, 2, 1]).build().unwrap(), Init::default(), 0).unwrap();
    let network = network.with_weights(vec![vec![3.0, -1.0], vec![1.0, 1.0]]).unwrap();
    for (starts, share) in
        [(Starts::Forward, 0.75), (Starts::Reverse, 0.5), (Starts::Balanced, 0.625)]
    {
        let law = WalkLaw { starts, ..WalkLaw::default() };
        let exact = expected(&network, &law, Abs);
        assert!((exact[0][0] - share).abs() < 1e-12 && (exact[1][0] - share).abs() < 1e-12);
        let found = Vec::from(count_visits(&network, &law, 40_000).unwrap());
        assert_eq!(found[0], found[1].t(), "every walk passes the same unit both ways");
        // Standard error 0.0025 at most; 4 of them.
        assert!((f64::from(found[0][[0, 0]]) / 40_000.0 - share).abs() < 0.01);
    }
}

fn reference(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../reference").join(name)
}

fn reference_arch(name: &str) -> Arch {
    match name {
        "mlp" => ArchBuilder::new("mlp", Shape::Features(12))
            .linear_unbiased("fc1", 16)
            .relu("relu1")
            .linear_unbiased("fc2", 16)
            .relu("relu2")
            .linear_unbiased("fc3", 8),
        _ => ArchBuilder::new("conv", image(3, 8))
            .conv("conv1", Conv2d::new(6, 3).padding(1))
            .batch_norm("bn1")
            .relu("relu1")
            .conv("conv2", Conv2d::new(8, 3).padding(1))
            .batch_norm("bn2")
            .relu("relu2")
            .max_pool("maxpool", Pool::new(2))
            .conv("conv3", Conv2d::new(8, 3).padding(1))
            .batch_norm("bn3")
            .relu("relu3")
            .avg_pool("avgpool", Pool::new(4))
            .flatten("flatten")
            .linear_unbiased("fc", 5),
    }
    .build()
    .unwrap()
}

/// The authors' program kept each weight with a frequency over 4,000 runs at 30 % density; so do we over 4,000
/// seeds. The difference of two such frequencies has the variance 2·p(1−p)/4000. Over 1,786 weights at
/// α = 0.001 in all, no |z| may exceed 5.0 (Bonferroni), and Σz²/n, whose terms are correlated, is 1 on average.
#[test]
fn keep_frequencies_are_those_of_the_authors_program() {
    for (name, kept_mean) in [("mlp", 172.561_75), ("conv", 363.515)] {
        let weights = reference(&format!("{name}.weights.safetensors"));
        let expected = reference(&format!("{name}.expected.safetensors"));
        let network = Network::load(&weights, reference_arch(name), Extra::Ignore).unwrap();
        let runs = 4_000;
        let mut counts: Vec<Vec<u32>> =
            network.weights().iter().map(|w| vec![0; w.len()]).collect();
        let mut kept = 0;
        for seed in 0..runs {
            let walked = prune(&network, &WalkParams::new(0.3).unwrap().seed(seed)).unwrap();
            kept += walked.mask.kept();
            for (count, layer) in counts.iter_mut().zip(walked.mask.layers()) {
                layer.iter().for_each(|i| count[i] += 1);
            }
        }
        let bytes = std::fs::read(expected).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let (mut sum, mut n) = (0.0, 0.0);
        for (count, spec) in counts.iter().zip(network.arch().prunable()) {
            let theirs = file.tensor(&format!("phew_frequency_30.{}", spec.name)).unwrap();
            let theirs = theirs.data().as_chunks::<8>().0.iter().map(|&b| f64::from_le_bytes(b));
            for (i, (&count, theirs)) in count.iter().zip(theirs).enumerate() {
                let ours = f64::from(count) / runs as f64;
                let p = (ours + theirs) / 2.0;
                // At least one count apart is always possible.
                let variance = (2.0 * p * (1.0 - p) / runs as f64).max(2.0 / (runs as f64).powi(2));
                let z = (ours - theirs) / variance.sqrt();
                assert!(z.abs() < 5.0, "{}[{i}]: {ours} and {theirs}, z = {z:.2}", spec.name);
                (sum, n) = (sum + z * z, n + 1.0);
            }
        }
        assert!((0.8..1.2).contains(&(sum / n)), "{name}: mean z² = {}", sum / n);
        // The overshoot of one run has a standard deviation below 1: 4,000 runs give 0.016 on each side.
        let mean = kept as f64 / runs as f64;
        assert!((mean - kept_mean).abs() < 0.1, "{name}: {mean} kept, theirs {kept_mean}");
    }
}
