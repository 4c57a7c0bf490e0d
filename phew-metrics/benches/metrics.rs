//! Metrics at full size: VGG-19 dense, and under a PHEW mask of 5%.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use phew_graph::{Init, Network, SkipPolicy, zoo};
use phew_metrics::{Analysis, Objective, Paths, SpectrumParams};
use phew_walk::{Bias, Starts, WalkParams, prune};

fn vgg19(c: &mut Criterion) {
    let arch = zoo::by_name("vgg19").and_then(|t| t.build()).expect("vgg19 is in the zoo");
    let network = Network::initialise(arch, Init::default(), 0).expect("the default is valid");
    let params = WalkParams::new(0.05).expect("0.05 is a density");
    let mask = prune(&network, &params).expect("5% can be reached").mask;
    let mut group = c.benchmark_group("vgg19");
    group.sample_size(10);
    for (name, mask) in [("dense", None), ("5%", Some(&mask))] {
        let analysis = Analysis::new(&network, mask).expect("the mask fits");
        group.bench_function(format!("{name}: paths"), |b| {
            b.iter(|| black_box(analysis.ln_path_count(Paths::Kept)));
        });
        group.bench_function(format!("{name}: SynFlow"), |b| {
            b.iter(|| black_box(analysis.ln_objective(Objective::SynFlow)));
        });
        group.bench_function(format!("{name}: trace"), |b| {
            b.iter(|| black_box(analysis.path_kernel_trace().ln_total()));
        });
        group.bench_function(format!("{name}: structure"), |b| {
            b.iter(|| black_box(analysis.structure()));
        });
        group.bench_function(format!("{name}: one eigenvalue"), |b| {
            let one = SpectrumParams::new(1).expect("one is a number");
            b.iter(|| black_box(analysis.path_kernel_spectrum(&one)));
        });
    }
    let analysis = Analysis::new(&network, None).expect("no mask");
    group.bench_function("walks", |b| {
        b.iter(|| {
            black_box(analysis.walks(Bias::Magnitude, SkipPolicy::Uniform).worth(Starts::Forward))
        });
    });
    group.finish();
}

criterion_group!(benches, vgg19);
criterion_main!(benches);
