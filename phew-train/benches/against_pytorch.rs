//! Images a second beside a plain PyTorch script (`python/train.py`): same network, weights, mask, batches and threads.
//!
//! `cargo bench -p phew-train` runs both in turn, three times, and prints the median of the ratios. PyTorch gets its
//! batches as numbers, ready in memory; phew makes them from bytes as in any run. `-- NAME` runs one network alone.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench stops at the first surprise and prints"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use phew_graph::{Arch, Init, LayerMask, Mask, Network, Overwrite, Shape, zoo};
use phew_train::{Dataset, Device, Images, OptimiserSpec, Recipe, Trainer, epoch_order};
use tch::{Kind, Tensor};

struct Case {
    name: &'static str,
    shape: [usize; 3],
    batch: usize,
    warm: u64,
    steps: u64,
}

const CASES: [Case; 3] = [
    Case { name: "lenet-300-100", shape: [1, 28, 28], batch: 128, warm: 50, steps: 1000 },
    Case { name: "resnet20", shape: [3, 32, 32], batch: 128, warm: 3, steps: 25 },
    Case { name: "vgg19", shape: [3, 32, 32], batch: 128, warm: 1, steps: 4 },
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    // OMP_NUM_THREADS sets it for both.
    let threads = usize::try_from(tch::get_num_threads()).unwrap();
    let device = if tch::Cuda::is_available() { "cuda" } else { "cpu" };
    println!("{device}, {threads} threads, batch 128, SGD with momentum and decay, 10% kept");
    println!("{:<16}{:>14}{:>14}{:>9}", "network", "phew", "PyTorch", "ratio");
    for case in CASES.iter().filter(|c| wanted.is_empty() || wanted.iter().any(|w| w == c.name)) {
        let job = Job::new(case);
        let mut runs: Vec<(f64, f64)> =
            (0..3).map(|_| (job.phew(), job.pytorch(device, threads))).collect();
        runs.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
        let (phew, pytorch) = runs[1];
        println!("{:<16}{phew:>14.0}{pytorch:>14.0}{:>9.2}", case.name, phew / pytorch);
    }
}

struct Job<'a> {
    case: &'a Case,
    network: Network,
    mask: Mask,
    data: Dataset,
    recipe: Recipe,
    dir: tempfile::TempDir,
}

fn network(case: &Case) -> Network {
    let [channels, height, width] = case.shape;
    let template = zoo::by_name(case.name).unwrap().input(Shape::Image { channels, height, width });
    let arch: Arch = template.build().unwrap();
    Network::initialise(arch, Init::default(), 0).unwrap()
}

impl<'a> Job<'a> {
    fn new(case: &'a Case) -> Self {
        let network = network(case);
        let layers = network.arch().prunable().iter().map(|spec| {
            let keep = |i: usize| (i.wrapping_mul(2_654_435_761) >> 7).is_multiple_of(10);
            LayerMask::from_fn(&spec.name, &spec.shape, keep)
        });
        let mask = Mask::from_layers(layers.collect());
        let count = case.batch * 20;
        let pixels = (0..count * case.shape.iter().product::<usize>())
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 9) as u8)
            .collect();
        let labels = (0..count).map(|i| (i % 10) as u16).collect();
        let images = Images::new(case.shape, pixels, labels).unwrap();
        let classes = (0..10).map(|class| class.to_string()).collect();
        let data = Dataset::new("noise", classes, images.clone(), images).unwrap();
        let mut recipe = Recipe::preset("resnet20-cifar10").unwrap();
        recipe.augment.flip = false;
        recipe.batch = case.batch;
        recipe.learning_rate.rate = 0.01;
        let dir = tempfile::tempdir().unwrap();
        Self { case, network, mask, data, recipe, dir }
    }

    fn phew(&self) -> f64 {
        let device = Device::by_name("auto").unwrap();
        let mut trainer = Trainer::builder(&self.network, &self.data, &self.recipe)
            .mask(&self.mask)
            .device(device)
            .build()
            .unwrap();
        trainer.to_step(self.case.warm).unwrap();
        let started = Instant::now();
        trainer.to_step(self.case.warm + self.case.steps).unwrap();
        // Reading a number waits for the device.
        assert!(trainer.model().parameters().norm().double_value(&[]).is_finite());
        (self.case.steps as usize * self.case.batch) as f64 / started.elapsed().as_secs_f64()
    }

    fn pytorch(&self, device: &str, threads: usize) -> f64 {
        let path = |name: &str| self.dir.path().join(name);
        std::fs::write(path("arch.toml"), self.network.arch().to_toml()).unwrap();
        self.network.save(&path("weights"), Overwrite::Replace).unwrap();
        let masks: Vec<(&str, Tensor)> = self
            .mask
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
        let images = &self.data.train;
        let [channels, height, width] = images.shape().map(|n| n as i64);
        let input = Tensor::from_slice(images.pixels()).to_kind(Kind::Float) / 255.0;
        let input = input.view([-1, channels, height, width]);
        let labels: Vec<i64> = images.labels().iter().map(|&l| i64::from(l)).collect();
        let all: Vec<i64> = (0..)
            .flat_map(|e| epoch_order(images.len(), 0, e))
            .take((self.case.warm + self.case.steps) as usize * self.case.batch)
            .collect();
        let order = Tensor::from_slice(&all).view([-1, self.case.batch as i64]);
        let target = Tensor::from_slice(&labels);
        let tensors = [("input", &input), ("target", &target), ("order", &order)];
        Tensor::write_safetensors(&tensors, path("data")).unwrap();
        let OptimiserSpec::Sgd { momentum, weight_decay, .. } = self.recipe.optimiser else {
            unreachable!("the recipe has SGD")
        };
        let plan = serde_json::json!({
            "arch": path("arch.toml"), "weights": path("weights"), "data": path("data"),
            "mask": path("mask"), "optimiser": "sgd", "loss": "cross-entropy",
            "constants": {"lr": self.recipe.learning_rate.rate, "momentum": momentum, "weight_decay": weight_decay},
            "threads": threads, "device": device, "warm_steps": self.case.warm,
        });
        std::fs::write(path("plan.json"), plan.to_string()).unwrap();
        let root = |name: &str| -> PathBuf { Path::new(env!("CARGO_MANIFEST_DIR")).join(name) };
        let output = Command::new(root("../.venv/bin/python"))
            .arg(root("python/train.py"))
            .arg(path("plan.json"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        result["images_per_second"].as_f64().unwrap()
    }
}
