//! Transposed convolutions: derivatives as PyTorch has them, and every way in and out of files and arrays, where the weight is
//! `[in, out / groups, …]` and not, as in memory, `[out, in / groups, …]`.
//!
//! Agreement of outputs with PyTorch is tested in phew-train, which has it.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;
use std::sync::Arc;

use phew_graph::ndarray::{Array, ArrayD, IxDyn};
use phew_graph::op::{ConvTranspose1d, ConvTranspose2d};
use phew_graph::{
    Arch, ArchBuilder, Extra, Fan, GraphError, Init, LayerMask, Mask, Network, Overwrite,
    PackedType, Provenance, Shape, TensorFile, TensorId, TensorSpec, read_pytorch_pruned,
    read_scores, write_arrays, write_pytorch_pruned, write_scores,
};

const UP: TensorId = TensorId::new(0);

fn up() -> ConvTranspose2d {
    ConvTranspose2d {
        kernel: [3, 2],
        stride: [2, 1],
        padding: [1, 0],
        output_padding: [1, 0],
        dilation: [1, 2],
        groups: 2,
        bias: true,
        ..ConvTranspose2d::new(6, 1)
    }
}

/// One in groups, and one whose weight has the same sizes in both orders.
fn arch() -> Arc<Arch> {
    let map = Shape::Image { channels: 4, height: 3, width: 2 };
    let net = ArchBuilder::new("transposed", map).op("up", up()).relu("relu");
    Arc::new(net.op("square", ConvTranspose2d::new(6, 2)).build().unwrap())
}

/// A tensor as PyTorch has it: 1, 2, 3, … row by row.
fn counted(sizes: &[usize]) -> ArrayD<f32> {
    let len = sizes.iter().product();
    Array::from_iter((1..=len).map(|n| n as f32)).into_shape_with_order(sizes).unwrap()
}

