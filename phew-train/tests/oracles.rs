//! Answers to the questions of NTK-SAP and PX, against networks worked by hand and difference quotients.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use phew_baselines::{Options, methods};
use phew_graph::{
    Activation, Arch, ArchBuilder, Conv2d, Init, Mask, Network, PathGraph, Pool, Reach, Role,
    Shape, TensorId, TensorSpec, zoo,
};
use phew_train::{Batch, Device, Loss, OracleMode, SampleSpec, TorchOracle, digits};
use tch::{Kind, Tensor};

fn batch(values: &[f32], shape: &[i64]) -> Batch {
    let input = Tensor::from_slice(values).view(shape);
    Batch { input, target: Tensor::zeros([shape[0]], (Kind::Int64, tch::Device::Cpu)) }
}

fn network(arch: Arch, weights: &[&[f32]]) -> Network {
    let network = Network::initialise(arch, Init::default(), 0).unwrap();
    network.with_weights(weights.iter().map(|w| w.to_vec()).collect()).unwrap()
}

fn activation(network: &Network, mask: &Mask, batches: Vec<Batch>) -> Vec<f64> {
    let oracle = TorchOracle::new(network, batches, Loss::default(), OracleMode::Eval).unwrap();
    oracle.path_activation(&network.weights(), mask).unwrap()
}

#[test]
fn active_paths_of_a_small_mlp_are_counted_by_hand() {
    let arch = ArchBuilder::new("net", Shape::Features(2))
        .linear_unbiased("fc1", 2)
        .relu("relu")
        .linear_unbiased("fc2", 2)
        .build()
        .unwrap();
    // Hidden 0 is x₀ − x₁, hidden 1 is x₀ + x₁.
    let network = network(arch, &[&[1., -1., 1., 1.], &[5., -7., 0.5, 2.]]);
    let mut mask = Mask::dense(network.arch());
    // At (1, 2) hidden 0 is shut and hidden 1 open: 1 + 4 for each output. At (3, 1) both are: twice 9 + 1.
    let both = || vec![batch(&[1., 2.], &[1, 2]), batch(&[3., 1.], &[1, 2])];
    assert_eq!(activation(&network, &mask, both()), [25.0, 25.0]);
    // Without the weight from hidden 0 to output 0 the latter keeps one of two; without the one from x₁ to hidden 1, at
    // (1, 2) hidden 1 is 1 and counts x₀ alone, at (3, 1) it is 3 and counts 9.
    mask.layer_mut(TensorId::new(1)).remove(0);
    mask.layer_mut(TensorId::new(0)).remove(3);
    assert_eq!(activation(&network, &mask, both()), [1.0 + 9.0, 1.0 + 9.0 + 10.0]);
}

#[test]
fn pooling_skips_and_smooth_activations_pass_on_what_they_should() {
    // One channel of 2×2; a 1×1 convolution of −1 turns signs, so the maximum is taken where the input is least.
    let arch = ArchBuilder::new("net", Shape::Image { channels: 1, height: 2, width: 2 })
        .conv("conv", Conv2d::new(1, 1))
        .batch_norm("bn")
        .activation("tanh", Activation::Tanh)
        .max_pool("pool", Pool::new(2))
        .from("tanh")
        .avg_pool("average", Pool::new(2))
        .add("add", &["pool", "average"])
        .flatten("flatten")
        .linear_unbiased("fc", 1)
        .build()
        .unwrap();
    let network = network(arch, &[&[-1.0], &[0.3]]);
    // Squares 1, 4, 9, 16: the pooling takes the 1, the average is 7.5, the sum of both 8.5.
    let batches = vec![batch(&[3., 2., 1., 4.], &[1, 1, 2, 2])];
    let found = activation(&network, &Mask::dense(network.arch()), batches);
    assert!((found[0] - 8.5).abs() < 1e-12, "{found:?}");
}

