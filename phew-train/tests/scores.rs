//! Scores and their masks agree with the authors' own programs on the reference networks.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::HashMap;
use std::path::Path;

use phew_baselines::{HessianGradient, Options, Parameters, Schedule, methods};
use phew_graph::{Extra, LayerMask, Mask, Network, TensorId};
use phew_train::{
    Batch, Device, EngineOracle, Loss, Mode, Model, OracleMode, Power, SampleSpec, TorchOracle,
    digits, ones_pass, score_batches,
};
use tch::{Kind, Tensor};

#[path = "common/reference.rs"]
mod reference;
use reference::reference;

/// A reference network with its batch, and what the programs gave.
struct Reference {
    network: Network,
    mask: Mask,
    batch: HashMap<String, Tensor>,
    expected: HashMap<String, Tensor>,
    numbers: serde_json::Value,
}

fn references() -> Vec<Reference> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../reference");
    let read = |name: String| -> HashMap<String, Tensor> {
        Tensor::read_safetensors(folder.join(name)).unwrap().into_iter().collect()
    };
    ["mlp", "conv", "res"]
        .into_iter()
        .map(|name| {
            let weights = folder.join(format!("{name}.weights.safetensors"));
            let network = Network::load(&weights, reference(name), Extra::Ignore).unwrap();
            let text = std::fs::read_to_string(folder.join(format!("{name}.expected.json")));
            Reference {
                mask: Mask::dense(network.arch()),
                network,
                batch: read(format!("{name}.weights.safetensors")),
                expected: read(format!("{name}.expected.safetensors")),
                numbers: serde_json::from_str(&text.unwrap()).unwrap(),
            }
        })
        .collect()
}

impl Reference {
    fn oracle(&self) -> TorchOracle {
        let input = self.batch["batch.input"].shallow_clone();
        let target = self.batch["batch.target"].to_kind(Kind::Int64);
        let batch = Batch { input, target };
        TorchOracle::new(&self.network, vec![batch], Loss::default(), OracleMode::Train).unwrap()
    }

    /// The programs' scores of one tensor.
    fn scores(&self, key: &str, tensor: &str) -> Vec<f64> {
        let scores = self.expected[&format!("{key}.{tensor}")].to_kind(Kind::Double);
        Vec::<f64>::try_from(scores.flatten(0, -1)).unwrap()
    }

    /// Compares `score(weight, derivative)` to the programs', relative to the greatest score of the tensor or of each
    /// scalar, whichever is the more lenient at rounding's size.
    fn check<T: Copy + Into<f64>>(
        &self,
        key: &str,
        derivative: &[Vec<T>],
        score: impl Fn(f64, f64) -> f64,
        relative: f64,
    ) {
        let weights = self.network.weights();
        for ((spec, weights), derivative) in
            self.network.arch().prunable().iter().zip(weights).zip(derivative)
        {
            let expected = self.scores(key, &spec.name);
            let scale = expected.iter().fold(0.0_f64, |max, value| max.max(value.abs()));
            for (index, expected) in expected.iter().enumerate() {
                let found = score(f64::from(weights[index]), derivative[index].into());
                let bound = relative * expected.abs() + 1e-2 * relative * scale;
                let (arch, name) = (self.network.arch().name(), &spec.name);
                assert!(
                    (found - expected).abs() <= bound,
                    "{arch} {key} {name}[{index}]: {found} for {expected}"
                );
            }
        }
    }
}

#[test]
fn synflow_and_synflow_l2_agree_to_a_millionth() {
    for r in references() {
        let weights = r.network.weights();
        let abs = ones_pass(&r.network, &weights, &r.mask, Power::Abs).unwrap();
        r.check("synflow", &abs.derivative, |w, d| (d * w).abs(), 1e-6);
        let square = ones_pass(&r.network, &weights, &r.mask, Power::Square).unwrap();
        // As the program has it: ∂R/∂(θ²)·|θ|.
        r.check("synflow_l2", &square.derivative, |w, d| d * w.abs(), 1e-6);
        let near = |found: f64, key: &str| {
            let expected = r.numbers[key].as_f64().unwrap();
            assert!((found - expected).abs() <= 1e-6 * expected, "{key}: {found} for {expected}");
        };
        near(abs.objective, "synflow_objective");
        near(square.objective, "synflow_l2_objective");
        near(square.path_kernel_trace(&r.mask).unwrap(), "path_kernel_trace");
    }
}

