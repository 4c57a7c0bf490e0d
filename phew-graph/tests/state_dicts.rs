//! State dicts as people save them.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use phew_graph::ndarray::{CowArray, IxDyn};
use phew_graph::{Arch, ArchBuilder, Extra, GraphError, Init, Mask, Network, Shape};
use safetensors::tensor::{Dtype, TensorView};

type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

fn arch() -> Arch {
    ArchBuilder::new("small", Shape::Features(4))
        .linear("fc1", 3)
        .batch_norm("bn1")
        .relu("relu")
        .linear("fc2", 2)
        .build()
        .unwrap()
}

fn network() -> Network {
    Network::initialise(arch(), Init::default(), 1).unwrap()
}

fn tensors(dtype: Dtype, pack: impl Fn(f32) -> Vec<u8>) -> Tensors {
    let network = network();
    let tensor = |(name, array): (&str, CowArray<'_, f32, IxDyn>)| {
        let bytes = array.iter().flat_map(|&value| pack(value)).collect();
        (name.to_owned(), (dtype, array.shape().to_vec(), bytes))
    };
    network.arrays().map(tensor).collect()
}

fn single() -> Tensors {
    tensors(Dtype::F32, |value| value.to_le_bytes().to_vec())
}

fn f32s(shape: &[usize], values: &[f32]) -> (Dtype, Vec<usize>, Vec<u8>) {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    (Dtype::F32, shape.to_vec(), bytes)
}

