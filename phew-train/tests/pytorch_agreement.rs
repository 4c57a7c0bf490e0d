//! Outputs, gradients and running statistics agree with PyTorch's, operator by operator and on the reference networks.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use phew_graph::op::{ConvTranspose1d, ConvTranspose2d};
use phew_graph::{
    Activation, Arch, ArchBuilder, Conv2d, Extra, Init, Network, Overwrite, Pool, Shape, zoo,
};
use phew_train::{Mode, Model, Recipe, Trainer};
use phew_walk::{WalkParams, prune};

#[path = "common/reference.rs"]
mod reference;
use reference::reference;
use tch::{Device, Kind, Reduction, Tensor};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every kind of operator, in shapes that tell rows from columns and groups from channels.
fn every_operator() -> Arch {
    let image = Shape::Image { channels: 4, height: 9, width: 7 };
    let wide = Conv2d { kernel: [3, 1], padding: [1, 0], ..Conv2d::new(6, 3) };
    let leaky = Activation::LeakyRelu { slope: 0.2 };
    ArchBuilder::new("every", image)
        .conv("stem", wide)
        .batch_norm("norm")
        .activation("leaky", leaky)
        .conv("grouped.conv", Conv2d::new(6, 3).padding(1).groups(2).bias())
        .relu("relu")
        .add("add", &["relu", "leaky", "norm"])
        .activation("tanh", Activation::Tanh)
        .avg_pool("average", Pool::new(3).stride(1).padding(1))
        .activation("same", Activation::Identity)
        .max_pool("max", Pool::new(3).stride(2).padding(1))
        .conv("strided", Conv2d::new(5, 2).stride(2))
        .avg_pool("whole", Pool::global())
        .flatten("flatten")
        .linear("fc1", 8)
        .batch_norm("norm1")
        .activation("leaky1", Activation::LeakyRelu { slope: 0.01 })
        .linear_unbiased("fc2", 3)
        .build()
        .unwrap()
}

/// What phew-train and PyTorch make of the same network and batch, compared number by number.
fn compare(network: &Network, weights: &Path, input: &Tensor, target: &Tensor) {
    let python = root("../.venv/bin/python");
    if !python.exists() {
        eprintln!("skipped: {} is not there, run 'make setup'", python.display());
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("arch.toml"), network.arch().to_toml()).unwrap();
    let target = target.to_kind(Kind::Int64);
    Tensor::write_safetensors(&[("input", input), ("target", &target)], path("batch")).unwrap();
    let status = Command::new(python)
        .arg(root("python/forward.py"))
        .args([&path("arch.toml"), weights, &path("batch"), &path("out")])
        .status()
        .unwrap();
    assert!(status.success());
    let expected: HashMap<String, Tensor> =
        Tensor::read_safetensors(path("out")).unwrap().into_iter().collect();

    let model = Model::new(network, Device::Cpu, Kind::Float).unwrap();
    let check = |name: &str, found: &Tensor| {
        let expected = &expected[name];
        let scale = 1.0 + expected.abs().max().double_value(&[]);
        let error = (found.detach() - expected).abs().max().double_value(&[]);
        assert!(error <= 1e-5 * scale, "{name}: {error} off, of {scale}");
    };
    check("eval", &model.forward(input, Mode::Eval).unwrap());
    let frozen = model.forward(input, Mode::TrainFrozen).unwrap();
    let logits = model.forward(input, Mode::Train).unwrap();
    check("train", &logits);
    // The same arithmetic, but the running statistics must not have moved before.
    assert_eq!(frozen, logits);
    let loss = logits.cross_entropy_loss::<Tensor>(&target, None, Reduction::Mean, -100, 0.0);
    check("loss", &loss);
    let gradients = Tensor::run_backward(&[&loss], model.leaves(), false, false);
    // The same by one vector of all parameters.
    let logits = model.forward_with(model.parameters(), input, Mode::TrainFrozen).unwrap();
    let loss = logits.cross_entropy_loss::<Tensor>(&target, None, Reduction::Mean, -100, 0.0);
    let whole = &Tensor::run_backward(&[&loss], &[model.parameters()], false, false)[0];
    let mut from = 0;
    let mut parts = gradients.iter();
    let specs = network.arch().prunable().iter().chain(network.arch().auxiliary());
    let mut running = model.buffers().iter();
    for spec in specs {
        if spec.name.contains("running") {
            check(&spec.name, running.next().unwrap());
            continue;
        }
        let sizes = |sizes: &[usize]| sizes.iter().map(|&n| n as i64).collect::<Vec<_>>();
        let shape = sizes(&spec.shape);
        let part = parts.next().unwrap();
        // PyTorch's is in the order of files.
        let held = Vec::<f32>::try_from(part.flatten(0, -1)).unwrap();
        let filed = Tensor::from_slice(&spec.shape.to_files(&held));
        check(
            &format!("grad.{}", spec.name),
            &filed.view(sizes(&spec.shape.in_files()).as_slice()),
        );
        assert_eq!(*part, whole.narrow(0, from, spec.len() as i64).view(shape.as_slice()));
        from += spec.len() as i64;
    }
    assert_eq!(from, whole.numel() as i64);
}

