//! Pruning VGG-19 (20 million weights) to 5%, beside one streaming pass Σ|w| over the same weights.
//!
//! Divide a figure by that of `stream`, measured in the same run with as many threads (two, or what the
//! environment variable `PHEW_BENCH_THREADS` says): the aims are 6 passes for magnitude, 12 for random, 350
//! for SynFlow and SynFlow-L2 with 100 iterations.

#![allow(missing_docs, reason = "criterion's macros make a public item")]
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use phew_baselines::{Magnitude, Plan, Random, Saliency, Schedule, SynFlow, prune_by_scores};
use phew_graph::{Init, Network, zoo};
use rayon::prelude::*;

fn vgg19(c: &mut Criterion) {
    let threads =
        std::env::var("PHEW_BENCH_THREADS").ok().and_then(|t| t.parse().ok()).unwrap_or(2);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().unwrap();
    let arch = zoo::by_name("vgg19").unwrap().build().unwrap();
    let network = Network::initialise(arch, Init::default(), 0).unwrap();
    let mut group = c.benchmark_group("vgg19 to 5%");
    group.sample_size(10).warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(2));
    let stream = || -> f32 {
        let block = |w: &[f32]| {
            let mut lanes = [0.0f32; 16];
            let (whole, rest) = w.as_chunks::<16>();
            for w in whole {
                lanes.iter_mut().zip(w).for_each(|(l, w)| *l += w.abs());
            }
            lanes.iter().chain(rest).map(|w| w.abs()).sum::<f32>()
        };
        network.weights().par_iter().map(|w| w.par_chunks(1 << 16).map(block).sum::<f32>()).sum()
    };
    group.bench_function("stream", |b| b.iter(|| black_box(stream())));
    let once = Plan::new(0.05).unwrap();
    group.bench_function("magnitude", |b| {
        b.iter(|| prune_by_scores(&network, &mut Magnitude, &once).unwrap());
    });
    group.bench_function("random", |b| {
        b.iter(|| prune_by_scores(&network, &mut Random { seed: 1 }, &once).unwrap());
    });
    let plan = Plan::new(0.05).unwrap().with_schedule(Schedule::exponential(100).unwrap()).unwrap();
    for (name, saliency) in [("synflow", Saliency::L1), ("synflow-l2", Saliency::L2)] {
        group.bench_function(name, |b| {
            b.iter(|| prune_by_scores(&network, &mut SynFlow::new(saliency), &plan).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, vgg19);
criterion_main!(benches);
