//! Metrics at full size, dense and under a PHEW mask of 5%, against a plain streaming Σ|w| over the same weights in the
//! same run and on the same threads.
//!
//! `cargo bench -p phew-metrics` prints, beside criterion's own figures, the ratio of medians: how many streaming
//! passes each metric takes.

#![expect(clippy::print_stderr, reason = "a bench prints its ratios")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use phew_graph::{Init, Network, SkipPolicy, zoo};
use phew_metrics::{Analysis, DensityParams, Objective, Paths, SpectrumParams};
use phew_walk::{Bias, Starts, WalkParams, prune};
use rayon::prelude::*;

/// Σ|w| over all prunable weights: the least that a metric of the weights must read.
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

fn median(runs: usize, work: &mut dyn FnMut()) -> Duration {
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

/// What is measured: its name, and the work.
type Metric<'a> = (&'static str, Box<dyn Fn() + 'a>);

fn all<'a>(analysis: &'a Analysis<'a>) -> Vec<Metric<'a>> {
    let tensors = || analysis.graph().tensors();
    let walks = || analysis.walks(Bias::Magnitude, SkipPolicy::Uniform);
    vec![
        ("paths", Box::new(|| _ = black_box(analysis.ln_path_count(Paths::Kept)))),
        ("SynFlow", Box::new(|| _ = black_box(analysis.ln_objective(Objective::SynFlow)))),
        (
            "trace",
            Box::new(|| _ = black_box(analysis.path_kernel_trace().map(|trace| trace.ln_total()))),
        ),
        (
            "paths by weight",
            Box::new(move || {
                let paths = analysis.path_shares(Paths::Kept);
                tensors().for_each(|t| _ = black_box(paths.shares(t)));
            }),
        ),
        (
            "trace by weight",
            Box::new(move || {
                if let Ok(trace) = analysis.path_kernel_trace() {
                    tensors().for_each(|t| _ = black_box(trace.shares(t)));
                }
            }),
        ),
        ("structure", Box::new(|| _ = black_box(analysis.structure()))),
        ("cost", Box::new(|| _ = black_box(analysis.cost()))),
        ("visits", Box::new(move || _ = black_box(walks().visits(Starts::Balanced).units()))),
        ("walks' worth", Box::new(move || _ = black_box(walks().worth(Starts::Balanced)))),
        ("layer gaps", Box::new(|| _ = black_box(analysis.layer_gaps()))),
        ("network gap", Box::new(|| _ = black_box(analysis.network_gap()))),
        (
            "greatest eigenvalue",
            Box::new(|| {
                let Ok(one) = SpectrumParams::new(1) else { unreachable!("one is a number") };
                _ = black_box(analysis.path_kernel_spectrum(&one));
            }),
        ),
        (
            "spectral density",
            Box::new(|| {
                _ = black_box(analysis.path_kernel_density(&DensityParams::default()));
            }),
        ),
    ]
}

/// Whether the command line names this metric, or names none.
fn wanted(id: &str) -> bool {
    let mut filters = std::env::args().skip(1).filter(|a| !a.starts_with('-')).peekable();
    filters.peek().is_none() || filters.any(|f| id.contains(&f))
}

fn metrics(criterion: &mut Criterion) {
    for name in ["vgg19", "resnet50"] {
        let arch = zoo::by_name(name).and_then(|t| t.build());
        let Ok(network) = arch.and_then(|a| Network::initialise(a, Init::default(), 0)) else {
            unreachable!("the zoo's networks build");
        };
        let Ok(params) = WalkParams::new(0.05) else { unreachable!("a density") };
        let Ok(mask) = prune(&network, &params) else {
            unreachable!("5% can be reached");
        };
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10);
        group.bench_function("streaming sum", |b| b.iter(|| black_box(stream(&network))));
        for (which, mask) in [("dense", None), ("5%", Some(&mask.mask))] {
            let Ok(analysis) = Analysis::new(&network, mask) else { unreachable!("it fits") };
            for (metric, work) in all(&analysis) {
                if !wanted(&format!("{name}/{which}: {metric}")) {
                    continue;
                }
                group.bench_function(format!("{which}: {metric}"), |b| b.iter(&work));
                let pass = median(11, &mut || _ = black_box(stream(&network)));
                let time = median(5, &mut || work());
                let ratio = time.as_secs_f64() / pass.as_secs_f64();
                eprintln!(
                    "{name}, {which}: {metric}: {time:.2?} = {ratio:.1} passes of {pass:.2?}"
                );
            }
        }
        group.finish();
    }
}

criterion_group!(benches, metrics);
criterion_main!(benches);