fn write(folder: &Path, tensors: &Tensors) -> PathBuf {
    let path = folder.join("w.safetensors");
    let views: Vec<(String, TensorView<'_>)> = tensors
        .iter()
        .map(|(name, (dtype, shape, bytes))| {
            (name.clone(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        })
        .collect();
    safetensors::serialize_to_file(views, None, &path).unwrap();
    path
}

fn load(tensors: &Tensors) -> Result<(Network, Vec<String>), GraphError> {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), tensors);
    let (network, notes) = Network::load_with_notes(&path, arch(), Extra::Refuse)?;
    // Out of the map, since the file goes.
    let owned = network.with_weights(network.weights().iter().map(|w| w.to_vec()).collect())?;
    Ok((owned, notes))
}

#[test]
fn a_prefix_before_all_names_is_passed_over_and_noted() {
    for prefix in ["module.", "_orig_mod.module.", "state_dict.model."] {
        let all = single().into_iter().map(|(name, t)| (format!("{prefix}{name}"), t)).collect();
        let (found, notes) = load(&all).unwrap();
        assert_eq!(found.weights(), network().weights());
        assert!(notes[0].contains(prefix), "{notes:?}");
    }
    // Half of the names with a prefix are another network's.
    let all: Tensors = single()
        .into_iter()
        .map(|(n, t)| (if n.starts_with("fc1") { n } else { format!("module.{n}") }, t))
        .collect();
    let error = load(&all).unwrap_err().to_string();
    assert!(
        error.contains("missing `fc2.weight`") && error.contains("`module.fc2.weight`"),
        "{error}"
    );
}

#[test]
fn a_file_that_holds_two_networks_is_refused() {
    let mut all = Tensors::new();
    for prefix in ["student.", "teacher."] {
        all.extend(single().into_iter().map(|(name, t)| (format!("{prefix}{name}"), t)));
    }
    let error = load(&all).unwrap_err().to_string();
    assert!(error.contains("missing") && error.contains("`student."), "{error}");
}

#[test]
fn pruned_pairs_are_weights_with_zeros_whatever_the_masks_numbers() {
    let kept: Vec<bool> = (0..12).map(|i| i % 3 == 0).collect();
    let masks: [(Dtype, Vec<u8>); 4] = [
        (Dtype::F32, kept.iter().flat_map(|&k| f32::from(u8::from(k)).to_le_bytes()).collect()),
        (Dtype::BOOL, kept.iter().map(|&k| k.into()).collect()),
        (Dtype::U8, kept.iter().map(|&k| k.into()).collect()),
        (Dtype::I64, kept.iter().flat_map(|&k| i64::from(k).to_le_bytes()).collect()),
    ];
    for (dtype, bytes) in masks {
        for prefix in ["", "module."] {
            let mut all = single();
            let weight = all.remove("fc1.weight").unwrap();
            all.insert("fc1.weight_orig".into(), weight);
            all.insert("fc1.weight_mask".into(), (dtype, vec![3, 4], bytes.clone()));
            let all = all.into_iter().map(|(name, t)| (format!("{prefix}{name}"), t)).collect();
            let (found, notes) = load(&all).unwrap();
            let expected = network();
            let expected = expected.view("fc1.weight").unwrap();
            for (i, (&found, expected)) in
                found.view("fc1.weight").unwrap().iter().zip(expected).enumerate()
            {
                assert_eq!(found.to_bits(), if kept[i] { expected.to_bits() } else { 0 });
            }
            assert!(notes.iter().any(|note| note.contains("`fc1.weight`")), "{notes:?}");
        }
    }
}

#[test]
fn weight_norm_is_multiplied_out() {
    // Rows of length 5 and 13, scaled to 10 and −26, and one of length 1.
    let directions = [3.0, 4.0, 0.0, 0.0, 0.0, 5.0, 12.0, 0.0, 0.0, 0.0, 0.0, 1.0];
    let expected = [6.0, 8.0, 0.0, 0.0, 0.0, -10.0, -24.0, 0.0, 0.0, 0.0, 0.0, 0.5];
    for [g, v] in [
        ["fc1.weight_g", "fc1.weight_v"],
        ["fc1.parametrizations.weight.original0", "fc1.parametrizations.weight.original1"],
    ] {
        let mut all = single();
        all.remove("fc1.weight");
        all.insert(g.into(), f32s(&[3, 1], &[10.0, -26.0, 0.5]));
        all.insert(v.into(), f32s(&[3, 4], &directions));
        let (found, notes) = load(&all).unwrap();
        let found = found.view("fc1.weight").unwrap().iter().copied().collect::<Vec<f32>>();
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
        assert!(notes.iter().any(|note| note.contains("weight norm")), "{notes:?}");
    }
}

#[test]
fn other_number_types_are_taken_as_f32_and_noted() {
    let half = tensors(Dtype::BF16, |v| v.to_bits().to_le_bytes()[2..].to_vec());
    let (found, notes) = load(&half).unwrap();
    let expected = network();
    for (found, expected) in found.weights().iter().zip(expected.weights().iter()) {
        for (a, b) in found.iter().zip(expected.iter()) {
            assert_eq!(a.to_bits(), b.to_bits() & 0xffff_0000, "cut off, as it was written");
        }
    }
    assert!(notes.iter().any(|note| note.contains("BF16")), "{notes:?}");
    let double = tensors(Dtype::F64, |v| f64::from(v).to_le_bytes().to_vec());
    assert_eq!(load(&double).unwrap().0.weights(), network().weights());
    // 1.5, the greatest number of F16, the least one, and a negative zero.
    let mut all = single();
    let bits: [u16; 6] = [0x3e00, 0x7bff, 0x0001, 0x8000, 0, 0];
    let bytes = bits.iter().flat_map(|bits| bits.to_le_bytes()).collect();
    all.insert("fc2.weight".into(), (Dtype::F16, vec![2, 3], bytes));
    let found = load(&all).unwrap().0;
    let found: Vec<f32> = found.view("fc2.weight").unwrap().iter().copied().collect();
    assert_eq!(found[..3], [1.5, 65504.0, 2.0_f32.powi(-24)]);
    all.insert("fc2.weight".into(), (Dtype::I32, vec![2, 3], vec![0; 24]));
    let error = load(&all).unwrap_err().to_string();
    assert!(error.contains("`fc2.weight`") && error.contains("I32"), "{error}");
}

#[test]
fn statistics_or_scale_and_shift_may_be_missing_together_and_not_by_halves() {
    for parts in [["running_mean", "running_var"], ["weight", "bias"]] {
        let mut all = single();
        parts.iter().for_each(|part| _ = all.remove(&format!("bn1.{part}")));
        let (found, notes) = load(&all).unwrap();
        assert_eq!(found.auxiliary(), network().auxiliary());
        assert!(notes.iter().any(|note| note.contains(&format!("bn1.{}", parts[0]))), "{notes:?}");
        let mut all = single();
        all.remove(&format!("bn1.{}", parts[0]));
        assert!(matches!(load(&all), Err(GraphError::Missing { .. })));
    }
}

#[test]
fn masks_may_be_of_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = Tensors::new();
    all.insert(
        "fc1.weight".into(),
        f32s(&[3, 4], &[1., 0., 0., 1., 0., 0., 1., 1., 0., 0., 0., 1.]),
    );
    all.insert("fc2.weight".into(), (Dtype::I8, vec![2, 3], vec![1, 0, 1, 1, 0, 0]));
    let (mask, _) = Mask::load(&write(folder.path(), &all)).unwrap();
    assert_eq!(mask.kept(), 5 + 3);
    all.insert("fc2.weight".into(), (Dtype::I8, vec![2, 3], vec![1, 0, 2, 1, 0, 0]));
    let error = Mask::load(&write(folder.path(), &all)).unwrap_err().to_string();
    assert!(error.contains("holds 2 at flat index 2"), "{error}");
}

