//! The bulk engine against the exact law, and against single walks.

use super::*;
use crate::mask_builder::MaskBuilder;
use crate::params::Bias;
use crate::params::bias::By;
use crate::walk::walker::Walker;
use phew_graph::{ArchBuilder, Conv2d, Edges, Init, Pool, Shape, SkipPolicy, TensorId, Transition};

type Magnitude = By<{ Bias::Magnitude as u8 }>;

/// Identity and projection skips, groups, three kernel sizes, a flatten.
fn network() -> Network {
    let image = Shape::Image { channels: 4, height: 8, width: 8 };
    let arch = ArchBuilder::new("varied", image)
        .conv("a", Conv2d::new(6, 3).padding(1).groups(2))
        .relu("start")
        .conv("b", Conv2d::new(3, 1))
        .conv("c", Conv2d::new(6, 3).padding(1))
        .add("sum", &["c", "start"])
        .conv("d", Conv2d::new(5, 2))
        .from("sum")
        .conv("e", Conv2d::new(5, 1))
        .avg_pool("crop", Pool::new(2).stride(1))
        .add("sum2", &["d", "crop"])
        .avg_pool("pool", Pool::new(3))
        .flatten("flatten")
        .linear("fc", 3)
        .build()
        .unwrap();
    Network::initialise(arch, Init::default(), 11).unwrap()
}

fn tables<'a>(graph: &PathGraph, network: &'a Network) -> ByTensor<SamplingTable<'a>> {
    SamplingTable::of_network::<Magnitude>(graph, network).unwrap()
}

/// Probability that a forward and that a reverse walk passes each weight, from the path-sum engine.
fn visits(graph: &PathGraph, network: &Network, skips: SkipPolicy) -> ByTensor<Vec<[f64; 2]>> {
    let weights = network.weights();
    let edges = Edges::new(&weights, Bias::Magnitude);
    let [out, back] =
        [Direction::Forward, Direction::Reverse].map(|d| Transition::new(graph, &edges, d, skips));
    let start = |n: usize| vec![1.0 / n as f64; n];
    let from = graph.forward(&edges, Some(&start(graph.inputs())), Some(&out));
    let to = graph.backward(&edges, Some(&start(graph.outputs())), Some(&back));
    let visit = |t: TensorId, i: usize| {
        let ends = graph.uses(t).next().unwrap();
        let (source, target) = ends.shape.ends(i);
        [
            from[ends.source].value(source) * out.probability(&edges, &ends, i),
            to[ends.target].value(target) * back.probability(&edges, &ends, i),
        ]
    };
    let tensor =
        |(t, weights): (TensorId, &&[f32])| (0..weights.len()).map(|i| visit(t, i)).collect();
    weights.with_ids().map(tensor).collect()
}

/// With starts drawn at random, walks are independent and alike, so after n of them a weight is kept with
/// probability 1 − (1 − f)^⌈n/2⌉ (1 − r)^⌊n/2⌋. 3,000 seeds, every weight within 4.9 standard errors
/// (α = 0.001 for some 450 weights, by Bonferroni), for few walks (points) and many (counts).
#[test]
fn keep_frequencies_are_exact() {
    let network = network();
    let graph = PathGraph::new(network.arch());
    let tables = tables(&graph, &network);
    for (skips, walks) in
        [(SkipPolicy::Uniform, 5), (SkipPolicy::Main, 37), (SkipPolicy::Projection, 300)]
    {
        let exact = visits(&graph, &network, skips);
        let runs = 3_000u64;
        let mut counts: Vec<Vec<f64>> = exact.iter().map(|t| vec![0.0; t.len()]).collect();
        for seed in 0..runs {
            let law = WalkLaw { seed, skips, starts: Starts::Random, ..WalkLaw::default() };
            let mut bulk = BulkEngine::<Magnitude>::new(&graph, &tables, &law, Granularity::Weight);
            let mask = bulk.run(0, walks, &Mask::empty(network.arch()), &network).mask;
            for (count, layer) in counts.iter_mut().zip(mask.layers()) {
                layer.iter().for_each(|i| count[i] += 1.0);
            }
        }
        for (t, (counts, exact)) in counts.iter().zip(&exact).enumerate() {
            for (i, (&count, &[f, r])) in counts.iter().zip(exact).enumerate() {
                let (out, back) = (walks.div_ceil(2) as i32, (walks / 2) as i32);
                let p = 1.0 - (1.0 - f).powi(out) * (1.0 - r).powi(back);
                let error = (p * (1.0 - p) / runs as f64).sqrt().max(1.0 / runs as f64);
                let z = (count / runs as f64 - p) / error;
                assert!(
                    z.abs() < 4.9,
                    "{skips:?}, {walks} walks, tensor {t} scalar {i}: {count} of {runs}, p {p:.4}"
                );
            }
        }
    }
}

