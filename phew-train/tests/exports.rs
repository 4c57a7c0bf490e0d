//! Models that PyTorch exports are read as PyTorch means them: weights by name and number, paths, and outputs.
//!
//! With `PHEW_ALL_EXPORTS` set the published sizes of torchvision's models are exported too, which takes minutes.
//! `PHEW_EXPORT_PYTHON` names a Python with another version of PyTorch, which is to export them.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

use phew_graph::execute::Program;
use phew_graph::ndarray::ArrayD;
use phew_graph::{Imported, Node, Op, PathGraph, Provenance, Reach, import};
use phew_metrics::{Analysis, Paths};
use phew_train::{Mode, Model, Recipe, Trainer, digits};
use phew_walk::{WalkParams, prune};
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
    /// Whether it has batch normalisation, of a model in ONNX.
    #[serde(default)]
    normalised: bool,
    /// The exporters that wrote it to ONNX.
    #[serde(default)]
    exporters: Vec<String>,
}

/// Python with torch, if it is there.
fn python() -> Option<PathBuf> {
    if let Some(python) = std::env::var_os("PHEW_EXPORT_PYTHON") {
        return Some(python.into());
    }
    let python = root("../.venv/bin/python");
    if !python.exists() {
        eprintln!("skipped: {} is not there, run 'make setup'", python.display());
        return None;
    }
    Some(python)
}