#[test]
fn snip_and_the_loss_agree() {
    for r in references() {
        let oracle = r.oracle();
        let weights = r.network.weights();
        let loss = oracle.loss(&weights, &r.mask).unwrap();
        let expected = r.numbers["loss"].as_f64().unwrap();
        assert!((loss - expected).abs() <= 1e-6 * expected, "{loss} for {expected}");
        let gradient = oracle.gradient(&weights, &r.mask).unwrap();
        // Single precision here, double there: a few roundings of the sums of a batch.
        r.check("snip", &gradient, |w, g| (g * w).abs(), 2e-4);
    }
}

#[test]
fn grasp_agrees_over_the_weights_and_over_all_parameters() {
    for r in references() {
        let oracle = r.oracle();
        let over = [("grasp_weights", Parameters::Weights), ("grasp_all", Parameters::All)];
        for (key, parameters) in over {
            // At the temperature of the program, 200.
            let how = HessianGradient { parameters, ..HessianGradient::default() };
            let product = oracle.hessian_gradient(&r.network.weights(), &r.mask, how).unwrap();
            r.check(key, &product, |w, hg| w * hg, 2e-3);
        }
    }
}

/// The programs' iteration: scores of the masked network, an exponential schedule over 100 steps, keep what is
/// strictly above numpy's interpolated percentile of all scores (pruned ones count as 0).
fn iterate(r: &Reference, power: Power, density: f64) -> Mask {
    let weights = r.network.weights();
    let mut mask = r.mask.clone();
    for step in 1..=100 {
        let pass = ones_pass(&r.network, &weights, &mask, power).unwrap();
        let scores: Vec<Vec<f64>> = pass
            .derivative
            .iter()
            .zip(&weights)
            .zip(mask.layers())
            .map(|((derivative, weights), layer)| {
                let score = |i: usize| {
                    if layer.get(i) { (derivative[i] * f64::from(weights[i])).abs() } else { 0.0 }
                };
                (0..layer.len()).map(score).collect()
            })
            .collect();
        let mut sorted: Vec<f64> = scores.iter().flatten().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let place = (1.0 - density.powf(f64::from(step) / 100.0)) * (sorted.len() - 1) as f64;
        let (low, share) = (place.floor() as usize, place.fract());
        let high = sorted[(low + 1).min(sorted.len() - 1)];
        let threshold = sorted[low] + share * (high - sorted[low]);
        let layers = r.network.arch().prunable().iter().zip(&scores).map(|(spec, scores)| {
            LayerMask::from_fn(&spec.name, &spec.shape, |i| scores[i] > threshold)
        });
        mask = Mask::from_layers(layers.collect());
    }
    mask
}

#[test]
fn iterative_masks_are_the_programs_masks() {
    for r in references() {
        for (key, power) in [("synflow", Power::Abs), ("synflow_l2", Power::Square)] {
            for (percent, density) in [("50", 0.5), ("10", 0.1)] {
                let mask = iterate(&r, power, density);
                let mut different = 0;
                for layer in mask.layers() {
                    let expected = r.scores(&format!("{key}_mask_{percent}"), layer.name());
                    different +=
                        (0..layer.len()).filter(|&i| layer.get(i) != (expected[i] > 0.5)).count();
                }
                let arch = r.network.arch().name();
                assert_eq!(different, 0, "{arch} {key} at {percent}%: {} kept", mask.kept());
            }
        }
    }
}