fn arrays() -> [(&'static str, ArrayD<f32>); 3] {
    [
        ("up.weight", counted(&[4, 3, 3, 2])),
        ("up.bias", counted(&[6])),
        ("square.weight", counted(&[6, 6, 2, 2])),
    ]
}

fn network() -> Network {
    Network::from_arrays(arch(), arrays(), Extra::Refuse).unwrap()
}

/// The index in memory of an output, an input of its group and a scalar of the kernel, and the same weight in PyTorch's array.
fn places(tensor: TensorId) -> Vec<(usize, [usize; 4])> {
    let (outputs, inputs, columns, kernel) = if tensor == UP { (3, 2, 2, 6) } else { (6, 6, 2, 4) };
    let mut places = Vec::new();
    for o in 0..6 {
        for i in 0..inputs {
            for k in 0..kernel {
                let row = o / outputs * inputs + i;
                places.push((
                    (o * inputs + i) * kernel + k,
                    [row, o % outputs, k / columns, k % columns],
                ));
            }
        }
    }
    places
}

/// Checks that the network's weights are those of the arrays, one by one.
fn check(network: &Network) {
    for (tensor, name) in [(UP, "up.weight"), (TensorId::new(1), "square.weight")] {
        let array = &arrays().into_iter().find(|(other, _)| *other == name).unwrap().1;
        let values = network.weights()[tensor];
        assert_eq!(values.len(), array.len());
        for (index, place) in places(tensor) {
            assert!((values[index] - array[place]).abs() < f32::EPSILON, "{name} {place:?}");
        }
        assert_eq!(network.view(name).unwrap(), array, "{name}");
    }
}

/// A mask whose bits are told apart by their places in PyTorch's arrays.
fn kept([row, column, y, x]: [usize; 4]) -> bool {
    (3 * row + 5 * column + y + x).is_multiple_of(4)
}

fn kept_arrays() -> [(&'static str, ArrayD<bool>); 2] {
    let array = |sizes: &[usize]| {
        ArrayD::from_shape_fn(IxDyn(sizes), |at| kept([at[0], at[1], at[2], at[3]]))
    };
    [("up.weight", array(&[4, 3, 3, 2])), ("square.weight", array(&[6, 6, 2, 2]))]
}

fn mask() -> Mask {
    let arrays = kept_arrays();
    Mask::from_arrays(&arch(), arrays.iter().map(|(name, kept)| (*name, kept.view()))).unwrap()
}

/// Checks that a mask keeps what it should, bit by bit.
fn check_mask(mask: &Mask) {
    mask.check(&arch(), "mask").unwrap();
    for (tensor, layer) in mask.layers().with_ids() {
        let places = places(tensor);
        assert!(places.iter().all(|&(index, place)| layer.get(index) == kept(place)));
        assert_eq!(layer.kept(), places.iter().filter(|(_, place)| kept(*place)).count());
    }
}

/// A tensor of a file as it stands there.
fn raw(path: &Path, name: &str) -> ArrayD<f32> {
    TensorFile::open(path).unwrap().array(name).unwrap()
}

#[test]
fn shapes_and_derivatives_are_pytorchs() {
    let arch = arch();
    let sizes: Vec<Vec<usize>> = arch.nodes().iter().map(|node| node.shape.sizes()).collect();
    assert_eq!(sizes, [vec![4, 3, 2], vec![6, 6, 4], vec![6, 6, 4], vec![6, 7, 5]]);
    // nn.ConvTranspose2d of these weights, y.backward(dy) with dy = 0, 1, 2, … mod 7, minus 3: x.grad.
    let expected = [
        34, 13, 19, -20, -20, 18, 52, -5, 37, -56, -56, 54, -165, 106, 90, -36, -36, -176, -219,
        142, 126, -54, -54, -248,
    ];
    let dy: Vec<f64> = (0..144).map(|n| f64::from(n % 7) - 3.0).collect();
    let weights: Vec<f64> = network().weights()[UP].iter().map(|&w| w.into()).collect();
    let found = arch.pull_back(1, 0, &[&weights, &[0.0; 6]], &dy).unwrap();
    assert_eq!(found, expected.map(f64::from));
}

#[test]
fn derivatives_over_sequences_are_pytorchs() {
    let op = ConvTranspose1d {
        stride: 3,
        padding: 1,
        output_padding: 2,
        dilation: 2,
        groups: 2,
        ..ConvTranspose1d::new(6, 2)
    };
    let sequence = Shape::Sequence { channels: 4, length: 3 };
    let arch = ArchBuilder::new("sequence", sequence).op("up", op).build().unwrap();
    assert_eq!(arch.output_shape(), Shape::Sequence { channels: 6, length: 9 });
    let weight = counted(&[4, 3, 2]);
    let network =
        Network::from_arrays(arch, [("up.weight", weight.view())], Extra::Refuse).unwrap();
    assert_eq!(network.view("up.weight").unwrap(), weight);
    let weights: Vec<f64> = network.weights()[UP].iter().map(|&w| w.into()).collect();
    let dy: Vec<f64> = (0..54).map(|n| f64::from(n % 7) - 3.0).collect();
    let found = network.arch().pull_back(1, 0, &[&weights], &dy).unwrap();
    let expected = [8, 19, -16, 8, 49, -46, -40, -14, 34, -58, -20, 52];
    assert_eq!(found, expected.map(f64::from));
}

#[test]
fn sizes_that_pytorch_refuses_are_refused() {
    let error = |op: ConvTranspose2d| {
        let map = Shape::Image { channels: 4, height: 3, width: 2 };
        ArchBuilder::new("wrong", map).op("up", op).build().unwrap_err().to_string()
    };
    let cases = [
        (ConvTranspose2d { output_padding: [2, 0], ..up() }, "output_padding"),
        (ConvTranspose2d { groups: 4, ..up() }, "groups"),
        (ConvTranspose2d { padding: [4, 0], ..up() }, "padding"),
        (ConvTranspose2d { kernel: [0, 2], ..up() }, "kernel"),
        (ConvTranspose2d { stride: [1 << 40, 1], ..up() }, "stride"),
        (ConvTranspose2d { out: 0, ..up() }, "out"),
    ];
    for (op, field) in cases {
        let error = error(op);
        assert!(error.contains(field), "{field}: {error}");
    }
    // As large as the dilation allows, where the stride would not.
    let wide = ConvTranspose2d { output_padding: [2, 1], dilation: [3, 2], ..up() };
    let map = Shape::Image { channels: 4, height: 3, width: 2 };
    let arch = ArchBuilder::new("wide", map).op("up", wide).build().unwrap();
    assert_eq!(arch.output_shape().sizes(), [6, 11, 5]);
}

#[test]
fn arrays_go_in_and_come_out_as_pytorch_has_them() {
    let network = network();
    check(&network);
    let again: Vec<ArrayD<f32>> = network.arrays().map(|(_, array)| array.into_owned()).collect();
    assert_eq!(again[0], arrays()[0].1);
    check(&network.with_arrays(again.into_iter().take(2)).unwrap());
    // Arrays in the order of memory are of another shape where the sizes differ.
    let wrong = network.with_arrays([counted(&[6, 2, 3, 2]), counted(&[6, 6, 2, 2])]);
    let error = wrong.unwrap_err().to_string();
    assert!(error.contains("[6, 2, 3, 2]") && error.contains("[4, 3, 3, 2]"), "{error}");
}

#[test]
fn weight_files_hold_what_pytorch_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    network().save(&path, Overwrite::Refuse).unwrap();
    for (name, array) in arrays() {
        assert_eq!(raw(&path, name), array, "{name}");
    }
    let loaded = Network::load(&path, arch(), Extra::Refuse).unwrap();
    check(&loaded);
    assert_eq!(loaded.fingerprint(), network().fingerprint());
    check(&network().with_weights_of(&path).unwrap().0);
    // The hash is of the tensors as the file has them: of an architecture where those shapes are plain it is the same.
    let plain = ArchBuilder::new("plain", Shape::Image { channels: 3, height: 3, width: 2 })
        .conv("up", phew_graph::Conv2d { kernel: [3, 2], ..phew_graph::Conv2d::new(4, 1) })
        .build()
        .unwrap();
    let first = Network::from_arrays(plain, [("up.weight", arrays()[0].1.view())], Extra::Refuse);
    let alone = ArchBuilder::new("alone", Shape::Image { channels: 4, height: 3, width: 2 })
        .op("up", ConvTranspose2d { bias: false, ..up() })
        .build()
        .unwrap();
    let second = Network::from_arrays(alone, [("up.weight", arrays()[0].1.view())], Extra::Refuse);
    assert_eq!(first.unwrap().fingerprint(), second.unwrap().fingerprint());
}

#[test]
fn state_dicts_under_weight_norm_and_pruning_are_multiplied_out_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let [(_, weight), bias, square] = arrays();
    // PyTorch's weight norm has a length for each of the first axis.
    let lengths = ArrayD::from_shape_fn(IxDyn(&[4, 1, 1, 1]), |at| (at[0] + 1) as f32);
    let parts = [
        ("up.weight_g", lengths.clone()),
        ("up.weight_v", weight.clone()),
        bias.clone(),
        square.clone(),
    ];
    write_arrays(&path, parts, None, Overwrite::Refuse).unwrap();
    let loaded = Network::load(&path, arch(), Extra::Refuse).unwrap();
    let found = loaded.view("up.weight").unwrap();
    for (row, (found, direction)) in found.outer_iter().zip(weight.outer_iter()).enumerate() {
        let norm = direction.iter().map(|v| f64::from(v * v)).sum::<f64>().sqrt();
        for (found, v) in found.iter().zip(&direction) {
            let expected = (row + 1) as f64 * f64::from(*v) / norm;
            assert!((f64::from(*found) - expected).abs() < 1e-6 * expected);
        }
    }
    let kept = kept_arrays()[0].1.mapv(|kept| f32::from(u8::from(kept)));
    let parts =
        [("up.weight_orig", weight.clone()), ("up.weight_mask", kept.clone()), bias, square];
    write_arrays(&path, parts, None, Overwrite::Replace).unwrap();
    let loaded = Network::load(&path, arch(), Extra::Refuse).unwrap();
    assert_eq!(loaded.view("up.weight").unwrap(), &weight * &kept);
}