/// A folder of exports of these groups, and what each must come to; `None` without Python.
fn exports(groups: &[&str]) -> Option<(tempfile::TempDir, BTreeMap<String, Expected>)> {
    let python = python()?;
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
        arch.prunable().iter().map(|spec| (spec.name.clone(), spec.shape.in_files())).collect();
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

/// By phew-train, and by phew's own engine, which runs all but normalisation by the batch's statistics.
fn check_output(name: &str, imported: &Imported, batch: &Path, tolerance: f64) {
    let tensors: HashMap<String, Tensor> =
        Tensor::read_safetensors(batch).unwrap().into_iter().collect();
    let model = Model::new(&imported.network, Device::Cpu, Kind::Float).unwrap();
    let found = model.forward(&internal(&tensors["input"], imported), Mode::Eval).unwrap();
    let expected = match (&found.size()[1..], &tensors["output"].size()[1..]) {
        ([units, length], [tokens, features]) if (units, length) == (features, tokens) => {
            tensors["output"].transpose(1, 2)
        }
        _ => tensors["output"].reshape(found.size().as_slice()),
    };
    let scale = 1.0 + expected.abs().max().double_value(&[]);
    let error = (found.detach() - &expected).abs().max().double_value(&[]);
    assert!(error <= tolerance * scale, "{name}: {error} off, of {scale}");
    let refused = |node: &Node| matches!(node.op, Op::BatchNorm(norm) if !norm.statistics);
    if imported.network.arch().nodes().iter().any(refused) {
        return;
    }
    let program = Program::new(&imported.network, None).unwrap_or_else(|e| panic!("{name}: {e}"));
    let input = internal(&tensors["input"], imported).contiguous();
    let found = program.run(array(&input).view()).unwrap();
    let expected = array(&expected.contiguous());
    let errors = found.iter().zip(&expected).map(|(a, b)| f64::from((a - b).abs()));
    let error = errors.fold(0.0, f64::max);
    assert!(error <= 1e-4 * scale, "{name}: phew's engine is {error} off, of {scale}");
}

fn array(tensor: &Tensor) -> ArrayD<f32> {
    let numbers = Vec::<f32>::try_from(tensor.flatten(0, -1)).unwrap();
    let sizes: Vec<usize> = tensor.size().iter().map(|&size| size as usize).collect();
    ArrayD::from_shape_vec(sizes, numbers).unwrap()
}

/// Exports by both of PyTorch's ONNX exporters are the network of the `.pt2`: the same paths and weights, outputs, and masks.
#[test]
fn onnx_files_of_either_exporter_are_the_network_of_the_archive() {
    let Some(python) = python() else { return };
    let known = Command::new(python).args(["-c", "import onnx, onnxscript"]).output().unwrap();
    if !known.status.success() {
        eprintln!("skipped: the packages onnx and onnxscript are not there, run 'make setup'");
        return;
    }
    let Some((folder, expected)) = exports(&["onnx"]) else { return };
    let path = |name: &str, end: &str| folder.path().join(format!("{name}{end}"));
    assert!(expected.len() > 12);
    for (name, expected) in &expected {
        let archive = import(&path(name, ".pt2")).unwrap();
        for exporter in &expected.exporters {
            let label = format!("{name}, {exporter}");
            let file = path(name, &format!("-{exporter}.onnx"));
            let imported = import(&file).unwrap_or_else(|e| panic!("{label}: {e}"));
            check_structure(&label, &imported, expected);
            check_output(&label, &imported, &path(name, ".safetensors"), 1e-5);
            let folded = imported.notes.iter().any(|note| note.contains("fold"));
            let normalises = |op: &Op| matches!(op, Op::BatchNorm(_) | Op::LayerNorm(_));
            let nodes = imported.network.arch().nodes();
            let bare = !nodes.iter().any(|node| normalises(&node.op));
            let convolves = nodes.iter().any(|node| node.op.kind().starts_with("conv"));
            assert_eq!(folded, bare && convolves, "{label}: {:?}", imported.notes);
            if expected.normalised {
                // The exporter scales the weights of folded convolutions.
                continue;
            }
            for (spec, weights) in
                archive.network.arch().prunable().iter().zip(&archive.network.weights())
            {
                let found = imported.network.view(&spec.name).unwrap();
                let filed: Vec<f32> = found.iter().copied().collect();
                assert_eq!(filed, *spec.shape.to_files(weights), "{label}: {}", spec.name);
            }
            let masks = [&archive, &imported].map(|imported| {
                let params = WalkParams::new(0.3).unwrap().seed(7);
                prune(&imported.network, &params).unwrap().mask
            });
            let [mut wanted, found] = masks;
            // Operators may stand in another order.
            wanted = wanted.in_order_of(imported.network.arch(), "the archive's").unwrap();
            if archive.network.arch().prunable() == imported.network.arch().prunable() {
                assert_eq!(found, wanted, "{label}");
            }
        }
    }
    // ONNX does not tell a weight that two modules share from two that are equal.
    for name in ["tied-old", "tied-new"] {
        let imported = import(&path(name, ".onnx")).unwrap_or_else(|e| panic!("{name}: {e}"));
        let said = imported.notes.iter().any(|note| note.contains("may be tied"));
        assert!(said, "{name}: {:?}", imported.notes);
        assert_eq!(imported.network.arch().prunable().len(), 3, "{name}");
    }
    for name in ["gpt-23", "gpt-17", "gpt-18", "tokens-13", "convnext-14"] {
        let imported = import(&path(name, ".onnx")).unwrap_or_else(|e| panic!("{name}: {e}"));
        let whole = name.split_once('-').unwrap().0;
        check_structure(name, &imported, &expected[whole]);
        check_output(name, &imported, &path(whole, ".safetensors"), 1e-5);
    }
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
    let refused = import(&folder.path().join("transposed.pt2")).unwrap_err().to_string();
    assert!(refused.contains("`encode.weight` and `decode.weight`"), "{refused}");
}

#[test]
fn models_of_ones_own_are_read_as_pytorch_means_them() {
    check(&["own"]);
}

/// A vision transformer pruned by walks: every weight on a path, no unit dead, and trained under the mask.
#[test]
fn a_pruned_transformer_has_no_dead_unit_and_trains() {
    let Some((folder, _)) = exports(&["own"]) else { return };
    let network = import(&folder.path().join("vit_digits.pt2")).unwrap().network;
    assert_eq!(network.arch().extensions(), ["attention"]);
    let mask = prune(&network, &WalkParams::new(0.2).unwrap()).unwrap().mask;
    let graph = PathGraph::new(network.arch());
    let reach = Reach::of_mask(&graph, &mask);
    assert_eq!(reach.effective(&graph, &mask), mask);
    // Of what weights enter, a path leaves all: of queries and keys too.
    for tensor in graph.tensors() {
        let ends = graph.uses(tensor).next().unwrap();
        for index in mask.layer(tensor).iter() {
            assert!(reach.to_outputs[ends.target][ends.shape.ends(index).1]);
        }
    }
    let from = Provenance::of(&network);
    assert_eq!(from.extensions, ["attention"]);
    tch::set_num_threads(1);
    let data = digits(200, 50, 0).unwrap();
    let recipe = Recipe { batch: 50, ..Recipe::preset("digits").unwrap() }.with_epochs(2);
    let mut trainer = Trainer::builder(&network, &data, &recipe).mask(&mask).build().unwrap();
    trainer.run(&mut ()).unwrap();
    let trained = trainer.network().unwrap();
    for ((before, after), layer) in
        network.weights().iter().zip(&trained.weights()).zip(mask.layers())
    {
        assert!((0..layer.len()).all(|i| layer.get(i) || after[i].to_bits() == 0));
        assert!(layer.iter().any(|i| before[i].to_bits() != after[i].to_bits()));
    }
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
