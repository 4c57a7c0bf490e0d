//! Singular values against matrices whose singular values are known.

use phew_graph::{Activation, ArchBuilder, Conv2d, Init, Network, Op, Pool, Shape, zoo};
use phew_metrics::{Analysis, MetricError};

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
    let weights = network.weights();
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

/// A 1×1 convolution by 3, an identity skip, the mean of a 2×2 map: every pixel weighs (3 + 1) / 4, and the
/// normalisation divides by √(1 + ε).
#[test]
fn the_jacobian_follows_convolutions_skips_pooling_and_normalisation() {
    let arch = ArchBuilder::new("skip", Shape::Image { channels: 1, height: 2, width: 2 })
        .conv("conv", Conv2d::new(1, 1))
        .add("add", &["conv", "input"])
        .op("bn", Op::BatchNorm { eps: 3.0, momentum: 0.1 })
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