#[test]
fn masks_go_in_and_out_of_arrays_and_of_every_form_of_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (network, mask) = (network(), mask());
    check_mask(&mask);
    for ((name, array), (other, kept)) in mask.arrays().zip(kept_arrays()) {
        assert_eq!((name, array), (other, kept));
    }
    let as_numbers = |kept: &ArrayD<bool>| kept.mapv(|kept| f32::from(u8::from(kept)));
    let info = Provenance::of(&network);
    mask.save(&path("plain"), &info, Overwrite::Refuse).unwrap();
    mask.save_buffers(&path("buffers"), Overwrite::Refuse).unwrap();
    write_pytorch_pruned(&path("pruned"), &network, &mask, Overwrite::Refuse).unwrap();
    for (name, kept) in kept_arrays() {
        let file = TensorFile::open(&path("plain")).unwrap();
        let bits = file.integers(name).unwrap().unwrap();
        assert!(bits.iter().zip(&kept).all(|(bit, kept)| (*bit == 1) == *kept), "{name}");
        assert_eq!(file.shape(name).unwrap(), kept.shape());
        for form in ["buffers", "pruned"] {
            assert_eq!(raw(&path(form), &format!("{name}_mask")), as_numbers(&kept), "{form}");
        }
        let weights = raw(&path("pruned"), &format!("{name}_orig"));
        assert_eq!(weights, network.view(name).unwrap());
    }
    for form in ["plain", "buffers", "pruned"] {
        check_mask(&Mask::load_for(&path(form), &arch()).unwrap().0);
    }
    let (found, found_mask) = read_pytorch_pruned(&path("pruned"), arch()).unwrap();
    check(&found);
    check_mask(&found_mask);
    // As it comes from a file without its architecture it has the file's order, and says so.
    let (bare, _) = Mask::load(&path("plain")).unwrap();
    assert_eq!(bare.fingerprint(), {
        let mut sorted = mask.layers().iter().cloned().collect::<Vec<_>>();
        sorted.sort_by(|a, b| a.name().cmp(b.name()));
        Mask::from_layers(sorted).fingerprint()
    });
    assert!(bare.check(&arch(), "the file").is_err());
    check_mask(&bare.in_order_of(&arch(), "the file").unwrap());
}