#[test]
fn other_files_are_called_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let cases: [(&[u8], &str); 9] = [
        (b"", "empty"),
        (b"PK\x03\x04 archive/data.pkl", "torch.save"),
        (b"\x80\x02}q\x00.", "torch.save"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
        (b"\x93NUMPY\x01\x00v\x00{'descr'", "NumPy"),
        (b"\x89HDF\r\n\x1a\n........", "HDF5"),
        (b"<!DOCTYPE html><html>not found</html>", "web page"),
        (b"\x1f\x8b\x08\x00.......", "gzip"),
        (b"{\"a\": 1}", "text file"),
    ];
    for (bytes, part) in cases {
        std::fs::write(&path, bytes).unwrap();
        let error = Network::load(&path, arch(), Extra::Refuse).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("w.safetensors"), "{error}");
    }
}

#[test]
fn a_tied_tensor_is_read_under_any_of_its_names_if_all_agree() {
    let arch = ArchBuilder::new("tied", Shape::Features(2))
        .linear_unbiased("a", 2)
        .relu("relu")
        .linear_unbiased("b", 2)
        .tensor("weight", "a.weight")
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let read = |all: &[(&str, [f32; 4])]| {
        let tensor =
            |(name, values): &(&str, [f32; 4])| ((*name).to_owned(), f32s(&[2, 2], values));
        let path = write(folder.path(), &all.iter().map(tensor).collect());
        Network::load(&path, arch.clone(), Extra::Refuse)
            .map(|network| network.weights().as_slice()[0].to_vec())
    };
    let values = [1.0, 2.0, 3.0, 4.0];
    // PyTorch's state dict has both names; of several that are one tensor safetensors keeps any.
    for names in
        [&["a.weight", "b.weight"][..], &["b.weight"], &["module.a.weight", "module.b.weight"]]
    {
        let all: Vec<_> = names.iter().map(|&name| (name, values)).collect();
        assert_eq!(read(&all).unwrap(), values, "{names:?}");
    }
    let apart = read(&[("a.weight", values), ("b.weight", [1.0, 2.0, 3.0, 5.0])]).unwrap_err();
    assert!(apart.to_string().contains("`a.weight` and `b.weight`"), "{apart}");
    let other = read(&[("a.weight", values), ("c.weight", values)]).unwrap_err();
    assert!(other.to_string().contains("c.weight"), "{other}");
}
