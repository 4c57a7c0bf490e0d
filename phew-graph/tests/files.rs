//! Weight and mask files: what is written is read back, and what is wrong is named.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use phew_graph::ndarray::ArrayD;
use phew_graph::{
    Arch, ArchBuilder, Conv2d, Extra, GraphError, Init, LayerMask, Mask, Network, Overwrite, Pool,
    Provenance, Shape, TensorId, read_pytorch_pruned, read_scores, write_pytorch_pruned,
    write_scores, zoo,
};
use safetensors::tensor::{Dtype, TensorView, serialize};

fn arch() -> Arch {
    ArchBuilder::new("net", Shape::Image { channels: 3, height: 8, width: 8 })
        .conv("conv", Conv2d::new(4, 3).padding(1))
        .batch_norm("bn")
        .relu("relu")
        .avg_pool("pool", Pool::global())
        .flatten("flatten")
        .linear("fc", 5)
        .build()
        .unwrap()
}

fn network() -> Network {
    Network::initialise(arch(), Init::default(), 5).unwrap()
}

#[test]
fn a_network_is_made_of_all_its_values() {
    let drawn = network();
    let owned = |tensors: &[&[f32]]| -> Vec<Vec<f32>> {
        tensors.iter().map(|values| values.to_vec()).collect()
    };
    let (weights, mut others) = (owned(&drawn.weights()), owned(&drawn.auxiliary()));
    let at = |name: &str| drawn.arch().auxiliary().iter().position(|s| s.name == name).unwrap();
    let (mean, variance) = (at("bn.running_mean"), at("bn.running_var"));
    others[mean][1] = -2.5;
    others[variance][2] = 0.25;
    let trained = Network::new(drawn.arch().clone(), weights.clone(), others.clone()).unwrap();
    assert_eq!(trained.weights(), drawn.weights());
    assert_eq!(trained.view("bn.running_mean").unwrap()[1].to_bits(), (-2.5_f32).to_bits());
    assert_eq!(trained.auxiliary(), others.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let error = |tensor: usize, values: Vec<f32>| {
        let mut wrong = others.clone();
        wrong[tensor] = values;
        Network::new(drawn.arch().clone(), weights.clone(), wrong).unwrap_err().to_string()
    };
    assert!(error(variance, vec![1.0, -1.0, 1.0, 1.0]).contains("bn.running_var"));
    assert!(error(mean, vec![f32::NAN; 4]).contains("bn.running_mean"));
    assert!(error(mean, vec![0.0; 3]).contains("[3]"));
    let few = Network::new(drawn.arch().clone(), weights, vec![]).unwrap_err().to_string();
    assert!(few.contains("number of other tensors"), "{few}");
}

/// The tensors of a state dict as (name, dtype, shape, bytes), to be written with one thing wrong.
type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

fn tensors(network: &Network) -> Tensors {
    let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect();
    network
        .tensors()
        .map(|(s, v)| (s.name.clone(), (Dtype::F32, s.shape.in_files(), bytes(v))))
        .collect()
}

fn write(folder: &Path, tensors: &Tensors) -> PathBuf {
    let path = folder.join("w.safetensors");
    let views: HashMap<&str, TensorView<'_>> = tensors
        .iter()
        .map(|(n, (d, s, b))| (n.as_str(), TensorView::new(*d, s.clone(), b).unwrap()))
        .collect();
    std::fs::write(&path, serialize(views, None).unwrap()).unwrap();
    path
}

/// Loads the file that results from one change; the error must name the file and all `parts`.
fn refuses(change: impl FnOnce(&mut Tensors), parts: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let mut all = tensors(&network());
    change(&mut all);
    let path = write(folder.path(), &all);
    let error = Network::load(&path, arch(), Extra::Refuse).unwrap_err().to_string();
    assert!(error.contains("w.safetensors") || error.contains("bn."), "{error}");
    assert!(parts.iter().all(|p| error.contains(p)), "{error} lacks one of {parts:?}");
}

#[test]
fn weights_survive_a_round_trip_and_equal_networks_give_equal_files() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    network().save(&a, Overwrite::Refuse).unwrap();
    network().save(&b, Overwrite::Refuse).unwrap();
    assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
    let back = Network::load(&a, arch(), Extra::Refuse).unwrap();
    assert_eq!(back.weights(), network().weights());
    assert_eq!(back.auxiliary(), network().auxiliary());
    assert_eq!(back.fingerprint(), network().fingerprint());
    assert_eq!(back.view("conv.weight").unwrap().shape(), [4, 3, 3, 3]);
    assert!(back.view("nothing").is_none());
}

