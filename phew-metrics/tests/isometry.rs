//! Singular values against matrices whose singular values are known.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{Tiny, in_concat, tiny, tiny_linear};
use faer::{Mat, Side};
use phew_graph::op::{AvgPool, BatchNorm};
use phew_graph::{
    Activation, ArchBuilder, Conv2d, Init, Network, Op, Pool, Role, Shape, TensorId, stream,
    stream_key, zoo,
};
use phew_metrics::{Analysis, MetricError};
use proptest::prelude::*;
use rand::Rng;

#[test]
fn orthogonal_layers_are_isometries_and_scaling_them_is_not() {
    let arch = zoo::mlp(&[12, 8, 8]).build().unwrap();
    let network = Network::initialise(arch, Init::Orthogonal, 3).unwrap();
    for layer in Analysis::new(&network, None).unwrap().layer_isometry().unwrap() {
        // Weights are f32: each entry is off by half an ulp of it.
        assert!(layer.least_departure < 1e-6, "{layer:?}");
        assert!((layer.singular_values.condition - 1.0).abs() < 1e-6);
        let lost: f64 = if layer.name == "fc1.weight" { 2.0 } else { 0.0 };
        assert!((layer.departure - lost).abs() < 1e-6);
    }
    let double = network.weights().iter().map(|w| w.iter().map(|v| v * 2.0).collect()).collect();
    let network = network.with_weights(double).unwrap();
    for layer in Analysis::new(&network, None).unwrap().layer_isometry().unwrap() {
        assert!((layer.singular_values.mean - 2.0).abs() < 1e-6);
        // Eight singular values of 2: ‖4I − I‖ = 3√8.
        assert!((layer.least_departure - 3.0 * 8f64.sqrt()).abs() < 1e-5);
    }
}

#[test]
fn the_jacobian_of_a_linear_mlp_is_the_product_of_its_matrices() {
    let arch = ArchBuilder::new("linear", Shape::Features(3))
        .linear("fc1", 4)
        .activation("a", Activation::Identity)
        .linear("fc2", 2)
        .build()
        .unwrap();
    let network = Network::initialise(arch, Init::default(), 5).unwrap();
    let analysis = Analysis::new(&network, None).unwrap();
    let jacobian = analysis.linear_jacobian(100).unwrap();
    let weights = Vec::from(network.weights());
    for o in 0..2 {
        for i in 0..3 {
            let product =
                |h: usize| f64::from(weights[1][o * 4 + h]) * f64::from(weights[0][h * 3 + i]);
            let expected: f64 = (0..4).map(product).sum();
            assert!((jacobian[(o, i)] - expected).abs() < 1e-14);
        }
    }
    assert!(matches!(analysis.linear_jacobian(5), Err(MetricError::Limit { .. })));
    let relu =
        Network::initialise(zoo::mlp(&[3, 4, 2]).build().unwrap(), Init::default(), 0).unwrap();
    let refused = Analysis::new(&relu, None).unwrap().linear_jacobian(100);
    assert!(matches!(refused, Err(MetricError::NotLinear { kind: "relu", .. })));
}

/// Over a window of one scalar, two apart, of 3×3 pixels.
#[test]
fn a_maximum_of_one_scalar_selects_pixels() {
    let arch = ArchBuilder::new("select", Shape::Image { channels: 1, height: 3, width: 3 })
        .max_pool("pool", Pool::new(1).stride(2))
        .flatten("flatten")
        .linear("fc", 1)
        .build()
        .unwrap();
    let network = Network::initialise(arch, Init::default(), 0).unwrap();
    let network = network.with_weights(vec![vec![1.0, 2.0, 3.0, 4.0]]).unwrap();
    let jacobian = Analysis::new(&network, None).unwrap().linear_jacobian(9).unwrap();
    let row: Vec<f64> = (0..9).map(|pixel| jacobian[(0, pixel)]).collect();
    assert_eq!(row, [1.0, 0.0, 2.0, 0.0, 0.0, 0.0, 3.0, 0.0, 4.0]);
}

/// A 1×1 convolution by 3, an identity skip, the mean of a 2×2 map: every pixel weighs (3 + 1) / 4, and the
/// normalisation divides by √(1 + ε).
#[test]
fn the_jacobian_follows_convolutions_skips_pooling_and_normalisation() {
    let arch = ArchBuilder::new("skip", Shape::Image { channels: 1, height: 2, width: 2 })
        .conv("conv", Conv2d::new(1, 1))
        .add("add", &["conv", "input"])
        .op("bn", BatchNorm { eps: 3.0, ..BatchNorm::default() })
        .avg_pool("pool", Pool::global())
        .flatten("flatten")
        .linear("fc", 1)
        .build()
        .unwrap();
    let network = Network::initialise(arch, Init::default(), 0).unwrap();
    let network = network.with_weights(vec![vec![3.0], vec![5.0]]).unwrap();
    let analysis = Analysis::new(&network, None).unwrap();
    let jacobian = analysis.linear_jacobian(4).unwrap();
    for pixel in 0..4 {
        assert!((jacobian[(0, pixel)] - 5.0 * 4.0 / 2.0 / 4.0).abs() < 1e-14);
    }
    let spectrum = analysis.linear_jacobian_spectrum(4).unwrap();
    assert!((spectrum.max - 5.0).abs() < 1e-13 && spectrum.values.len() == 1);
}

