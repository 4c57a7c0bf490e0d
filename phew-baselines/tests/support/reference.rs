//! The numbers that the papers' authors' programs gave, where they are at hand.

use std::fs;
use std::path::PathBuf;

use phew_graph::{Arch, ArchBuilder, Extra, LayerMask, Mask, Network, Shape};
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

/// The reference MLP's numbers; `None`, said aloud, where they are absent.
pub(crate) fn mlp() -> Option<Reference> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/reference"));
    let weights = folder.join("mlp.weights.safetensors");
    if !weights.exists() {
        println!("skipped: no reference numbers at {}", folder.display());
        return None;
    }
    Some(Reference {
        network: Network::load(&weights, mlp_arch(), Extra::Ignore).unwrap(),
        weights: fs::read(weights).unwrap(),
        expected: fs::read(folder.join("mlp.expected.safetensors")).unwrap(),
    })
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
