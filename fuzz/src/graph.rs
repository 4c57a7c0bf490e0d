//! What phew-graph reads: weights, masks and scores in safetensors, architectures in TOML. Each function takes the bytes of
//! a file and must neither panic nor run for long; what is accepted must survive being written and read again.

use std::path::Path;

use phew_graph::{
    Arch, ArchBuilder, Conv2d, Extra, Mask, Network, Overwrite, Pool, Shape, TensorFile,
    read_pytorch_pruned, read_scores,
};

/// The network that files are read for.
fn arch() -> Arch {
    ArchBuilder::new("small", Shape::Image { channels: 1, height: 4, width: 4 })
        .conv("conv", Conv2d::new(2, 3).padding(1))
        .batch_norm("bn")
        .relu("relu")
        .avg_pool("pool", Pool::global())
        .flatten("flatten")
        .linear("fc", 3)
        .build()
        .expect("a network")
}

fn written(bytes: &[u8], folder: &Path) -> std::path::PathBuf {
    let path = folder.join("input");
    std::fs::write(&path, bytes).expect("a scratch folder");
    path
}

/// Weights.
pub fn weights(bytes: &[u8], folder: &Path) {
    let path = written(bytes, folder);
    for extra in [Extra::Refuse, Extra::Ignore] {
        let Ok((network, _)) = Network::load_with_notes(&path, arch(), extra) else { continue };
        let again = folder.join("again");
        network.save(&again, Overwrite::Replace).expect("a network can be written");
        let back = Network::load(&again, arch(), Extra::Refuse).expect("and read");
        assert_eq!(network.fingerprint(), back.fingerprint());
        assert!(network.weights().iter().flat_map(|w| w.iter()).all(|w| w.is_finite()));
    }
}

/// Masks, as phew writes them and as PyTorch's pruning does.
pub fn mask(bytes: &[u8], folder: &Path) {
    let path = written(bytes, folder);
    let arch = arch();
    if let Ok((mask, info)) = Mask::load(&path)
        && let Ok(mask) = mask.in_order_of(&arch, "input")
        && let Some(info) = info
    {
        let again = folder.join("again");
        mask.save(&again, &info, Overwrite::Replace).expect("a mask can be written");
        let (back, _) = Mask::load(&again).expect("and read");
        let back = back.in_order_of(&arch, "again").expect("for the same network");
        assert_eq!(mask.fingerprint(), back.fingerprint());
    }
    let _ = read_pytorch_pruned(&path, std::sync::Arc::new(arch));
}

/// Scores.
pub fn scores(bytes: &[u8], folder: &Path) {
    let _ = read_scores(&written(bytes, folder), &arch());
}

/// Tensors of any names.
pub fn tensors(bytes: &[u8], folder: &Path) {
    if let Ok(file) = TensorFile::open(&written(bytes, folder)) {
        let _ = file.note();
        let _ = file.arrays();
    }
}

/// Architectures.
pub fn architecture(bytes: &[u8], _: &Path) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(arch) = Arch::from_toml(text, "input") {
        let again = Arch::from_toml(&arch.to_toml(), "again").expect("its own words");
        assert_eq!(arch, again);
        // Its sizes can be worked with.
        assert!(arch.prunable_len() > 0);
    }
}
