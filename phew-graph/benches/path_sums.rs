//! Path sums against a plain streaming Σ|w| over the same weights, in the same run and on the same threads.

#![expect(clippy::print_stderr, reason = "a bench prints its ratios")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use phew_graph::{
    Abs, Edges, Init, LayerMask, Mask, Network, One, PathGraph, PathSums, Square, zoo,
};
use rayon::prelude::*;

/// Σ|w| over all prunable weights: the least that a sum over paths must read.
fn stream(weights: &[&[f32]]) -> f32 {
    let block = |w: &[f32]| {
        let mut lanes = [0.0f32; 16];
        for chunk in w.as_chunks::<16>().0 {
            lanes.iter_mut().zip(chunk).for_each(|(l, w)| *l += w.abs());
        }
        lanes.iter().sum::<f32>()
    };
    weights.iter().map(|w| w.par_chunks(1 << 18).map(block).sum::<f32>()).sum()
}

fn median(runs: usize, mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..runs)
        .map(|_| {
            let clock = Instant::now();
            work();
            clock.elapsed()
        })
        .collect();
    times.sort();
    times[runs / 2]
}

fn path_sums(criterion: &mut Criterion) {
    let arch = zoo::by_name("vgg19").and_then(|t| t.build());
    let Ok(network) = arch.and_then(|a| Network::initialise(a, Init::default(), 0)) else {
        unreachable!("VGG-19 builds");
    };
    let graph = PathGraph::new(network.arch());
    let weights = network.weights();
    let sparse = network.arch().prunable().iter().map(|s| {
        // One weight in twenty, spread by a multiplicative hash.
        LayerMask::from_fn(&s.name, &s.shape, |i| {
            (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32 < (1 << 32) / 20
        })
    });
    let sparse = Mask::from_layers(sparse.collect());
    let mut group = criterion.benchmark_group("vgg19 path sums, both ways");
    group.sample_size(10);
    group.bench_function("streaming sum", |b| b.iter(|| black_box(stream(&weights))));
    let mut compare = |name: &str, work: &dyn Fn() -> f64| {
        group.bench_function(name, |b| b.iter(|| black_box(work())));
        let pass = median(31, || _ = black_box(stream(&weights)));
        let time = median(11, || _ = black_box(work()));
        let ratio = time.as_secs_f64() / pass.as_secs_f64();
        eprintln!("{name}: {time:.2?} = {ratio:.1} streaming passes of {pass:.2?}");
    };
    compare("count", &|| PathSums::new(&graph, &Edges::new(&weights, One)).ln_total());
    compare("|w|", &|| PathSums::new(&graph, &Edges::new(&weights, Abs)).ln_total());
    compare("w²", &|| PathSums::new(&graph, &Edges::new(&weights, Square)).ln_total());
    compare("w², 5% kept", &|| {
        PathSums::new(&graph, &Edges::new(&weights, Square).masked(&sparse)).ln_total()
    });
    group.finish();
}

criterion_group!(benches, path_sums);
criterion_main!(benches);
