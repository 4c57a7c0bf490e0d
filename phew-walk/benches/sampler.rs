//! The sampler against a plain streaming Σ|w| over the same weights, in the same run.
//!
//! `cargo bench -p phew-walk` prints, beside criterion's own figures, the ratio of medians: how many streaming
//! passes the whole of `prune` takes, tables and mask included. Both run on the same threads.

#![expect(clippy::print_stderr, reason = "a bench prints its ratios")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use phew_graph::{Init, Network, zoo};
use phew_walk::{WalkParams, prune};
use rayon::prelude::*;

/// Σ|w| over all prunable weights: the least that any method must do.
fn stream(network: &Network) -> f32 {
    let block = |w: &[f32]| {
        let mut lanes = [0.0f32; 16];
        for chunk in w.as_chunks::<16>().0 {
            lanes.iter_mut().zip(chunk).for_each(|(l, w)| *l += w.abs());
        }
        lanes.iter().sum::<f32>()
    };
    network.weights().iter().map(|w| w.par_chunks(1 << 18).map(block).sum::<f32>()).sum()
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

fn sampler(criterion: &mut Criterion) {
    for (name, densities) in [
        ("vgg19", &[0.02, 0.05, 0.2, 0.5, 0.9][..]),
        ("resnet20", &[0.02, 0.05, 0.2, 0.5]),
        ("resnet18-modified", &[0.02, 0.5]),
        // 4.3 GB of weights: only where asked for, as in `cargo bench -p phew-walk -- mlp-16384`.
        ("mlp-16384-16384-16384-16384-16384", &[0.01]),
    ] {
        let large = name.starts_with("mlp");
        if large && !std::env::args().any(|a| a.starts_with("mlp")) {
            continue;
        }
        let arch = zoo::by_name(name).and_then(|t| t.build());
        let Ok(network) = arch.and_then(|a| Network::initialise(a, Init::default(), 0)) else {
            unreachable!("the zoo's networks build");
        };
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10);
        group.bench_function("streaming sum", |b| b.iter(|| black_box(stream(&network))));
        for &density in densities {
            let Ok(params) = WalkParams::new(density) else { unreachable!("a valid density") };
            let run = || black_box(prune(&network, &params).map(|w| w.report.walks)).ok();
            group.bench_function(format!("density {density}"), |b| b.iter(run));
            if std::env::args().any(|a| a == "--list" || a == "--test") {
                continue;
            }
            let pass = median(21, || _ = black_box(stream(&network)));
            let work = median(if large { 1 } else { 5 }, || _ = run());
            let again = median(21, || _ = black_box(stream(&network)));
            let pass = (pass + again) / 2;
            let ratio = work.as_secs_f64() / pass.as_secs_f64();
            eprintln!(
                "{name} at {density}: {work:.1?} = {ratio:.1} streaming passes of {pass:.2?}"
            );
        }
        group.finish();
    }
}

criterion_group!(benches, sampler);
criterion_main!(benches);
