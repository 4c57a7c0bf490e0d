//! The numbers that the papers' authors' programs gave, where they are at hand.

use std::fs;
use std::path::PathBuf;

use phew_graph::{Arch, ArchBuilder, Conv2d, Extra, LayerMask, Mask, Network, Pool, Shape};
use safetensors::tensor::SafeTensors;

/// One reference network with what the programs made of it.
pub(crate) struct Reference {
    pub(crate) network: Network,
    weights: Vec<u8>,
    expected: Vec<u8>,
}

/// The reference MLP: 12 → 16 → 16 → 8 with ReLU, no biases.
pub(crate) fn mlp_arch() -> Arch {
    ArchBuilder::new("mlp", Shape::Features(12))
        .linear_unbiased("fc1", 16)
        .relu("relu1")
        .linear_unbiased("fc2", 16)
        .relu("relu2")
        .linear_unbiased("fc3", 8)
        .build()
        .unwrap()
}

fn image() -> ArchBuilder {
    let shape = Shape::Image { channels: 3, height: 8, width: 8 };
    ArchBuilder::new("reference", shape)
}

fn conv3(net: ArchBuilder, name: &str, out: usize, stride: usize) -> ArchBuilder {
    net.conv(name, Conv2d::new(out, 3).padding(1).stride(stride)).batch_norm(format!("{name}_bn"))
}

/// The reference network of plain convolutions.
pub(crate) fn conv_arch() -> Arch {
    let net = conv3(image(), "conv1", 6, 1).relu("relu1");
    let net = conv3(net, "conv2", 8, 1).relu("relu2").max_pool("pool1", Pool::new(2));
    let net = conv3(net, "conv3", 8, 1).relu("relu3").avg_pool("pool2", Pool::new(4));
    net.flatten("flatten").linear_unbiased("fc", 5).build().unwrap()
}

/// The reference network of residual blocks.
pub(crate) fn res_arch() -> Arch {
    let net = conv3(image(), "conv1", 4, 1).relu("relu1");
    let net = conv3(net, "block1_conv1", 4, 1).relu("relu2");
    let net = conv3(net, "block1_conv2", 4, 1);
    let net = net.add("add1", &["block1_conv2_bn", "relu1"]).relu("relu3");
    let net = conv3(net, "block2_conv1", 8, 2).relu("relu4");
    let net = conv3(net, "block2_conv2", 8, 1);
    let net = net.from("relu3").conv("block2_proj", Conv2d::new(8, 1).stride(2));
    let net = net.batch_norm("block2_proj_bn");
    let net = net.add("add2", &["block2_conv2_bn", "block2_proj_bn"]).relu("relu5");
    net.avg_pool("pool", Pool::new(4)).flatten("flatten").linear_unbiased("fc", 5).build().unwrap()
}

/// The reference MLP's numbers.
pub(crate) fn mlp() -> Reference {
    load("mlp", mlp_arch())
}

/// The numbers of a reference network by name.
pub(crate) fn load(name: &str, arch: Arch) -> Reference {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../reference"));
    let weights = folder.join(format!("{name}.weights.safetensors"));
    Reference {
        network: Network::load(&weights, arch, Extra::Ignore).unwrap(),
        weights: fs::read(weights).unwrap(),
        expected: fs::read(folder.join(format!("{name}.expected.safetensors"))).unwrap(),
    }
}

impl Reference {
    /// One f64 vector for each prunable tensor.
    pub(crate) fn scores(&self, key: &str) -> Vec<Vec<f64>> {
        let file = SafeTensors::deserialize(&self.expected).unwrap();
        let read = |name: &str| {
            let view = file.tensor(&format!("{key}.{name}")).unwrap();
            view.data().chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
        };
        self.network.arch().prunable().iter().map(|s| read(&s.name)).collect()
    }

    /// A mask.
    pub(crate) fn mask(&self, key: &str) -> Mask {
        let file = SafeTensors::deserialize(&self.expected).unwrap();
        let layer = |name: &str, shape: &[usize]| {
            let view = file.tensor(&format!("{key}.{name}")).unwrap();
            LayerMask::from_fn(name, shape, |i| view.data()[i] == 1)
        };
        let specs = self.network.arch().prunable();
        Mask::from_layers(specs.iter().map(|s| layer(&s.name, &s.shape)).collect())
    }

    /// The batch: inputs `[20, 12]` and classes.
    pub(crate) fn batch(&self) -> (Vec<f64>, Vec<usize>) {
        let file = SafeTensors::deserialize(&self.weights).unwrap();
        let (x, y) = (file.tensor("batch.input").unwrap(), file.tensor("batch.target").unwrap());
        let x = x.data().chunks(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())));
        let y = y.data().chunks(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as usize);
        (x.collect(), y.collect())
    }
}

/// The greatest difference relative to the greatest score, and of each score relative to itself.
pub(crate) fn differences(found: &[Vec<f64>], want: &[Vec<f64>]) -> (f64, f64) {
    let pairs = || found.concat().into_iter().zip(want.concat());
    let greatest = pairs().fold(0.0f64, |m, (_, w)| m.max(w.abs()));
    pairs().fold((0.0f64, 0.0f64), |(a, r), (f, w)| {
        let d = (f - w).abs();
        (a.max(d / greatest), r.max(if d == 0.0 { 0.0 } else { d / w.abs() }))
    })
}