/// Four units and two outputs, with one weight used twice in a row and in a skip around both.
fn tied() -> Network {
    let arch = ArchBuilder::new("tied", Shape::Features(4))
        .linear_unbiased("a", 4)
        .linear_unbiased("b", 4)
        .tensor("weight", "a.weight")
        .from("input")
        .linear_unbiased("c", 4)
        .tensor("weight", "a.weight")
        .add("sum", &["b", "c"])
        .linear_unbiased("out", 2)
        .build()
        .unwrap();
    Network::initialise(arch, Init::default(), 5).unwrap()
}

/// The probability that a walk from a unit passes each weight at least once, from the list of all such walks.
fn passes(
    network: &Network,
    graph: &PathGraph,
    step: &Transition,
    (layer, unit): (LayerId, usize),
    (probability, passed): (f64, &mut Vec<(TensorId, usize)>),
    sums: &mut ByTensor<Vec<f64>>,
) {
    let weights = network.weights();
    let edges = Edges::new(&weights, Bias::Magnitude);
    let reverse = step.direction() == Direction::Reverse;
    if layer == graph.start(step.direction().reversed()) {
        let mut once = passed.clone();
        once.sort_unstable();
        once.dedup();
        once.into_iter().for_each(|(t, i)| sums[t][i] += probability);
        return;
    }
    let onward: Vec<_> = match reverse {
        true => graph.edges_into(layer, unit).collect(),
        false => graph.edges_out_of(layer, unit).collect(),
    };
    for edge in onward {
        let (t, i) = edge.weight.unwrap();
        let ends = graph.uses(t).find(|ends| ends.connection == edge.connection).unwrap();
        let to = if reverse { (ends.source, edge.source) } else { (ends.target, edge.target) };
        let q = step.probability(&edges, &ends, i);
        passed.push((t, i));
        passes(network, graph, step, to, (probability * q, passed), sums);
        passed.pop();
    }
}

/// As [`keep_frequencies_are_exact`], where a walk may pass a weight twice: its uses are drawn independently. 18 weights.
#[test]
fn keep_frequencies_are_exact_where_layers_share_a_weight() {
    let network = tied();
    let graph = PathGraph::new(network.arch());
    let tables = tables(&graph, &network);
    let weights = network.weights();
    let edges = Edges::new(&weights, Bias::Magnitude);
    let exact = Direction::BOTH.map(|direction| {
        let step = Transition::new(&graph, &edges, direction, SkipPolicy::Uniform);
        let mut sums: ByTensor<Vec<f64>> = weights.iter().map(|w| vec![0.0; w.len()]).collect();
        let (start, units) = (graph.start(direction), graph[graph.start(direction)].units);
        for unit in 0..units {
            let share = (1.0 / units as f64, &mut Vec::new());
            passes(&network, &graph, &step, (start, unit), share, &mut sums);
        }
        sums
    });
    for walks in [2, 9, 40] {
        let runs = 3_000u64;
        let mut counts: ByTensor<Vec<f64>> = weights.iter().map(|w| vec![0.0; w.len()]).collect();
        for seed in 0..runs {
            let law = WalkLaw { seed, starts: Starts::Random, ..WalkLaw::default() };
            let mut bulk = BulkEngine::<Magnitude>::new(&graph, &tables, &law, Granularity::Weight);
            let mask = bulk.run(0, walks, &Mask::empty(network.arch()), &network).mask;
            for (count, layer) in counts.iter_mut().zip(mask.layers()) {
                layer.iter().for_each(|i| count[i] += 1.0);
            }
        }
        for (t, counts) in counts.with_ids() {
            for (i, &count) in counts.iter().enumerate() {
                let (out, back) = (walks.div_ceil(2) as i32, (walks / 2) as i32);
                let [f, r] = [&exact[0], &exact[1]].map(|exact| exact[t][i]);
                let p = 1.0 - (1.0 - f).powi(out) * (1.0 - r).powi(back);
                let error = (p * (1.0 - p) / runs as f64).sqrt().max(1.0 / runs as f64);
                let z = (count / runs as f64 - p) / error;
                // 54 looks, α = 0.001 by Bonferroni.
                assert!(z.abs() < 4.3, "{walks} walks, tensor {t} scalar {i}: {count}, p {p:.4}");
            }
        }
    }
}