#[test]
fn scoring_changes_neither_the_network_nor_the_next_answer() {
    let data = digits(200, 10, 0).unwrap();
    let arch = phew_graph::zoo::by_name("mlp-bn-784-20-10").unwrap().build().unwrap();
    let network = Network::initialise(arch, phew_graph::Init::default(), 0).unwrap();
    let spec = SampleSpec { batch: 64, ..SampleSpec::default() };
    let (device, mode) = (Device::CPU, OracleMode::Train);
    let oracle = TorchOracle::of_data(&network, &data, spec, device, mode).unwrap();
    assert_eq!(oracle.batches().len(), 2);
    let (weights, mask) = (network.weights(), Mask::dense(network.arch()));
    let before = network.fingerprint();
    let first = oracle.gradient(&weights, &mask).unwrap();
    let all = HessianGradient { parameters: Parameters::All, ..HessianGradient::default() };
    oracle.hessian_gradient(&weights, &mask, all).unwrap();
    assert_eq!(first, oracle.gradient(&weights, &mask).unwrap());
    assert_eq!(network.fingerprint(), before);
    // Two batches are answered by the sum of what each gives.
    let halves: Vec<Vec<Vec<f32>>> = score_batches(&data, spec, device)
        .unwrap()
        .into_iter()
        .map(|batch| {
            let oracle = TorchOracle::new(&network, vec![batch], Loss::default(), mode).unwrap();
            oracle.gradient(&weights, &mask).unwrap()
        })
        .collect();
    let sum = halves[0][0][5] + halves[1][0][5];
    assert!((first[0][5] - sum).abs() <= 1e-6 * (1.0 + sum.abs()));
}

#[test]
fn a_pruned_scalars_gradient_says_what_it_would_do_if_it_came_back() {
    let data = digits(200, 10, 0).unwrap();
    let arch = phew_graph::zoo::mlp(&[784, 8, 10]).build().unwrap();
    let network = Network::initialise(arch, phew_graph::Init::default(), 0).unwrap();
    let (samples, device) = (SampleSpec::default(), Device::CPU);
    let oracle = TorchOracle::of_data(&network, &data, samples, device, OracleMode::Train).unwrap();
    let weights = network.weights();
    let mut mask = Mask::dense(network.arch());
    // The scalar with the steepest slope, so that the difference quotient has digits.
    let dense = oracle.gradient(&weights, &mask).unwrap();
    let at = (0..80).max_by(|&a, &b| dense[1][a].abs().total_cmp(&dense[1][b].abs())).unwrap();
    mask.layer_mut(TensorId::new(1)).remove(at);
    let slope = f64::from(oracle.gradient(&weights, &mask).unwrap()[1][at]);
    let [first, second] = [0, 1].map(|tensor| weights[TensorId::new(tensor)]);
    // Central difference over the effective weight, which is 0.
    let loss = |value: f32| {
        let mut last = second.to_vec();
        last[at] = value;
        oracle.loss(&[first, &last], &Mask::dense(network.arch())).unwrap()
    };
    let difference = (loss(0.02) - loss(-0.02)) / 0.04;
    assert!(slope.abs() > 1e-2, "{slope}");
    assert!((slope - difference).abs() < 0.01 * slope.abs() + 1e-4, "{slope} {difference}");
}

/// The programs keep what is strictly above numpy's percentile of all scores, interpolated at rank
/// `(1 − d)(len − 1)`: this many of `len` where there are no ties.
fn program_keeps(density: f64, len: usize) -> usize {
    len - 1 - ((1.0 - density) * (len - 1) as f64).floor() as usize
}

#[test]
fn methods_of_the_registry_prune_with_this_oracle() {
    for r in references() {
        let len = r.mask.len();
        for name in ["snip", "grasp", "synflow-spatial", "synflow-l2-spatial"] {
            let spatial = name.strip_suffix("-spatial");
            let steps: Vec<f64> = (1..=100)
                .map(|n| program_keeps(0.5_f64.powf(f64::from(n) / 100.0), len) as f64 / len as f64)
                .collect();
            let density = if spatial.is_some() { steps[99] } else { 0.5 };
            let schedule = spatial.map(|_| Schedule::given(steps).unwrap());
            let options = Options { schedule, ..Options::default() };
            let oracle = Box::new(r.oracle());
            let method = methods().find(name).unwrap();
            let mut method = method.method(density, 0, &options, Some(oracle)).unwrap();
            let mask = method.prune(&r.network).unwrap();
            let Some(key) = spatial else {
                assert_eq!(mask.kept(), len / 2, "{name}");
                continue;
            };
            let key = format!("{}_mask_50", key.replace('-', "_"));
            for layer in mask.layers() {
                let expected = r.scores(&key, layer.name());
                let same = (0..layer.len()).all(|i| layer.get(i) == (expected[i] > 0.5));
                assert!(same, "{} {name}: {}", r.network.arch().name(), layer.name());
            }
        }
    }
}

