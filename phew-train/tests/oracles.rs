//! Answers to the questions of NTK-SAP and PX, against networks worked by hand and difference quotients.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use phew_baselines::{Options, methods};
use phew_graph::{
    Activation, Arch, ArchBuilder, Conv2d, Init, Mask, Network, Pool, Role, Shape, TensorId,
    TensorSpec, zoo,
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

/// The inputs that the oracle draws, as the documentation says.
fn drawn(shape: &[usize], draw: u64) -> Vec<f64> {
    let name = "random inputs".to_owned();
    let spec = TensorSpec { name, shape: shape.to_vec(), role: Role::Weight, node: 0 };
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