/// As DenseNet's: each block reads all that is before it.
#[test]
fn concatenations_pass_on_the_active_paths_of_all_that_they_read() {
    // A channel x of 2×2, two channels a of it, two channels b of x and a, and two outputs of b, x and a.
    let arch = ArchBuilder::new("net", Shape::Image { channels: 1, height: 2, width: 2 })
        .conv("a", Conv2d::new(2, 1))
        .relu("relu a")
        .concat("xa", &["input", "relu a"])
        .conv("b", Conv2d::new(2, 1))
        .relu("relu b")
        .concat("bxa", &["relu b", "xa"])
        .flatten("flatten")
        .linear_unbiased("fc", 2)
        .build()
        .unwrap();
    let b = [1.0, 0.5, -2.0, -1.0, 3.0, 0.25];
    let network = network(arch, &[&[1.0, -1.0], &b, &[1.0; 40]]);
    // All but a0 → b1, and every third weight of the outputs.
    let mut mask = Mask::dense(network.arch());
    mask.layer_mut(TensorId::new(1)).remove(4);
    (0..40).step_by(3).for_each(|index| assert!(mask.layer_mut(TensorId::new(2)).remove(index)));
    let keeps = |tensor: usize, index: usize| mask.layer(TensorId::new(tensor)).get(index);
    let images = [[3.0, -2.0, 1.0, -4.0], [0.5, 6.0, -1.0, 2.0f32]];
    // Every path by itself, if every unit on it is active: 1×1 convolutions do not mix positions.
    let mut expected = [0.0; 2];
    for (pixel, x) in images.iter().flat_map(|image| image.iter().enumerate()) {
        let xa = [*x, x.max(0.0), (-x).max(0.0)];
        let open = [true, xa[1] > 0.0, xa[2] > 0.0];
        let mut paths = Vec::new();
        for j in 0..2 {
            let kept = |c: &usize| keeps(1, 3 * j + c);
            let value: f32 = (0..3).filter(kept).map(|c| b[3 * j + c] * xa[c]).sum();
            let through = (0..3).filter(kept).filter(|&c| open[c] && value > 0.0);
            paths.extend(through.map(|_| j));
        }
        paths.extend((0..3).filter(|&c| open[c]).map(|c| 2 + c));
        for (k, expected) in expected.iter_mut().enumerate() {
            let ends = paths.iter().filter(|&&channel| keeps(2, 20 * k + 4 * channel + pixel));
            *expected += ends.count() as f64 * f64::from(x * x);
        }
    }
    assert!(expected[0] > 0.0 && expected[1] > 0.0 && (expected[0] - expected[1]).abs() > 1.0);
    let batches = images.map(|image| batch(&image, &[1, 1, 2, 2])).into();
    assert_eq!(activation(&network, &mask, batches), expected);
}

#[test]
fn px_prunes_a_densenet() {
    let arch = zoo::by_name("densenet-7-4").unwrap().build().unwrap();
    let network = Network::initialise(arch, Init::default(), 0).unwrap();
    let batches = vec![batch(&vec![0.5; 3 * 32 * 32], &[1, 3, 32, 32])];
    let oracle = TorchOracle::new(&network, batches, Loss::default(), OracleMode::Eval).unwrap();
    let options =
        Options { schedule: Some("exponential:3".parse().unwrap()), ..Options::default() };
    let mut px =
        methods().find("px").unwrap().method(0.1, 0, &options, Some(Box::new(oracle))).unwrap();
    let kept = px.prune(&network).unwrap();
    assert_eq!(kept.kept(), kept.len() / 10);
    // A dense layer may be left empty: paths go past it.
    assert!(Reach::of_mask(&PathGraph::new(network.arch()), &kept).connected());
}

/// The inputs that the oracle draws, as the documentation says.
fn drawn(shape: &[usize], draw: u64) -> Vec<f64> {
    let name = "random inputs".to_owned();
    let spec = TensorSpec { name, shape: shape.into(), role: Role::Weight, nodes: vec![0] };
    Init::Normal { std: 1.0 }.sample(&spec, draw).into_iter().map(f64::from).collect()
}

/// `x → W₂ ⊙ m₂ · norm(W₁ ⊙ m₁ · x)` in f64, the statistics those of `statistics`' hidden values.
struct Net {
    inputs: Vec<Vec<f64>>,
    mean: [f64; 3],
    variance: [f64; 3],
}

fn hidden(weights: &[f64], mask: &[f64], x: &[f64]) -> [f64; 3] {
    std::array::from_fn(|u| (0..2).map(|i| weights[2 * u + i] * mask[2 * u + i] * x[i]).sum())
}

