//! Training does what PyTorch's optimisers do, and keeps what is pruned at zero.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use phew_graph::{
    Arch, ArchBuilder, Conv2d, Init, LayerMask, Mask, Network, Overwrite, Pool, Shape, zoo,
};
use phew_train::{
    Augment, Backend, Dataset, LearningRate, Loss, OptimiserSpec, Recipe, Trainer, digits,
    epoch_order, image_transformation,
};
use tch::{Kind, Tensor};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn recipe(optimiser: OptimiserSpec, rate: f64, batch: usize) -> Recipe {
    // The tests themselves run side by side.
    tch::set_num_threads(1);
    let learning_rate = LearningRate { rate, warmup: 0.0, fall: phew_train::Fall::Constant };
    Recipe { optimiser, learning_rate, batch, epochs: 2, ..Recipe::preset("digits").unwrap() }
}

/// Convolution, normalisation, a skip and biases.
fn small_net() -> Arch {
    ArchBuilder::new("small", Shape::Image { channels: 1, height: 28, width: 28 })
        .conv("conv1", Conv2d::new(6, 5).stride(2).bias())
        .batch_norm("bn1")
        .relu("relu1")
        .conv("conv2", Conv2d::new(6, 3).padding(1))
        .batch_norm("bn2")
        .add("add", &["bn2", "relu1"])
        .relu("relu2")
        .max_pool("pool", Pool::new(2))
        .flatten("flatten")
        .linear("fc1", 20)
        .relu("relu3")
        .linear("fc2", 10)
        .build()
        .unwrap()
}

/// Keeps about 30% by a fixed rule, and nothing into unit 3 of `fc1` or unit 1 of `conv1`.
fn mask_of(arch: &Arch) -> Mask {
    let layers = arch.prunable().iter().map(|spec| {
        let row = spec.len() / spec.shape[0];
        LayerMask::from_fn(&spec.name, &spec.shape, |i| {
            let dead = match spec.name.as_str() {
                "fc1.weight" => i / row == 3,
                "conv1.weight" => i / row == 1,
                _ => false,
            };
            !dead && (i.wrapping_mul(2_654_435_761) >> 7) % 10 < 3
        })
    });
    Mask::from_layers(layers.collect())
}

