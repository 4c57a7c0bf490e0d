//! Images a second of masked networks, beside the same network dense, on one thread and on two: run, and trained.
#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use phew_graph::execute::{Program, TensorValues, Training};
use phew_graph::ndarray::ArrayD;
use phew_graph::{Init, LayerMask, Mask, Network, zoo};

/// Inputs of a call.
const BATCHES: [usize; 2] = [1, 16];

/// Keeps every so many-th weight, in a scattered order.
fn mask(network: &Network, one_in: usize) -> Mask {
    let scattered = |i: usize| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32).is_multiple_of(one_in);
    let specs = network.arch().prunable().iter();
    Mask::from_layers(
        specs.map(|spec| LayerMask::from_fn(&spec.name, &spec.shape, scattered)).collect(),
    )
}

fn programs(criterion: &mut Criterion) {
    let pools = [1, 2].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap());
    for name in ["resnet20", "vgg19", "lenet-300-100"] {
        let arch = zoo::by_name(name).unwrap().build().unwrap();
        let network = Network::initialise(arch, Init::default(), 0).unwrap();
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10).warm_up_time(Duration::from_millis(300));
        group.measurement_time(Duration::from_secs(2));
        for one_in in [1, 10, 20, 50] {
            let program = Program::new(&network, Some(&mask(&network, one_in))).unwrap();
            for batch in BATCHES {
                let mut shape = vec![batch];
                shape.extend(network.arch().input_shape().sizes());
                let inputs = ArrayD::from_elem(shape, 0.5);
                group.throughput(Throughput::Elements(batch as u64));
                for pool in &pools {
                    let threads = pool.current_num_threads();
                    let name = format!("one weight in {one_in}, batch {batch}, threads {threads}");
                    group.bench_function(name, |bencher| {
                        pool.install(|| {
                            bencher.iter(|| black_box(program.run(inputs.view()).unwrap()))
                        });
                    });
                }
            }
        }
        group.finish();
    }
}

/// Forward in training mode, and back.
fn trainings(criterion: &mut Criterion) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for (name, batch) in [("resnet20", 64), ("vgg19", 16)] {
        let arch = zoo::by_name(name).unwrap().build().unwrap();
        let network = Network::initialise(arch, Init::default(), 0).unwrap();
        let values = TensorValues::from(&network);
        let mut group = criterion.benchmark_group(format!("{name} in training"));
        group.sample_size(10).warm_up_time(Duration::from_millis(300));
        group.measurement_time(Duration::from_secs(3));
        for one_in in [1, 10, 20, 50] {
            let mask = mask(&network, one_in);
            let mut training = Training::new(network.arch().clone(), Some(&mask)).unwrap();
            let mut shape = vec![batch];
            shape.extend(network.arch().input_shape().sizes());
            // Numbers that differ, so that normalisations have something to do.
            let inputs = ArrayD::from_shape_fn(shape, |at| (at[3] + 3 * at[0]) as f32 / 100.0);
            group.throughput(Throughput::Elements(batch as u64));
            group.bench_function(format!("one weight in {one_in}, batch {batch}"), |bencher| {
                pool.install(|| {
                    bencher.iter(|| {
                        let outputs = training.forward(&values, inputs.view()).unwrap();
                        black_box(training.backward(outputs.view()).unwrap())
                    });
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, programs, trainings);
criterion_main!(benches);