impl Net {
    fn new(inputs: Vec<Vec<f64>>, weights: &[f64], mask: &[f64]) -> Self {
        let all: Vec<[f64; 3]> = inputs.iter().map(|x| hidden(weights, mask, x)).collect();
        let count = all.len() as f64;
        let mean: [f64; 3] = std::array::from_fn(|u| all.iter().map(|h| h[u]).sum::<f64>() / count);
        let variance = std::array::from_fn(|u| {
            all.iter().map(|h| (h[u] - mean[u]).powi(2)).sum::<f64>() / count
        });
        Self { inputs, mean, variance }
    }

    fn output(&self, weights: &[f64], mask: &[f64], x: &[f64]) -> f64 {
        let hidden = hidden(weights, mask, x);
        (0..3)
            .map(|u| {
                let normal = (hidden[u] - self.mean[u]) / (self.variance[u] + 1e-5).sqrt();
                weights[6 + u] * mask[6 + u] * normal
            })
            .sum()
    }

    fn gap(&self, w: &[f64], v: &[f64], mask: &[f64]) -> f64 {
        let difference = |x: &Vec<f64>| self.output(w, mask, x) - self.output(v, mask, x);
        self.inputs.iter().map(|x| difference(x).powi(2)).sum()
    }
}

#[test]
fn the_response_to_perturbed_weights_is_the_difference_quotient() {
    let arch = ArchBuilder::new("net", Shape::Features(2))
        .linear_unbiased("fc1", 3)
        .batch_norm("bn")
        .linear_unbiased("fc2", 1)
        .build()
        .unwrap();
    let w: [f32; 9] = [1.0, -0.5, 0.3, 0.8, -1.2, 0.4, 0.7, -0.9, 1.1];
    let v: [f32; 9] = [1.2, -0.4, 0.1, 0.9, -1.0, 0.3, 0.9, -0.8, 1.0];
    let network = network(arch, &[&w[..6], &w[6..]]);
    let mut mask = Mask::dense(network.arch());
    // A pruned weight is asked about as well.
    mask.layer_mut(TensorId::new(0)).remove(1);
    let oracle = TorchOracle::new(&network, Vec::new(), Loss::default(), OracleMode::Train)
        .unwrap()
        .random_inputs(7);
    let found =
        oracle.perturbation(&network.weights(), &[&v[..6], &v[6..]], &mask, 3).unwrap().concat();
    let inputs = drawn(&[7, 2], 3).chunks(2).map(<[f64]>::to_vec).collect();
    let [w, v] = [w, v].map(|values| values.map(f64::from));
    let mut entries = [1.0; 9];
    entries[1] = 0.0;
    let net = Net::new(inputs, &w, &entries);
    for index in 0..9 {
        let at = |step: f64| {
            let mut moved = entries;
            moved[index] += step;
            net.gap(&w, &v, &moved)
        };
        let wanted = (at(1e-5) - at(-1e-5)) / 2e-5;
        let error = (f64::from(found[index]) - wanted).abs();
        // Single precision there.
        assert!(error <= 1e-4 * (1.0 + wanted.abs()), "{index}: {} {wanted}", found[index]);
    }
    assert!(found[1].abs() > 1e-3, "{found:?}");
}

#[test]
fn ntk_sap_and_px_prune_real_networks_without_collapse() {
    let data = digits(200, 10, 0).unwrap();
    let arch = zoo::by_name("lenet-5").unwrap().build().unwrap();
    let network = Network::initialise(arch, Init::default(), 0).unwrap();
    let mask = |name: &str| {
        let samples = SampleSpec { per_class: 5, ..SampleSpec::default() };
        let (device, mode) = (Device::CPU, OracleMode::Train);
        let oracle = TorchOracle::of_data(&network, &data, samples, device, mode);
        let oracle = Box::new(oracle.unwrap().random_inputs(16));
        let options =
            Options { schedule: Some("exponential:10".parse().unwrap()), ..Options::default() };
        let mut method =
            methods().find(name).unwrap().method(0.1, 0, &options, Some(oracle)).unwrap();
        method.prune(&network).unwrap()
    };
    for name in ["ntk-sap", "px", "px-program"] {
        let kept = mask(name);
        assert_eq!(kept.kept(), kept.len() / 10, "{name}");
        assert!(kept.layers().iter().all(|layer| layer.kept() > 0), "{name}");
        assert_eq!(kept, mask(name), "{name}");
    }
    assert_ne!(mask("ntk-sap"), mask("px"));
}