#[test]
fn the_seed_of_another_tensor_or_network_does_not_matter() {
    let wider = ArchBuilder::new("other", Shape::Image { channels: 3, height: 8, width: 8 })
        .conv("first", Conv2d::new(3, 1))
        .conv("conv", Conv2d::new(4, 3))
        .build()
        .unwrap();
    let wider = Network::initialise(wider, Init::default(), 5).unwrap();
    assert_eq!(wider.view("conv.weight"), network().view("conv.weight"));
}

#[test]
fn each_fault_of_a_weight_file_is_named() {
    refuses(|t| _ = t.remove("fc.weight"), &["missing", "`fc.weight`", "`net`"]);
    refuses(|t| _ = t.remove("fc.bias"), &["missing", "`fc.bias`"]);
    refuses(|t| _ = t.remove("bn.running_var"), &["missing", "`bn.running_var`"]);
    let extra = (Dtype::F32, vec![1], vec![0; 4]);
    refuses(|t| _ = t.insert("fc2.weight".into(), extra), &["`fc2.weight`", "do not belong"]);
    let turned = |t: &mut Tensors| t.get_mut("fc.weight").unwrap().1 = vec![4, 5];
    refuses(turned, &["`fc.weight`", "[4, 5]", "[5, 4]"]);
    let counts = (Dtype::I64, vec![5, 4], vec![0; 160]);
    refuses(|t| _ = t.insert("fc.weight".into(), counts), &["`fc.weight`", "I64", "F32"]);
    let put = |value: f32| {
        move |t: &mut Tensors| {
            t.get_mut("conv.weight").unwrap().2[40..44].copy_from_slice(&value.to_le_bytes())
        }
    };
    refuses(put(f32::NAN), &["`conv.weight`", "NaN", "index 10"]);
    refuses(put(f32::NEG_INFINITY), &["`conv.weight`", "-inf", "index 10"]);
    let negative = |t: &mut Tensors| {
        t.get_mut("bn.running_var").unwrap().2[..4].copy_from_slice(&(-1f32).to_le_bytes())
    };
    refuses(negative, &["bn.running_var", "-1"]);
}

#[test]
fn extra_tensors_can_be_ignored_and_batch_counters_always_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = tensors(&network());
    all.insert("bn.num_batches_tracked".into(), (Dtype::I64, vec![], vec![0; 8]));
    Network::load(&write(folder.path(), &all), arch(), Extra::Refuse).unwrap();
    all.insert("note".into(), (Dtype::U8, vec![2], vec![0; 2]));
    let path = write(folder.path(), &all);
    assert!(matches!(Network::load(&path, arch(), Extra::Refuse), Err(GraphError::Extra { .. })));
    // The note's two bytes leave later tensors off the four-byte grid or not: either way the values are read.
    let back = Network::load(&path, arch(), Extra::Ignore).unwrap();
    assert_eq!(back.weights(), network().weights());
}

#[test]
fn normalisation_that_is_absent_altogether_is_fresh() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = tensors(&network());
    all.retain(|name, _| !name.starts_with("bn."));
    let back = Network::load(&write(folder.path(), &all), arch(), Extra::Refuse).unwrap();
    assert_eq!(back.auxiliary(), network().auxiliary());
}