/// Initialises, saves and compares on a random batch.
fn compare_fresh(arch: Arch) {
    tch::manual_seed(3);
    let network = Network::initialise(arch, Init::XavierNormal, 1).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let weights = dir.path().join("weights.safetensors");
    network.save(&weights, Overwrite::Refuse).unwrap();
    let mut sizes = vec![6];
    sizes.extend(network.arch().input_shape().sizes().iter().map(|&n| n as i64));
    let input = Tensor::randn(sizes.as_slice(), (Kind::Float, Device::Cpu));
    let target = Tensor::from_slice(&[0_i64, 1, 2, 2, 1, 0]);
    compare(&network, &weights, &input, &target);
}

#[test]
fn every_operator_agrees() {
    compare_fresh(every_operator());
}

/// Transposed convolutions in shapes that tell inputs from outputs, and one whose weight has the same sizes in both orders.
fn transposed() -> Arch {
    let image = Shape::Image { channels: 4, height: 5, width: 3 };
    let grouped = ConvTranspose2d {
        kernel: [3, 2],
        stride: [2, 1],
        padding: [1, 0],
        output_padding: [1, 0],
        dilation: [1, 2],
        groups: 2,
        bias: true,
        ..ConvTranspose2d::new(6, 1)
    };
    ArchBuilder::new("transposed", image)
        .op("grouped", grouped)
        .batch_norm("norm")
        .relu("relu")
        .op("square", ConvTranspose2d { stride: [1, 2], ..ConvTranspose2d::new(6, 2) })
        .activation("tanh", Activation::Tanh)
        .op("depthwise", ConvTranspose2d { groups: 6, ..ConvTranspose2d::new(12, 2) })
        .avg_pool("whole", Pool::global())
        .flatten("flatten")
        .linear("fc", 3)
        .build()
        .unwrap()
}

fn transposed_sequence() -> Arch {
    let sequence = Shape::Sequence { channels: 4, length: 5 };
    let up = ConvTranspose1d {
        stride: 3,
        padding: 1,
        output_padding: 2,
        dilation: 2,
        groups: 2,
        bias: true,
        ..ConvTranspose1d::new(6, 4)
    };
    ArchBuilder::new("sequence", sequence)
        .op("square", ConvTranspose1d::new(4, 3))
        .activation("tanh", Activation::Tanh)
        .op("up", up)
        .flatten("flatten")
        .linear("fc", 3)
        .build()
        .unwrap()
}

#[test]
fn transposed_convolutions_agree() {
    compare_fresh(transposed());
    compare_fresh(transposed_sequence());
}

