//! The smaller network that a mask leaves has the outputs of the masked one, in phew-train and in PyTorch.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

use std::path::{Path, PathBuf};
use std::process::Command;

use phew_graph::{
    Activation, Arch, ArchBuilder, Compaction, Conv2d, Init, LayerMask, Mask, Network, Overwrite,
    Pool, Role, Shape, stream, stream_key, zoo,
};
use phew_train::{Mode, Model};
use rand::Rng;
use tch::{Device, Kind, Tensor};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Residual, concatenated, depthwise and padded, with biases and normalisation.
fn tangled() -> Arch {
    let image = Shape::Image { channels: 3, height: 8, width: 6 };
    ArchBuilder::new("tangled", image)
        .conv("stem", Conv2d::new(8, 3).padding(1).bias())
        .batch_norm("norm")
        .relu("relu")
        .conv("branch", Conv2d::new(8, 3).padding(1))
        .batch_norm("branch.norm")
        .add("sum", &["branch.norm", "relu"])
        .activation("leaky", Activation::LeakyRelu { slope: 0.2 })
        .conv("depthwise", Conv2d::new(8, 3).groups(8).bias())
        .activation("tanh", Activation::Tanh)
        .conv("pointwise", Conv2d::new(6, 1))
        .batch_norm("pointwise.norm")
        .from("tanh")
        .conv("other", Conv2d::new(5, 1).bias())
        .concat("both", &["pointwise.norm", "other"])
        .relu("relu2")
        .max_pool("max", Pool::new(2))
        .conv("valid", Conv2d::new(7, 2))
        .relu("relu3")
        .flatten("flatten")
        .linear("fc1", 12)
        .relu("relu4")
        .linear("fc2", 4)
        .build()
        .unwrap()
}

/// Weights, biases, shifts and statistics all different from 0 and 1.
fn trained(arch: Arch, seed: u64) -> Network {
    let mut rng = stream(stream_key("test of compaction", seed), 0);
    let drawn = Network::initialise(arch, Init::XavierNormal, seed).unwrap();
    let weights = drawn.weights().iter().map(|values| values.to_vec()).collect();
    let specs = drawn.arch().auxiliary().to_vec();
    let auxiliary = specs.iter().map(|spec| {
        let mut value = || match spec.role {
            Role::RunningVar | Role::NormScale => rng.random_range(0.5..2.0),
            _ => rng.random_range(-1.0..1.0),
        };
        (0..spec.len()).map(|_| value()).collect()
    });
    let auxiliary = auxiliary.collect();
    Network::new(drawn.arch().clone(), weights, auxiliary).unwrap()
}

/// Weights at random, and some units without any weight that leads in, or out, or at all.
fn mask(arch: &Arch, density: f64, seed: u64) -> Mask {
    let mut rng = stream(stream_key("test of compaction", seed), 1);
    let layers = arch.prunable().iter().map(|spec| {
        let (outputs, inputs) = (spec.shape[0], spec.shape[1]);
        let kernel: usize = spec.shape[2..].iter().product();
        let last = spec.nodes[0] + 1 == arch.nodes().len();
        let rows: Vec<bool> = (0..outputs).map(|_| last || rng.random_bool(0.7)).collect();
        let columns: Vec<bool> = (0..inputs).map(|_| rng.random_bool(0.8)).collect();
        let kept: Vec<bool> = (0..spec.len()).map(|_| rng.random_bool(density)).collect();
        LayerMask::from_fn(&spec.name, &spec.shape, |i| {
            kept[i] && rows[i / kernel / inputs] && columns[i / kernel % inputs]
        })
    });
    Mask::from_layers(layers.collect())
}