/// On a 3×3 map with a 3×3 kernel and padding 1 the centre sees every pixel and a corner four of them.
#[test]
fn a_convolution_sees_its_borders() {
    let arch = ArchBuilder::new("conv", Shape::Image { channels: 1, height: 3, width: 3 })
        .conv("conv", Conv2d::new(1, 3).padding(1))
        .flatten("flatten")
        .build()
        .unwrap();
    let kernel: Vec<f32> = (1u8..=9).map(f32::from).collect();
    let network = Network::initialise(arch, Init::default(), 0).unwrap();
    let network = network.with_weights(vec![kernel]).unwrap();
    let jacobian = Analysis::new(&network, None).unwrap().linear_jacobian(81).unwrap();
    let row = |o: usize| -> Vec<f64> { (0..9).map(|i| jacobian[(o, i)]).collect() };
    assert_eq!(row(4), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    assert_eq!(row(0), [5.0, 6.0, 0.0, 8.0, 9.0, 0.0, 0.0, 0.0, 0.0]);
}

/// The derivative of one output scalar by an input scalar, by recursion from the output: `at` is a node, a unit and a
/// position in its map.
fn derivative(tiny: &Tiny, at: (usize, usize, [usize; 2]), input: (usize, [usize; 2])) -> f64 {
    let arch = tiny.network.arch();
    let (node, unit, [y, x]) = at;
    let n = &arch.nodes()[node];
    let sides = |node: usize| match arch.nodes()[node].shape {
        Shape::Image { height, width, .. } => [height, width],
        Shape::Features(_) => [1, 1],
        Shape::Sequence { length, .. } => [1, length],
    };
    let tensor = || arch.prunable().with_ids().find(|(_, s)| s.nodes.contains(&node)).unwrap().0;
    let weight = |t: TensorId, i: usize| match tiny.mask.layer(t).get(i) {
        true => f64::from(tiny.network.weights()[t][i]),
        false => 0.0,
    };
    let from = n.inputs.first().copied().unwrap_or(0);
    // The positions of a window that lie on the map, each with its place in the kernel.
    let window = |kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]| {
        let [height, width] = sides(from);
        let mut places = Vec::new();
        for k in 0..kernel[0] {
            for l in 0..kernel[1] {
                let row = (y * stride[0] + k).checked_sub(padding[0]).filter(|&r| r < height);
                let column = (x * stride[1] + l).checked_sub(padding[1]).filter(|&c| c < width);
                if let (Some(row), Some(column)) = (row, column) {
                    places.push((k * kernel[1] + l, [row, column]));
                }
            }
        }
        places
    };
    match &n.op {
        Op::Input(_) => f64::from(u8::from((unit, [y, x]) == input)),
        Op::Linear(_) => {
            let inputs = arch.nodes()[from].shape.units();
            let term = |i| {
                weight(tensor(), unit * inputs + i) * derivative(tiny, (from, i, [0, 0]), input)
            };
            (0..inputs).map(term).sum()
        }
        Op::Conv2d(conv) => {
            let inputs = arch.nodes()[from].shape.units() / conv.groups;
            let group = unit / (conv.out / conv.groups);
            let area = conv.kernel[0] * conv.kernel[1];
            let mut sum = 0.0;
            for i in 0..inputs {
                for (k, place) in window(conv.kernel, conv.stride, conv.padding) {
                    sum += weight(tensor(), (unit * inputs + i) * area + k)
                        * derivative(tiny, (from, group * inputs + i, place), input);
                }
            }
            sum
        }
        Op::BatchNorm(BatchNorm { eps, .. }) => {
            let value = |role: Role| {
                let at = |s: &phew_graph::TensorSpec| s.nodes.contains(&node) && s.role == role;
                let at = arch.auxiliary().iter().position(at).unwrap();
                f64::from(tiny.network.auxiliary()[at][unit])
            };
            let factor = value(Role::NormScale) / (value(Role::RunningVar) + eps).sqrt();
            factor * derivative(tiny, (from, unit, [y, x]), input)
        }
        Op::AvgPool(AvgPool { pool, .. }) => {
            let whole = sides(from);
            let (kernel, stride) = pool.kernel.map_or((whole, whole), |k| (k, pool.stride));
            let places = window(kernel, stride, pool.padding);
            let sum: f64 =
                places.into_iter().map(|(_, p)| derivative(tiny, (from, unit, p), input)).sum();
            sum / (kernel[0] * kernel[1]) as f64
        }
        Op::Add(_) => n.inputs.iter().map(|&i| derivative(tiny, (i, unit, [y, x]), input)).sum(),
        Op::Flatten(_) => {
            let [height, width] = sides(from);
            let (channel, place) = (unit / (height * width), unit % (height * width));
            derivative(tiny, (from, channel, [place / width, place % width]), input)
        }
        Op::Concat(_) => {
            let (from, unit) = in_concat(arch, node, unit);
            derivative(tiny, (from, unit, [y, x]), input)
        }
        Op::Activation(Activation::Identity) => derivative(tiny, (from, unit, [y, x]), input),
        other => panic!("{} is not linear, or not known here", other.kind()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn jacobians_of_random_linear_networks_are_sums_over_their_spatial_paths(
        seed: u64, ties: bool
    ) {
        let tiny = tiny_linear(seed, ties);
        let arch = tiny.network.arch();
        let analysis = Analysis::new(&tiny.network, Some(&tiny.mask)).unwrap();
        let jacobian = analysis.linear_jacobian(10_000).unwrap();
        let [height, width] = match arch.input_shape() {
            Shape::Image { height, width, .. } => [height, width],
            Shape::Features(_) => [1, 1],
        Shape::Sequence { length, .. } => [1, length],
        };
        // A few entries: the recursion takes a path at a time.
        let mut rng = stream(stream_key("entries", seed), 0);
        for _ in 0..4 {
            let o = rng.random_range(0..jacobian.nrows());
            let i = rng.random_range(0..jacobian.ncols());
            let area = height * width;
            let input = (i / area, [i % area / width, i % width]);
            let expected = derivative(&tiny, (arch.nodes().len() - 1, o, [0, 0]), input);
            let found = jacobian[(o, i)];
            // A few hundred terms of mixed sign, each near 1 at most.
            prop_assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        let spectrum = analysis.linear_jacobian_spectrum(10_000).unwrap();
        let squares: f64 = spectrum.values.iter().map(|v| v * v).sum();
        let norm = jacobian.iter().map(|v| v * v).sum::<f64>().sqrt();
        prop_assert!((squares - norm * norm).abs() <= 1e-12 * squares.max(1e-300));
    }

    #[test]
    fn layers_have_the_singular_values_of_their_matrices(seed: u64) {
        let tiny = tiny(seed);
        let analysis = Analysis::new(&tiny.network, Some(&tiny.mask)).unwrap();
        let graph = analysis.graph();
        for (t, layer) in graph.tensors().zip(analysis.layer_isometry().unwrap()) {
            let mask = tiny.mask.layer(t);
            let columns = mask.len() / mask.shape()[0];
            let groups = graph[graph.uses(t).next().unwrap().source].units / mask.shape()[1];
            let rows = mask.shape()[0] / groups;
            let (mut squares, mut departure) = (Vec::new(), 0.0);
            for group in 0..groups {
                let w = Mat::from_fn(rows, columns, |r, c| {
                    let index = (group * rows + r) * columns + c;
                    if mask.get(index) { f64::from(tiny.network.weights()[t][index]) } else { 0.0 }
                });
                let (gram, small) = (w.transpose() * &w, &w * w.transpose());
                departure += (&gram - Mat::<f64>::identity(columns, columns)).norm_l2().powi(2);
                let small = if rows <= columns { small } else { gram };
                squares.extend(small.self_adjoint_eigenvalues(Side::Lower).unwrap());
            }
            squares.sort_by(|a, b| b.total_cmp(a));
            let s = &layer.singular_values;
            prop_assert_eq!(s.values.len(), squares.len());
            for (value, square) in s.values.iter().zip(&squares) {
                prop_assert!((value * value - square).abs() <= 1e-12 * squares[0].max(1.0));
            }
            prop_assert!((layer.departure - departure.sqrt()).abs() < 1e-9);
            let mean = s.values.iter().sum::<f64>() / s.values.len() as f64;
            prop_assert!((s.mean - mean).abs() < 1e-12);
            let (first, last) = (s.values[0], s.values[s.values.len() - 1]);
            prop_assert!((s.max - first).abs() < 1e-15 && (s.min - last).abs() < 1e-15);
        }
    }
}

#[test]
fn a_jacobian_beyond_double_precision_is_refused_and_a_zero_one_is_not() {
    let layers = 1000;
    let widths = vec![2; layers + 1];
    let mut arch = ArchBuilder::new("deep", Shape::Features(widths[0]));
    for layer in 0..layers {
        arch = arch.linear(format!("fc{layer}"), 2);
    }
    let network = Network::initialise(arch.build().unwrap(), Init::default(), 0).unwrap();
    let spectrum = |value: f32| {
        let weights = network.weights().iter().map(|w| vec![value; w.len()]).collect();
        let network = network.with_weights(weights).unwrap();
        Analysis::new(&network, None).unwrap().linear_jacobian_spectrum(100)
    };
    // Two equal weights from each unit: the product of 1,000 layers is (2 w)^1000 / 2 in each entry.
    for value in [100.0, 0.1] {
        let error = spectrum(value).unwrap_err();
        assert!(matches!(error, MetricError::Range { .. }), "{value}: {error}");
    }
    assert!((spectrum(0.5).unwrap().max - 1.0).abs() < 1e-9);
    assert!(spectrum(0.0).unwrap().max.abs() < f64::MIN_POSITIVE);
}