#[test]
fn bits_in_the_order_of_files_are_not_taken_for_those_of_memory() {
    // The sizes are the same in both orders: only the shape's type tells.
    let map = Shape::Image { channels: 4, height: 3, width: 3 };
    let arch = ArchBuilder::new("square", map).op("up", ConvTranspose2d::new(4, 1)).build();
    let arch = arch.unwrap();
    let filed = Mask::from_layers(vec![LayerMask::from_fn("up.weight", &[4, 4, 1, 1], |i| i == 1)]);
    let error = filed.check(&arch, "mask").unwrap_err();
    assert!(matches!(error, GraphError::Parameter { .. }), "{error}");
    assert!(filed.and(&Mask::dense(&arch)).is_err());
    // Input 0 to output 1.
    let held = filed.in_order_of(&arch, "mask").unwrap();
    assert_eq!(held.layer(UP).iter().collect::<Vec<_>>(), [4]);
    let graph = phew_graph::PathGraph::new(&arch);
    assert_eq!(graph.shape(UP).ends(4), (0, 1));
}

#[test]
fn packed_weights_come_back_and_their_places_are_those_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("packed");
    let (network, mask) = (network(), mask());
    network.save_packed(&mask, &path, PackedType::F32, None, Overwrite::Refuse).unwrap();
    for ((name, weight), (_, kept)) in
        arrays().into_iter().filter(|(name, _)| name.ends_with("weight")).zip(kept_arrays())
    {
        let zeroed = &weight * &kept.mapv(|kept| f32::from(u8::from(kept)));
        // What any reader of the form puts together.
        assert_eq!(raw(&path, name), zeroed, "{name}");
        let loaded = Network::load(&path, arch(), Extra::Refuse).unwrap();
        assert_eq!(loaded.view(name).unwrap(), zeroed, "{name}");
    }
    check_mask(&Mask::load_for(&path, &arch()).unwrap().0);
}