#[test]
fn what_is_no_safetensors_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w");
    network().save(&path, Overwrite::Refuse).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for bytes in [
        &whole[..0],
        &whole[..7],
        &whole[..60],
        &whole[..whole.len() - 1],
        b"PK\x03\x04 a zip file, say",
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = Network::load(&path, arch(), Extra::Refuse).unwrap_err();
        assert!(matches!(error, GraphError::Safetensors { .. }), "{} bytes: {error}", bytes.len());
        assert!(Mask::load(&path).is_err());
    }
    let nowhere = Network::load(Path::new("/no/such/file"), arch(), Extra::Refuse).unwrap_err();
    assert!(nowhere.to_string().contains("/no/such/file"), "{nowhere}");
    assert!(Network::load(folder.path(), arch(), Extra::Refuse).is_err(), "a folder is no file");
}

fn mask() -> Mask {
    let keep = |name: &str, shape: &[usize], step: usize| {
        LayerMask::from_fn(name, shape, |i| i % step == 0)
    };
    Mask::from_layers(vec![keep("conv.weight", &[4, 3, 3, 3], 3), keep("fc.weight", &[5, 4], 2)])
}

fn info() -> Provenance {
    Provenance {
        density: Some(0.25),
        method: Some("phew".into()),
        parameters: BTreeMap::from([("skips".into(), "uniform".into())]),
        seed: Some(9),
        ..Provenance::of(&network())
    }
}

#[test]
fn masks_of_schema_1_say_what_they_said_under_the_names_of_today() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/schema-1");
    for (file, method, parameters) in [
        ("walks", "phew", vec!["bias", "engine", "exact", "granularity", "skips", "starts"]),
        ("synflow", "synflow", vec!["allocation", "engine", "inverted", "saliency", "schedule"]),
    ] {
        let (mask, from) = Mask::load(&folder.join(format!("{file}.safetensors"))).unwrap();
        let from = from.unwrap();
        assert_eq!((mask.kept(), mask.len()), (28, 72));
        assert_eq!((from.schema, from.version.as_str()), (1, "0.1.0"));
        assert_eq!((from.method.as_deref(), from.density), (Some(method), Some(0.4)));
        assert_eq!((from.seed, from.weights_seed), (Some(1), Some(1)));
        assert_eq!(from.init.as_deref(), Some("kaiming-normal"));
        assert_eq!(from.parameters.keys().collect::<Vec<_>>(), parameters);
        // The weights that it names are still those that are drawn.
        let arch = zoo::by_name(&from.arch).unwrap().build().unwrap();
        let network = Network::initialise(arch, Init::default(), 1).unwrap();
        assert_eq!(from.weights, network.fingerprint());
    }
}

#[test]
fn masks_survive_a_round_trip_with_how_they_were_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m");
    mask().save(&path, &info(), Overwrite::Refuse).unwrap();
    let (back, note) = Mask::load(&path).unwrap();
    assert_eq!(back.in_order_of(&arch(), "m").unwrap(), mask());
    assert_eq!(note.unwrap(), info());
    let bytes = std::fs::read(&path).unwrap();
    let note = r#"\"method\":\"phew\",\"parameters\":{\"skips\":\"uniform\"},\"prunable\":128,\"schema\":2,\"seed\":9"#;
    assert!(String::from_utf8_lossy(&bytes).contains(note), "the note is canonical JSON");
}

#[test]
fn a_mask_of_another_network_is_refused_by_name() {
    let other = zoo::mlp(&[3, 2]).build().unwrap();
    let error = mask().in_order_of(&other, "m.safetensors").unwrap_err().to_string();
    assert!(error.contains("m.safetensors") && error.contains("`fc1.weight`"), "{error}");
    let wrong = LayerMask::dense("fc.weight", &[4, 5]);
    let wrong = Mask::from_layers(vec![LayerMask::dense("conv.weight", &[4, 3, 3, 3]), wrong]);
    assert!(matches!(wrong.check(&arch(), "m"), Err(GraphError::TensorShape { .. })));
    let folder = tempfile::tempdir().unwrap();
    let weights = write(folder.path(), &tensors(&network()));
    assert!(matches!(Mask::load(&weights), Err(GraphError::NotBinary { .. })));
}