/// The kept counts after 60 walks, batch against walk by walk: means and variances of 3,000 runs each. The
/// difference of means has √(2·variance/runs), that of the variances' logarithms √(4/runs), for counts near
/// normal; four of them.
#[test]
fn kept_counts_are_distributed_as_those_of_single_walks() {
    let network = network();
    let graph = PathGraph::new(network.arch());
    let tables = tables(&graph, &network);
    let runs = 3_000u64;
    for starts in [Starts::Balanced, Starts::Forward, Starts::Reverse, Starts::Random] {
        let counts = |bulk: bool| {
            let kept = (0..runs).map(|seed| {
                let law = WalkLaw { seed, starts, ..WalkLaw::default() };
                let kept = if bulk {
                    let mut bulk =
                        BulkEngine::<Magnitude>::new(&graph, &tables, &law, Granularity::Weight);
                    bulk.run(0, 60, &Mask::empty(network.arch()), &network).mask.kept()
                } else {
                    let walker = Walker::<Magnitude>::new(&graph, &tables, &law);
                    let mut builder =
                        MaskBuilder::new(Mask::empty(network.arch()), Granularity::Weight);
                    builder.target = usize::MAX;
                    builder.keep_round(&graph, &[walker.walk(0, 60, &mut walker.batches())]);
                    builder.kept
                };
                kept as f64
            });
            let kept: Vec<f64> = kept.collect();
            let mean = kept.iter().sum::<f64>() / runs as f64;
            (mean, kept.iter().map(|k| (k - mean).powi(2)).sum::<f64>() / runs as f64)
        };
        let ((mean, variance), (single, single_variance)) = (counts(true), counts(false));
        let error = (2.0 * variance / runs as f64).sqrt();
        assert!((mean - single).abs() < 4.0 * error, "{starts:?}: mean {mean} and {single}");
        let ratio = (variance / single_variance).ln().abs();
        assert!(
            ratio < 4.0 * (4.0 / runs as f64).sqrt(),
            "{starts:?}: {variance} and {single_variance}"
        );
    }
}

/// A sample of everything: rates against the engine of path sums, for a mask that grows.
#[test]
fn the_expected_gain_knows_every_rate() {
    let network = network();
    let graph = PathGraph::new(network.arch());
    let tables = tables(&graph, &network);
    let law = WalkLaw::default();
    let mut bulk = BulkEngine::<Magnitude>::new(&graph, &tables, &law, Granularity::Weight);
    let exact = visits(&graph, &network, law.skips);
    let mut mask = Mask::empty(network.arch());
    for _ in 0..3 {
        let gain = bulk.expected_gain(&mask);
        assert_eq!((gain.rates.len(), gain.share), (mask.len() - mask.kept(), 1.0));
        let mut rates = gain.rates.iter();
        for (t, exact) in exact.with_ids() {
            let open = exact.iter().enumerate().filter(|(i, _)| !mask.layer(t).get(*i));
            for (_, [f, r]) in open {
                let (rate, expected) = (rates.next().unwrap(), -(-(f + r) / 2.0).ln_1p());
                // Kernel norms are f32: a few 2⁻²⁴ relative.
                assert!((rate / expected - 1.0).abs() < 1e-6, "{rate} {expected}");
            }
        }
        mask = bulk.run(0, 40, &mask, &network).mask;
    }
}