#[test]
fn scores_are_written_from_either_order_and_read_as_files_have_them() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    let network = network();
    let arch = network.arch();
    let array =
        |tensor: TensorId| network.view(&arch.prunable()[tensor].name).unwrap().mapv(f64::from);
    let vector = |tensor: TensorId| {
        network.weights()[tensor].iter().map(|&w| f64::from(w)).collect::<Vec<f64>>()
    };
    write_scores(&a, arch, array, "{}".into(), Overwrite::Refuse).unwrap();
    write_scores(&b, arch, vector, "{}".into(), Overwrite::Refuse).unwrap();
    assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
    assert_eq!(raw(&a, "up.weight"), arrays()[0].1);
    let scores = read_scores(&a, arch).unwrap();
    let ordered = network.with_arrays(scores).unwrap();
    // Scores of F64 are divided by the greatest of their tensor.
    for (tensor, spec) in arch.prunable().with_ids() {
        let greatest = spec.len() as f32;
        let pairs = ordered.weights()[tensor].iter().zip(network.weights()[tensor]);
        assert!(pairs.into_iter().all(|(found, w)| (found * greatest - w).abs() < 1e-3));
    }
}

#[test]
fn initial_weights_have_pytorchs_fans_and_are_those_written_down() {
    let arch = arch();
    let spec: &TensorSpec = &arch.prunable()[UP];
    // torch.nn.init of a weight [4, 3, 3, 2]: fan_in 3·3·2 = 18, fan_out 4·3·2 = 24.
    let bound = |init: Init| {
        let values = init.sample(&TensorSpec { name: "a".into(), ..spec.clone() }, 5);
        values.iter().fold(0.0f32, |most, value| most.max(value.abs()))
    };
    for (init, fan) in [(Fan::In, 18.0_f32), (Fan::Out, 24.0)] {
        let most = bound(Init::KaimingUniform(init));
        let limit = (6.0 / fan).sqrt();
        // The greatest of 72 draws is below 0.9 of the bound once in 2000.
        assert!(most <= limit && most > 0.9 * limit, "{most} of {limit}");
    }
    // Drawn in the order of files: a plain weight of those sizes and that name has the same values.
    let plain = TensorSpec { shape: spec.shape.in_files().into(), ..spec.clone() };
    for init in [Init::default(), Init::Orthogonal, Init::XavierUniform] {
        assert_eq!(*spec.shape.to_files(&init.sample(spec, 3)), init.sample(&plain, 3));
    }
    let network = Network::initialise(arch.clone(), Init::default(), 0).unwrap();
    let dense = Mask::dense(&arch);
    assert_eq!(
        (
            network.fingerprint().as_str(),
            dense.fingerprint().as_str(),
            mask().fingerprint().as_str()
        ),
        (
            "e57d1b891d1b6267ed8d723b40ffbe51fc8df1192df67e1f6b2db48e39dfc39e",
            "32bdc7f5be565f4a3b1d62b18f198108163262eada62b1860016a4af71a7b60c",
            "8156a4ca1afc6e5e574da89e629530fa797f20f220fa9fbbb31b6d643b0d361f",
        )
    );
}

#[test]
fn architectures_are_written_and_read_as_toml() {
    let text = arch().to_toml();
    for line in ["type = \"conv_transpose2d\"", "output_padding = [1, 0]", "dilation = [1, 2]"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert_eq!(Arch::from_toml(&text, "t").unwrap(), *arch());
    // Each of 6 positions uses each of the 72 weights, and each of 24 those of the second.
    assert_eq!(arch().positions(UP), 6);
    assert_eq!(arch().positions(TensorId::new(1)), 24);
}
