//! What phew-graph reads: weights, masks and scores in safetensors, their shards, architectures in TOML, PyTorch's exports,
//! ONNX.
//! Each function takes the bytes of a file and must neither panic nor run for long; what is accepted must survive being
//! written and read again.

use std::io::Write;
use std::path::Path;

use phew_graph::{
    Arch, ArchBuilder, Conv2d, Extra, Mask, Network, Overwrite, Pool, Shape, TensorFile, import,
    read_pytorch_pruned, read_scores,
};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

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

/// An index of weights in several files, beside two of them.
pub fn shards(bytes: &[u8], folder: &Path) {
    for (name, shard) in [("a", &SHARDS[0]), ("b", &SHARDS[1])] {
        let path = folder.join(format!("{name}.safetensors"));
        std::fs::write(path, shard).expect("a scratch folder");
    }
    let path = written(bytes, folder);
    let _ = Network::load_with_notes(&path, arch(), Extra::Ignore);
    let _ = TensorFile::open(&path).map(|file| file.arrays().map(|_| ()));
}

const SHARDS: [&[u8]; 2] =
    [include_bytes!("../corpus/tensors/shard-a"), include_bytes!("../corpus/tensors/shard-b")];

/// A network in an export of PyTorch.
pub fn export(bytes: &[u8], folder: &Path) {
    imported(bytes, &folder.join("input.pt2"));
}

/// A network in an ONNX file.
pub fn onnx(bytes: &[u8], folder: &Path) {
    imported(bytes, &folder.join("input.onnx"));
}

fn imported(bytes: &[u8], path: &Path) {
    std::fs::write(path, bytes).expect("a scratch folder");
    if let Ok(imported) = import(path) {
        let arch = imported.network.arch();
        assert_eq!(**arch, Arch::from_toml(&arch.to_toml(), "again").expect("its own words"));
        let weights = imported.network.weights();
        assert!(weights.iter().flat_map(|w| w.iter()).all(|w| w.is_finite()));
    }
}

/// The program of an export, whose other parts are sound.
pub fn export_program(bytes: &[u8], folder: &Path) {
    export(&archive(bytes, include_bytes!("../corpus/export_weights/small")), folder);
}

/// Where the weights of an export lie, whose other parts are sound.
pub fn export_weights(bytes: &[u8], folder: &Path) {
    export(&archive(include_bytes!("../corpus/export_program/small"), bytes), folder);
}

/// An export of PyTorch with this program and this table of weights, eight entries of 72 bytes each.
fn archive(program: &[u8], weights: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let values: Vec<u8> = (0..18_u8).flat_map(|i| (f32::from(i) + 0.5).to_le_bytes()).collect();
    let names = (0..8).map(|i| format!("data/weights/weight_{i}"));
    let entries: Vec<(String, &[u8])> = names
        .map(|name| (name, &*values))
        .chain([
            ("archive_format".to_owned(), b"pt2".as_slice()),
            ("models/model.json".to_owned(), program),
            ("data/weights/model_weights_config.json".to_owned(), weights),
        ])
        .collect();
    for (name, bytes) in entries {
        let stored =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file(format!("input/{name}"), stored).expect("an archive in memory");
        zip.write_all(bytes).expect("an archive in memory");
    }
    zip.finish().expect("an archive in memory").into_inner()
}