/// The network with zeros where it is pruned, and in the biases of units that no kept weight enters.
fn masked(network: &Network, mask: &Mask) -> Network {
    let arch = network.arch();
    let zeroed = |(values, layer): (&&[f32], &LayerMask)| {
        let kept = |(i, &w): (usize, &f32)| if layer.get(i) { w } else { 0.0 };
        values.iter().enumerate().map(kept).collect::<Vec<f32>>()
    };
    let weights = network.weights().iter().zip(mask.layers()).map(zeroed).collect();
    let auxiliary = arch.auxiliary().iter().zip(network.auxiliary()).map(|(spec, values)| {
        let mut values = values.to_vec();
        if spec.role == Role::Bias {
            let place = arch.prunable().iter().position(|w| w.nodes == spec.nodes).unwrap();
            let layer = &mask.layers().as_slice()[place];
            let row = layer.len() / values.len();
            for (unit, value) in values.iter_mut().enumerate() {
                if !(unit * row..(unit + 1) * row).any(|i| layer.get(i)) {
                    *value = 0.0;
                }
            }
        }
        values
    });
    let auxiliary = auxiliary.collect();
    Network::new(arch.clone(), weights, auxiliary).unwrap()
}

fn input(arch: &Arch) -> Tensor {
    tch::manual_seed(5);
    let sizes = arch.input_shape().sizes();
    let sizes: Vec<i64> = [6].into_iter().chain(sizes.iter().map(|&n| n as i64)).collect();
    Tensor::randn(sizes.as_slice(), (Kind::Float, Device::Cpu))
}

fn output(network: &Network, input: &Tensor) -> Tensor {
    let model = Model::new(network, Device::Cpu, Kind::Float).unwrap();
    model.forward(input, Mode::Eval).unwrap().detach()
}

/// The same by PyTorch, if it is there.
fn by_pytorch(network: &Network, input: &Tensor) -> Option<Tensor> {
    let python = root("../.venv/bin/python");
    if !python.exists() {
        eprintln!("skipped: {} is not there, run 'make setup'", python.display());
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("arch.toml"), network.arch().to_toml()).unwrap();
    network.save(&path("weights"), Overwrite::Refuse).unwrap();
    let target = Tensor::from_slice(&[0_i64, 1, 2, 2, 1, 0]);
    Tensor::write_safetensors(&[("input", input), ("target", &target)], path("batch")).unwrap();
    let arguments = ["arch.toml", "weights", "batch", "out"].map(path);
    let program = root("python/forward.py");
    assert!(Command::new(python).arg(program).args(arguments).status().unwrap().success());
    let found = Tensor::read_safetensors(path("out")).unwrap();
    found.into_iter().find(|(name, _)| name == "eval").map(|(_, eval)| eval)
}

fn close(a: &Tensor, b: &Tensor) -> bool {
    let scale = 1.0 + a.abs().max().double_value(&[]);
    (a - b).abs().max().double_value(&[]) <= 1e-5 * scale
}

#[test]
fn outputs_stay_whatever_the_mask_leaves() {
    for seed in 0..40 {
        let network = trained(tangled(), seed);
        let density = [0.05, 0.2, 0.5, 0.9][seed as usize % 4];
        let mask = mask(network.arch(), density, seed);
        let compaction = Compaction::of(&network, &mask).unwrap();
        let small = compaction.network(&network, &mask).unwrap();
        let input = input(network.arch());
        let (wanted, found) = (output(&masked(&network, &mask), &input), output(&small, &input));
        assert!(close(&wanted, &found), "seed {seed}: {wanted} {found}");
        let (before, after) = (network.arch().prunable_len(), small.arch().prunable_len());
        assert!(after <= before && (density > 0.1 || after * 2 < before), "{after} of {before}");
    }
}

#[test]
fn pytorch_agrees_on_the_masked_network_and_on_the_smaller_one() {
    for (network, seed) in [
        (trained(tangled(), 3), 3),
        (trained(zoo::by_name("resnet20").unwrap().build().unwrap(), 4), 4),
        (trained(zoo::by_name("densenet-40-12").unwrap().build().unwrap(), 5), 5),
    ] {
        let mask = mask(network.arch(), 0.1, seed);
        let small = Compaction::of(&network, &mask).unwrap().network(&network, &mask).unwrap();
        assert!(small.arch().prunable_len() < network.arch().prunable_len());
        let input = input(network.arch());
        let Some(wanted) = by_pytorch(&masked(&network, &mask), &input) else { return };
        let found = by_pytorch(&small, &input).unwrap();
        assert!(close(&wanted, &found), "{}: {wanted} {found}", network.arch().name());
        assert!(close(&found, &output(&small, &input)));
    }
}