/// Trains two epochs here and by PyTorch, on the same batches, and compares every tensor.
fn compare(
    data: &Dataset,
    network: &Network,
    mask: Option<&Mask>,
    recipe: &Recipe,
    backend: Backend,
    tolerance: f64,
) {
    let python = root("../.venv/bin/python");
    if !python.exists() {
        eprintln!("skipped: {} is not there, run 'make setup'", python.display());
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("arch.toml"), network.arch().to_toml()).unwrap();
    network.save(&path("weights"), Overwrite::Refuse).unwrap();
    let images = &data.train;
    let count = images.len() as i64;
    let numbers = |bytes: &[u8]| Tensor::from_slice(bytes).to_kind(Kind::Float) / 255.0;
    let (mean, deviation) = images.channel_statistics()[0];
    let input = (numbers(images.pixels().bytes().unwrap()) - mean) / deviation;
    let target = match images.targets() {
        Some(targets) => numbers(targets.bytes().unwrap()).view([count, -1]),
        None => {
            let labels: Vec<i64> = images.labels().iter().map(|&l| i64::from(l)).collect();
            Tensor::from_slice(&labels)
        }
    };
    let order: Vec<i64> = (0..2).flat_map(|epoch| epoch_order(images.len(), 9, epoch)).collect();
    let order = Tensor::from_slice(&order).view([-1, recipe.batch as i64]);
    let tensors = [("input", &input.view([count, -1])), ("target", &target), ("order", &order)];
    Tensor::write_safetensors(&tensors, path("data")).unwrap();
    if let Some(mask) = mask {
        let masks: Vec<(&str, Tensor)> = mask
            .layers()
            .iter()
            .map(|layer| {
                let ones: Vec<f32> =
                    (0..layer.len()).map(|i| f32::from(u8::from(layer.get(i)))).collect();
                let shape: Vec<i64> = layer.shape().iter().map(|&n| n as i64).collect();
                (layer.name(), Tensor::from_slice(&ones).view(shape.as_slice()))
            })
            .collect();
        Tensor::write_safetensors(&masks, path("mask")).unwrap();
    }
    let (optimiser, constants) = match recipe.optimiser {
        OptimiserSpec::Sgd { momentum, nesterov, weight_decay } => (
            "sgd",
            serde_json::json!({"momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay}),
        ),
        OptimiserSpec::Adam { beta1, beta2, eps, weight_decay } => (
            "adam",
            serde_json::json!({"betas": [beta1, beta2], "eps": eps, "weight_decay": weight_decay}),
        ),
    };
    let mut constants = constants;
    constants["lr"] = recipe.learning_rate.rate.into();
    let smoothing =
        if let Loss::CrossEntropy { smoothing } = recipe.loss { smoothing } else { 0.0 };
    let plan = serde_json::json!({
        "arch": path("arch.toml"), "weights": path("weights"), "data": path("data"),
        "mask": mask.map(|_| path("mask")), "out": path("out"),
        "optimiser": optimiser, "constants": constants,
        "loss": if recipe.loss.is_regression() { "mse" } else { "cross-entropy" },
        "smoothing": smoothing,
    });
    std::fs::write(path("plan.json"), plan.to_string()).unwrap();
    let output =
        Command::new(python).arg(root("python/train.py")).arg(path("plan.json")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let mut trainer = Trainer::builder(network, data, recipe)
        .mask(mask)
        .seed(9)
        .backend(backend)
        .build()
        .unwrap();
    trainer.run(&mut ()).unwrap();
    trainer.model().save(&path("found"), Overwrite::Refuse).unwrap();
    let expected: HashMap<String, Tensor> =
        Tensor::read_safetensors(path("out")).unwrap().into_iter().collect();
    let found = Tensor::read_safetensors(path("found")).unwrap();
    assert_eq!(found.len(), expected.len());
    for (name, found) in found {
        let error = (&found - &expected[&name]).abs().max().double_value(&[]);
        let scale = 1.0 + expected[&name].abs().max().double_value(&[]);
        // Biases of units that nothing enters are masked here and not there.
        let dead = mask.is_some() && name == "fc1.bias";
        assert!(dead || error <= tolerance * scale, "{name}: {error} off, of {scale}");
    }
}

const SGD: OptimiserSpec =
    OptimiserSpec::Sgd { momentum: 0.9, nesterov: false, weight_decay: 5e-3 };
const ADAM: OptimiserSpec =
    OptimiserSpec::Adam { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 1e-3 };

// Rounding differs by the order of sums and grows from step to step; over some forty steps with a small rate it stays
// far below 1e-3, while any difference of formula (decay, momentum, bias correction) shows above 1e-2.

#[test]
fn masked_sgd_with_momentum_and_decay_agrees_with_pytorch() {
    let data = digits(400, 100, 0).unwrap();
    let network = Network::initialise(small_net(), Init::default(), 0).unwrap();
    let mask = mask_of(network.arch());
    for backend in [Backend::Libtorch, Backend::Sparse] {
        compare(&data, &network, Some(&mask), &recipe(SGD, 0.01, 20), backend, 1e-3);
    }
}

#[test]
fn dense_nesterov_with_smoothed_labels_agrees_with_pytorch() {
    let data = digits(400, 100, 0).unwrap();
    let network = Network::initialise(small_net(), Init::XavierUniform, 1).unwrap();
    let nesterov = OptimiserSpec::Sgd { momentum: 0.8, nesterov: true, weight_decay: 1e-3 };
    let recipe =
        Recipe { loss: Loss::CrossEntropy { smoothing: 0.1 }, ..recipe(nesterov, 0.01, 20) };
    for backend in [Backend::Libtorch, Backend::Sparse] {
        compare(&data, &network, None, &recipe, backend, 1e-3);
    }
}

#[test]
fn adam_on_the_transformation_task_agrees_with_pytorch() {
    let data = image_transformation(&digits(400, 100, 0).unwrap(), None, 0).unwrap();
    let arch = zoo::mlp(&[784, 30, 784]).build().unwrap();
    let network = Network::initialise(arch, Init::default(), 2).unwrap();
    let recipe = Recipe { loss: Loss::MeanSquare, ..recipe(ADAM, 1e-3, 20) };
    for backend in [Backend::Libtorch, Backend::Sparse] {
        compare(&data, &network, None, &recipe, backend, 1e-3);
    }
}

#[test]
fn pruned_weights_and_biases_that_nothing_enters_stay_exactly_zero() {
    let data = digits(300, 100, 0).unwrap();
    let network = Network::initialise(small_net(), Init::default(), 0).unwrap();
    let mask = mask_of(network.arch());
    for optimiser in [SGD, ADAM] {
        let recipe = recipe(optimiser, 0.01, 32);
        let mut trainer = Trainer::builder(&network, &data, &recipe).mask(&mask).build().unwrap();
        trainer.run(&mut ()).unwrap();
        let weights = trainer.model().prunable_values(trainer.model().parameters()).unwrap();
        for (layer, weights) in mask.layers().iter().zip(&weights) {
            let moved = (0..layer.len()).filter(|&i| weights[i] != 0.0).count();
            assert!(
                (0..layer.len()).all(|i| layer.get(i) || weights[i] == 0.0),
                "{}",
                layer.name()
            );
            assert_eq!(moved, layer.kept());
        }
        let file = tempfile::tempdir().unwrap();
        let path = file.path().join("w");
        trainer.model().save(&path, Overwrite::Refuse).unwrap();
        let tensors: HashMap<String, Tensor> =
            Tensor::read_safetensors(path).unwrap().into_iter().collect();
        let bias = Vec::<f32>::try_from(&tensors["fc1.bias"]).unwrap();
        assert_eq!(bias[3].to_bits(), 0);
        assert!(bias.iter().filter(|&&b| b != 0.0).count() >= 10, "{bias:?}");
        assert_eq!(tensors["conv1.bias"].double_value(&[1]).to_bits(), 0);
    }
}

#[test]
fn pruning_in_the_middle_clears_weights_and_momentum() {
    let data = digits(300, 100, 0).unwrap();
    let network = Network::initialise(small_net(), Init::default(), 0).unwrap();
    let mut trainer = Trainer::builder(&network, &data, &recipe(SGD, 0.01, 32)).build().unwrap();
    trainer.to_step(5).unwrap();
    let mask = mask_of(network.arch());
    trainer.prune(&mask).unwrap();
    trainer.to_step(12).unwrap();
    for vector in [trainer.model().parameters(), &trainer.optimiser().moments()[0]] {
        let values = trainer.model().prunable_values(vector).unwrap();
        let nonzero: usize =
            values.iter().map(|layer| layer.iter().filter(|&&v| v != 0.0).count()).sum();
        assert_eq!(nonzero, mask.kept());
    }
}

#[test]
fn a_network_that_does_not_fit_the_data_is_refused() {
    let data = digits(30, 10, 0).unwrap();
    let recipe = recipe(SGD, 0.01, 10);
    let make = |widths: &[usize], recipe: &Recipe| {
        let network =
            Network::initialise(zoo::mlp(widths).build().unwrap(), Init::default(), 0).unwrap();
        Trainer::builder(&network, &data, recipe).build().unwrap_err().to_string()
    };
    let error = make(&[700, 10], &recipe);
    assert!(error.starts_with("input of the network: found [700]"), "{error}");
    let error = make(&[784, 9], &recipe);
    assert!(error.contains("expected 10, the classes of built-in digits"), "{error}");
    let square = Recipe { loss: Loss::MeanSquare, ..recipe.clone() };
    assert!(make(&[784, 10], &square).contains("expected target images"));
    let task = image_transformation(&data, None, 0).unwrap();
    let flipped = Recipe { augment: Augment { flip: true, ..Augment::default() }, ..square };
    assert!(flipped.suits(&task.summary()).is_err());
}

#[test]
fn the_digits_preset_learns_dense_and_at_ten_percent() {
    let data = digits(4000, 1000, 0).unwrap();
    let arch = zoo::by_name("lenet-300-100").unwrap().build().unwrap();
    let network = Network::initialise(arch, Init::default(), 0).unwrap();
    let mut kept = Vec::new();
    for spec in network.arch().prunable() {
        kept.push(LayerMask::from_fn(&spec.name, &spec.shape, |i| {
            (i.wrapping_mul(2_654_435_761) >> 7).is_multiple_of(10)
        }));
    }
    let mask = Mask::from_layers(kept);
    let recipe = Recipe::preset("digits").unwrap().with_epochs(10);
    for mask in [None, Some(&mask)] {
        let mut trainer = Trainer::builder(&network, &data, &recipe).mask(mask).build().unwrap();
        let records = trainer.run(&mut ()).unwrap();
        assert_eq!(records.len(), 10);
        let [first, last] = [&records[0], &records[9]];
        assert!(last.train.loss < first.train.loss && last.test.loss < first.test.loss);
        let (top1, top5) = (last.test.top1.unwrap(), last.test.top5.unwrap());
        assert!(top1 > 0.85 && top5 >= top1, "{top1} {top5}");
    }
}
