//! Models that PyTorch exports are read as PyTorch means them: weights by name and number, paths, and outputs.
//!
//! With `PHEW_ALL_EXPORTS` set the published sizes of torchvision's models are exported too, which takes minutes.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

use phew_graph::{Imported, import};
use phew_metrics::{Analysis, Paths};
use phew_train::{Mode, Model};
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What an import must come to.
#[derive(Deserialize)]
struct Expected {
    weights: BTreeMap<String, Vec<usize>>,
    prunable: usize,
    /// In decimals: there are more than any number type holds.
    paths: String,
}

/// A folder of exports of these groups, and what each must come to; `None` without Python.
fn exports(groups: &[&str]) -> Option<(tempfile::TempDir, BTreeMap<String, Expected>)> {
    let python = root("../.venv/bin/python");
    if !python.exists() {
        eprintln!("skipped: {} is not there, run 'make setup'", python.display());
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut export = Command::new(python);
    export.arg(root("python/exports.py")).arg(folder.path()).args(groups);
    let output = export.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(folder.path().join("expected.json")).unwrap();
    Some((folder, serde_json::from_str(&text).unwrap()))
}

/// ln of a whole number in decimals: of its first 15 digits, to their precision.
fn ln(decimals: &str) -> f64 {
    let (head, rest) = decimals.split_at(decimals.len().min(15));
    head.parse::<f64>().unwrap().ln() + rest.len() as f64 * std::f64::consts::LN_10
}

fn check_structure(name: &str, imported: &Imported, expected: &Expected) {
    let arch = imported.network.arch();
    let found: BTreeMap<String, Vec<usize>> =
        arch.prunable().iter().map(|spec| (spec.name.clone(), spec.shape.clone())).collect();
    assert_eq!(found, expected.weights, "{name}");
    assert_eq!(arch.prunable_len(), expected.prunable, "{name}");
    let analysis = Analysis::new(&imported.network, None).unwrap();
    match analysis.path_count(Paths::All) {
        Ok(paths) => assert_eq!(paths.to_string(), expected.paths, "{name}"),
        Err(_) => {
            // Sums of positive numbers in f64: one rounding a layer and unit, far below this.
            let (found, expected) = (analysis.ln_path_count(Paths::All), ln(&expected.paths));
            assert!((found - expected).abs() < 1e-11 * expected, "{name}: {found}, {expected}");
        }
    }
    // Written as TOML and read again it is the same.
    let again = phew_graph::Arch::from_toml(&arch.to_toml(), name).unwrap();
    assert_eq!(&again, arch.as_ref(), "{name}");
}

fn check_output(name: &str, imported: &Imported, batch: &Path, tolerance: f64) {
    let tensors: HashMap<String, Tensor> =
        Tensor::read_safetensors(batch).unwrap().into_iter().collect();
    let model = Model::new(&imported.network, Device::Cpu, Kind::Float).unwrap();
    let found = model.forward(&internal(&tensors["input"], imported), Mode::Eval).unwrap();
    let expected = tensors["output"].reshape(found.size().as_slice());
    let scale = 1.0 + expected.abs().max().double_value(&[]);
    let error = (found.detach() - expected).abs().max().double_value(&[]);
    assert!(error <= tolerance * scale, "{name}: {error} off, of {scale}");
}

/// An input as phew has it: units before positions.
fn internal(input: &Tensor, imported: &Imported) -> Tensor {
    let sizes = imported.network.arch().input_shape().sizes();
    match (&sizes[..], &input.size()[1..]) {
        ([units, length], [tokens, features])
            if (*units, *length) == (*features as usize, *tokens as usize)
                && tokens != features =>
        {
            input.transpose(1, 2)
        }
        _ => input.shallow_clone(),
    }
}

fn check(groups: &[&str]) {
    let Some((folder, expected)) = exports(groups) else { return };
    for (name, expected) in &expected {
        let path = |extension: &str| folder.path().join(format!("{name}.{extension}"));
        let imported = import(&path("pt2")).unwrap_or_else(|e| panic!("{name}: {e}"));
        check_structure(name, &imported, expected);
        // Half precision rounds the weights that PyTorch computed with just as well, in f32 from there on.
        check_output(name, &imported, &path("safetensors"), 1e-5);
    }
    let tied = import(&folder.path().join("tied.pt2")).unwrap_err().to_string();
    assert!(tied.contains("tied weights"), "{tied}");
}

#[test]
fn models_of_ones_own_are_read_as_pytorch_means_them() {
    check(&["own"]);
}

#[test]
fn the_families_of_torchvision_are_read_as_pytorch_means_them() {
    check(&["small"]);
}

#[test]
fn the_published_sizes_of_torchvision_are_read_as_pytorch_means_them() {
    if std::env::var_os("PHEW_ALL_EXPORTS").is_some() {
        check(&["full"]);
    }
}