/// What training, its checkpoints and masks leave of a transposed convolution is what PyTorch computes with.
#[test]
fn a_pruned_transposed_convolution_trains_and_is_the_same_in_pytorch() {
    let arch = ArchBuilder::new("up", Shape::Image { channels: 1, height: 28, width: 28 })
        .conv("down", Conv2d::new(4, 4).stride(4))
        .relu("relu")
        .op("square", ConvTranspose2d { stride: [2; 2], ..ConvTranspose2d::new(4, 2) })
        .relu("relu2")
        .op("grouped", ConvTranspose2d { groups: 2, bias: true, ..ConvTranspose2d::new(6, 3) })
        .avg_pool("pool", Pool::new(8))
        .flatten("flatten")
        .linear("fc", 10)
        .build()
        .unwrap();
    let network = Network::initialise(arch.clone(), Init::default(), 0).unwrap();
    let mask = prune(&network, &WalkParams::new(0.4).unwrap()).unwrap().mask;
    let data = phew_train::digits(200, 50, 0).unwrap();
    let recipe = Recipe { batch: 20, ..Recipe::preset("digits").unwrap() }.with_epochs(2);
    let mut trainer = Trainer::builder(&network, &data, &recipe).mask(&mask).build().unwrap();
    trainer.run(&mut ()).unwrap();
    let trained = trainer.network().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (saved, pruned) = (dir.path().join("saved"), dir.path().join("pruned"));
    trainer.model().save(&saved, Overwrite::Refuse).unwrap();
    phew_graph::write_pytorch_pruned(&pruned, &trained, &mask, Overwrite::Refuse).unwrap();
    let loaded = Network::load(&saved, arch.clone(), Extra::Refuse).unwrap();
    assert_eq!(loaded.weights(), trained.weights());
    // What a checkpoint keeps comes back as it was.
    let snapshot = trainer.snapshot().unwrap();
    trainer.restart_from(&network).unwrap();
    trainer.rewind(&snapshot).unwrap();
    assert_eq!(trainer.network().unwrap().weights(), trained.weights());
    for (spec, (weights, layer)) in
        arch.prunable().iter().zip(trained.weights().into_iter().zip(mask.layers()))
    {
        assert!((0..layer.len()).all(|i| layer.get(i) || weights[i].to_bits() == 0));
        assert_ne!(trained.view(&spec.name), network.view(&spec.name));
    }
    // PyTorch's own: weight times mask, of the file as it stands.
    let file: HashMap<String, Tensor> =
        Tensor::read_safetensors(&pruned).unwrap().into_iter().collect();
    for spec in arch.prunable() {
        let [weight, mask] = ["orig", "mask"].map(|part| &file[&format!("{}_{part}", spec.name)]);
        assert!((weight * mask).equal(weight), "{}", spec.name);
    }
    tch::manual_seed(1);
    let input = Tensor::randn([5, 1, 28, 28], (Kind::Float, Device::Cpu));
    let target = Tensor::from_slice(&[0_i64, 1, 2, 3, 4]);
    compare(&loaded, &saved, &input, &target);
}

#[test]
fn residual_networks_of_the_zoo_agree() {
    compare_fresh(zoo::by_name("resnet20").unwrap().build().unwrap());
}

#[test]
fn small_vgg_and_lenet_agree() {
    compare_fresh(zoo::by_name("vgg11").unwrap().build().unwrap());
    compare_fresh(zoo::by_name("lenet-5").unwrap().build().unwrap());
}

#[test]
fn the_reference_networks_agree() {
    for name in ["mlp", "conv", "res"] {
        let file = root("../reference").join(format!("{name}.weights.safetensors"));
        let network = Network::load(&file, reference(name), Extra::Ignore).unwrap();
        let batch: HashMap<String, Tensor> =
            Tensor::read_safetensors(&file).unwrap().into_iter().collect();
        let dir = tempfile::tempdir().unwrap();
        let weights = dir.path().join("weights.safetensors");
        network.save(&weights, Overwrite::Refuse).unwrap();
        compare(&network, &weights, &batch["batch.input"], &batch["batch.target"]);
    }
}

#[test]
fn a_trained_network_comes_back_whole_here_and_in_pytorch() {
    let data = phew_train::digits(200, 50, 0).unwrap();
    let arch = ArchBuilder::new("small", Shape::Image { channels: 1, height: 28, width: 28 })
        .conv("conv", Conv2d::new(4, 3).padding(1).bias())
        .batch_norm("bn")
        .relu("relu")
        .avg_pool("pool", Pool::new(7))
        .flatten("flatten")
        .linear("fc", 10)
        .build()
        .unwrap();
    let network = Network::initialise(arch.clone(), Init::default(), 0).unwrap();
    let recipe = Recipe { batch: 20, ..Recipe::preset("digits").unwrap() }.with_epochs(2);
    let mut trainer = Trainer::builder(&network, &data, &recipe).build().unwrap();
    trainer.run(&mut ()).unwrap();
    let trained = trainer.network().unwrap();
    for name in ["conv.weight", "conv.bias", "bn.weight", "bn.bias", "bn.running_var", "fc.bias"] {
        assert_ne!(trained.view(name), network.view(name), "{name} has not moved");
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("weights.safetensors");
    trainer.model().save(&path, Overwrite::Refuse).unwrap();
    // What was saved is what the trainer has, and a model of it gives PyTorch's outputs.
    let loaded = Network::load(&path, arch, Extra::Refuse).unwrap();
    assert_eq!(loaded.weights(), trained.weights());
    assert_eq!(loaded.auxiliary(), trained.auxiliary());
    tch::manual_seed(1);
    let input = Tensor::randn([5, 1, 28, 28], (Kind::Float, Device::Cpu));
    compare(&loaded, &path, &input, &Tensor::from_slice(&[0_i64, 1, 2, 3, 4]));
}