/// Networks that the engine trains, each under a random mask, on digits.
fn masked(name: &str) -> (Network, Mask) {
    let template = phew_graph::zoo::by_name(name).unwrap();
    let image = phew_graph::Shape::Image { channels: 1, height: 28, width: 28 };
    let network = Network::initialise(
        template.classes(10).input(image).build().unwrap(),
        phew_graph::Init::default(),
        1,
    );
    let network = network.unwrap();
    let random = methods().find("random").unwrap();
    let mut random = random.method(0.3, 0, &Options::default(), None).unwrap();
    let mask = random.prune(&network).unwrap();
    (network, mask)
}

#[test]
fn the_engine_s_gradients_are_as_near_to_double_precision_as_libtorch_s() {
    let data = digits(200, 10, 0).unwrap();
    let spec = SampleSpec { per_class: 4, batch: 64, seed: 2 };
    for (name, mode) in [
        ("lenet-5", OracleMode::Train),
        ("resnet20", OracleMode::Train),
        ("resnet20", OracleMode::Eval),
        ("vgg11", OracleMode::Train),
        ("densenet-16-6", OracleMode::Eval),
    ] {
        let (network, mask) = masked(name);
        let weights = network.weights();
        let by_libtorch = TorchOracle::of_data(&network, &data, spec, Device::CPU, mode).unwrap();
        let mut engine = EngineOracle::of_data(&network, &data, spec, mode).unwrap();
        let singles = [
            engine.gradient(&weights, &mask).unwrap(),
            by_libtorch.gradient(&weights, &mask).unwrap(),
        ];
        let model = Model::new(&network, tch::Device::Cpu, Kind::Double).unwrap();
        let kept = weights.iter().zip(mask.layers()).flat_map(|(values, layer)| {
            values.iter().enumerate().map(|(i, w)| if layer.get(i) { f64::from(*w) } else { 0.0 })
        });
        let leaf = Tensor::from_slice(&kept.collect::<Vec<f64>>()).set_requires_grad(true);
        let from = model.prunable_len() as i64;
        let rest = model.parameters().detach().narrow(0, from, model.parameters().size()[0] - from);
        let parameters = Tensor::cat(&[&leaf, &rest], 0);
        let batch = &by_libtorch.batches()[0];
        let mode = if mode == OracleMode::Train { Mode::TrainFrozen } else { Mode::Eval };
        let output = model.forward_with(&parameters, &batch.input.to_kind(Kind::Double), mode);
        let loss = Loss::default().of(&output.unwrap(), &batch.target).unwrap();
        let exact = Tensor::run_backward(&[&loss], &[&leaf], false, false);
        let exact = Vec::<f64>::try_from(&exact[0]).unwrap();
        let length = exact.iter().map(|x| x * x).sum::<f64>().sqrt();
        let [ours, theirs] = singles.map(|found| {
            let apart =
                found.iter().flatten().zip(&exact).map(|(x, y)| (f64::from(*x) - y).powi(2));
            apart.sum::<f64>().sqrt() / length
        });
        // Numbers near 0 that ReLU lets through or not are decided by rounding, in either.
        assert!(ours <= 1e-5_f64.max(3.0 * theirs), "{name} {mode:?}: {ours} {theirs}");
    }
}

#[test]
fn the_engine_s_pass_of_ones_is_libtorch_s() {
    for name in ["lenet-5", "resnet20", "vgg11", "densenet-16-6"] {
        let (network, mask) = masked(name);
        let weights = network.weights();
        let mut engine =
            EngineOracle::new(&network, Vec::new(), Loss::default(), OracleMode::Train).unwrap();
        for power in [Power::Abs, Power::Square] {
            let theirs = ones_pass(&network, &weights, &mask, power).unwrap().derivative;
            let ours = engine.ones_pass(&weights, &mask, power).unwrap();
            for (ours, theirs) in ours.iter().zip(&theirs) {
                let greatest = theirs.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
                for (x, y) in ours.iter().zip(theirs) {
                    assert!((x - y).abs() <= 1e-11 * greatest, "{name} {power:?}: {x} {y}");
                }
            }
        }
    }
}