#[test]
fn pytorch_s_pruning_convention_is_read_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p");
    write_pytorch_pruned(&path, &network(), &mask(), Overwrite::Refuse).unwrap();
    let (back, kept) = read_pytorch_pruned(&path, arch()).unwrap();
    assert_eq!(back.weights(), network().weights());
    assert_eq!(kept, mask());
    // A weight under its plain name was never pruned.
    let plain = write(folder.path(), &tensors(&network()));
    let (_, kept) = read_pytorch_pruned(&plain, arch()).unwrap();
    assert_eq!(kept, Mask::dense(&arch()));
    let mut all = tensors(&network());
    let weight = all.remove("fc.weight").unwrap();
    all.insert("fc.weight_orig".into(), weight.clone());
    let error = read_pytorch_pruned(&write(folder.path(), &all), arch()).unwrap_err().to_string();
    assert!(error.contains("`fc.weight_mask`"), "{error}");
    all.insert("fc.weight_mask".into(), weight);
    let error = read_pytorch_pruned(&write(folder.path(), &all), arch()).unwrap_err().to_string();
    assert!(error.contains("expected 0 or 1"), "{error}");
}

#[test]
fn the_reference_networks_load() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../reference");
    let arch = zoo::mlp(&[12, 16, 16, 8]).build().unwrap();
    let path = folder.join("mlp.weights.safetensors");
    let error = Network::load(&path, arch.clone(), Extra::Ignore).unwrap_err().to_string();
    assert!(error.contains("`fc1.bias`"), "the zoo's has biases: {error}");
    let unbiased = ArchBuilder::new("mlp", Shape::Features(12))
        .linear_unbiased("fc1", 16)
        .linear_unbiased("fc2", 16)
        .linear_unbiased("fc3", 8)
        .build()
        .unwrap();
    let network = Network::load(&path, unbiased.clone(), Extra::Ignore).unwrap();
    assert_eq!(network.arch().prunable_len(), 576);
    let error = Network::load(&path, unbiased, Extra::Refuse).unwrap_err().to_string();
    assert!(error.contains("`batch.input`, `batch.target`"), "{error}");
}

#[test]
fn scores_are_read_in_order_and_negative_ones_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = tensors(&network());
    let error = read_scores(&write(folder.path(), &all), &arch()).unwrap_err().to_string();
    assert!(error.contains("`conv.weight`") && error.contains("at least 0"), "{error}");
    for (name, shape, len) in
        [("conv.weight", vec![4, 3, 3, 3], 108), ("fc.weight", vec![5, 4], 20)]
    {
        let bytes = (0..len).flat_map(|i| (i as f32).to_le_bytes()).collect();
        all.insert(name.into(), (Dtype::F32, shape, bytes));
    }
    let scores = read_scores(&write(folder.path(), &all), &arch()).unwrap();
    assert_eq!(scores.iter().map(ArrayD::shape).collect::<Vec<_>>(), [&[4, 3, 3, 3][..], &[5, 4]]);
    assert_eq!((scores[0][[3, 2, 2, 2]], scores[1][[4, 3]]), (107.0, 19.0));
    all.remove("fc.weight");
    let error = read_scores(&write(folder.path(), &all), &arch()).unwrap_err().to_string();
    assert!(error.contains("missing `fc.weight`"), "{error}");
}

#[test]
fn scores_in_double_precision_are_written_whole_and_come_back_relative_to_their_tensor() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scores.safetensors");
    // Far below what f32 can hold.
    let values = |tensor: TensorId| {
        let len = [108, 20][tensor.index()];
        (0..len).map(|i| 1e-200 * f64::from(i)).collect::<Vec<f64>>()
    };
    write_scores(&path, &arch(), values, "{}".into(), Overwrite::Refuse).unwrap();
    let scores = read_scores(&path, &arch()).unwrap();
    for tensor in scores {
        let last = tensor.len() as f32 - 1.0;
        for (i, score) in tensor.iter().enumerate() {
            assert!((score * last - i as f32).abs() < 1e-4, "{score} at {i}");
        }
    }
    let error = write_scores(&path, &arch(), values, "{}".into(), Overwrite::Refuse).unwrap_err();
    assert!(matches!(error, GraphError::Exists { .. }));
}
