//! Exported models and masks in other conventions, end to end. `networks/gated.py` made the model.

use std::path::Path;

use phew_graph::{Extra, Mask, Network, zoo};

use crate::common::{folder, json, phew, refuses, stdout};

/// A residual block with a gate, as torch 2.11 exports it: 1,386 prunable weights.
pub(crate) const GATED: &[u8] = include_bytes!("networks/gated.pt2");

/// The same, as PyTorch writes it to ONNX in training mode.
const GATED_ONNX: &[u8] = include_bytes!("networks/gated.onnx");

/// The same in evaluation mode, behind normalisation that has learnt and that the exporter folded into the convolutions.
const FOLDED_ONNX: &[u8] = include_bytes!("networks/folded.onnx");

/// A folder with the model.
fn with_model() -> tempfile::TempDir {
    let folder = folder();
    std::fs::write(folder.path().join("gated.pt2"), GATED).unwrap();
    folder
}

#[test]
fn an_exported_model_is_pruned_by_its_own_weights() {
    let folder = with_model();
    let at = folder.path();
    let report = json(at, "prune gated.pt2 --density 0.2 -o m --json");
    assert_eq!((&report["arch"], &report["prunable"]), (&"gated".into(), &1386.into()));
    assert_eq!(report["weights_seed"], serde_json::Value::Null);
    // The same by --arch and by a file of the weights; other weights give another mask.
    stdout(at, "import gated.pt2 -o g.toml --weights w");
    stdout(at, "prune --arch gated.pt2 --density 0.2 -o same");
    stdout(at, "prune --arch g.toml --weights w --density 0.2 -o imported");
    stdout(at, "prune --arch g.toml --weights gated.pt2 --density 0.2 -o archived");
    stdout(at, "prune gated.pt2 --init orthogonal --density 0.2 -o drawn");
    let mask = |name: &str| Mask::load(&at.join(name)).unwrap().0;
    for same in ["same", "imported", "archived"] {
        assert_eq!(mask(same), mask("m"), "{same}");
    }
    assert_ne!(mask("drawn"), mask("m"));
    let inspected = json(at, "inspect gated.pt2 --mask m --metrics --json");
    assert_eq!(inspected["metrics"]["weights_of_mask"], true);
    // Several seeds read its weights once, and walk over the same.
    stdout(at, "prune gated.pt2 --density 0.2 --seeds 0,1 -o s-{seed}");
    assert_eq!(mask("s-0"), mask("m"));
    assert_ne!(mask("s-1"), mask("m"));
}

#[test]
fn a_model_in_onnx_is_the_one_in_the_archive() {
    let folder = with_model();
    let at = folder.path();
    std::fs::write(at.join("net.onnx"), GATED_ONNX).unwrap();
    let report = json(at, "prune net.onnx --density 0.2 -o m --json");
    assert_eq!((&report["arch"], &report["prunable"]), (&"net".into(), &1386.into()));
    assert_eq!(report["extensions"], serde_json::json!(["multiply"]));
    stdout(at, "prune gated.pt2 --density 0.2 -o archived");
    let mask = |name: &str| Mask::load(&at.join(name)).unwrap().0;
    assert_eq!(mask("m"), mask("archived"));
    // Each takes the other's weights, and its mask.
    stdout(at, "prune net.onnx --weights gated.pt2 --density 0.2 -o same");
    stdout(at, "prune gated.pt2 --weights net.onnx --density 0.2 -o again");
    assert_eq!((mask("same"), mask("again")), (mask("m"), mask("m")));
    let inspected = json(at, "inspect gated.pt2 --mask m --metrics --json");
    assert_eq!(inspected["extensions"], serde_json::json!(["multiply"]));
    assert_eq!(inspected["made_by"]["extensions"], inspected["extensions"]);
    assert!(stdout(at, "inspect net.onnx --mask m").contains("beyond the papers"));
    stdout(at, "import net.onnx -o n.toml --weights w");
    stdout(at, "prune --arch n.toml --weights w --density 0.2 -o imported");
    assert_eq!(mask("imported"), mask("m"));
    for (bytes, part) in [(&GATED_ONNX[..4000], "not a whole ONNX file"), (&b"text"[..], "ONNX")] {
        std::fs::write(at.join("broken.onnx"), bytes).unwrap();
        refuses(at, "inspect broken.onnx", 1, &["broken.onnx", part]);
    }
}

#[test]
fn weights_that_an_exporter_folded_can_be_given_as_they_were() {
    let folder = with_model();
    let at = folder.path();
    std::fs::write(at.join("folded.onnx"), FOLDED_ONNX).unwrap();
    let output = phew(at, "prune folded.onnx --density 0.2 -o folded");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("fold") && said.contains("--weights"),
        "{said}"
    );
    stdout(at, "prune folded.onnx --weights gated.pt2 --density 0.2 -o given");
    stdout(at, "prune gated.pt2 --density 0.2 -o model");
    let [folded, given, model] = ["folded", "given", "model"].map(|name| {
        let (mask, info) = Mask::load(&at.join(name)).unwrap();
        (mask, info.unwrap().weights)
    });
    assert_eq!(given, model);
    assert!(folded.0 != model.0 && folded.1 != model.1);
}

#[test]
fn what_is_no_export_and_what_fits_none_is_refused_in_a_line() {
    let folder = with_model();
    let at = folder.path();
    std::fs::write(at.join("model.pt2"), &GATED[..GATED.len() / 2]).unwrap();
    refuses(at, "inspect model.pt2", 1, &["model.pt2", "not a whole zip archive"]);
    refuses(at, "inspect gated.pt2 --classes 3", 2, &["--classes", "a file states its own"]);
    refuses(at, "inspect gated.pt2 --arch lenet-5", 2, &["cannot be used with"]);
    refuses(at, "inspect", 2, &["--arch"]);
    refuses(at, "import gated.pt2 -o model.pt2", 2, &["already exists"]);
}

/// LeNet-5 with weights `w` and a mask `m` of a tenth.
fn pruned(at: &Path) {
    stdout(at, "init --arch lenet-5 -o w");
    stdout(at, "prune --arch lenet-5 --weights w --density 0.1 -o m");
}

#[test]
fn a_mask_goes_through_every_form_unchanged() {
    let folder = folder();
    let at = folder.path();
    pruned(at);
    let arch = zoo::by_name("lenet-5").unwrap().build().unwrap();
    let wanted = Mask::load(&at.join("m")).unwrap().0;
    let convert = "mask convert --arch lenet-5";
    for (form, options, read) in [
        ("pruned", "--weights w --to pruned", "pruned"),
        ("buffers", "--to buffers", "buffers"),
        ("plain", "", "plain"),
    ] {
        let line = format!("{convert} m {options} -o {form} --json");
        let report = json(at, &line);
        assert_eq!((&report["from"], &report["to"]), (&"plain".into(), &form.into()));
        let (mask, _, found) = Mask::load_for(&at.join(form), &arch).unwrap();
        assert_eq!((mask, found.to_string().as_str()), (wanted.clone(), read));
        // And back, and in any command.
        stdout(at, &format!("{convert} {form} -o {form}-back"));
        assert_eq!(Mask::load(&at.join(format!("{form}-back"))).unwrap().0, wanted);
        assert_eq!(json(at, &format!("inspect --arch lenet-5 --mask {form} --json"))["kept"], 6147);
    }
    stdout(at, &format!("{convert} m --weights w --apply -o zeros"));
    let (dense, sparse) = (at.join("w"), at.join("zeros"));
    let [dense, sparse] =
        [dense, sparse].map(|path| Network::load(&path, arch.clone(), Extra::Refuse).unwrap());
    for ((dense, sparse), layer) in
        dense.weights().iter().zip(&sparse.weights()).zip(wanted.layers())
    {
        for (index, (dense, sparse)) in dense.iter().zip(*sparse).enumerate() {
            let kept = if layer.get(index) { *dense } else { 0.0 };
            assert_eq!(sparse.to_bits(), kept.to_bits());
        }
    }
    refuses(at, &format!("{convert} m --apply -o x"), 2, &["--weights"]);
    refuses(at, &format!("{convert} m --weights w -o x"), 2, &["--apply"]);
}

#[test]
fn a_check_tells_what_of_a_mask_is_of_no_use() {
    let folder = folder();
    let at = folder.path();
    pruned(at);
    let sound = json(at, "mask check --arch lenet-5 m --json");
    assert_eq!((&sound["sound"], &sound["on_no_path"]), (&true.into(), &0.into()));
    // Nothing of one layer, so that no path is left.
    let (mask, info) = Mask::load(&at.join("m")).unwrap();
    let arch = zoo::by_name("lenet-5").unwrap().build().unwrap();
    let mut mask = mask.in_order_of(&arch, "m").unwrap();
    let middle = phew_graph::TensorId::new(2);
    let kept: Vec<usize> = mask.layer(middle).iter().collect();
    kept.into_iter().for_each(|index| _ = mask.layer_mut(middle).remove(index));
    mask.save(&at.join("c"), &info.unwrap(), phew_graph::Overwrite::Refuse).unwrap();
    let broken = json(at, "mask check --arch lenet-5 c --json");
    let name = &arch.prunable()[middle].name;
    assert_eq!(broken["collapsed"], serde_json::json!([name]));
    assert_eq!((&broken["sound"], &broken["connected"]), (&false.into(), &false.into()));
    assert_eq!(broken["on_no_path"], broken["kept"]);
    assert!(
        stdout(at, "mask check --arch lenet-5 c").contains("no path leads from input to output")
    );
    refuses(at, "mask check --arch resnet20 m", 1, &["m", "resnet20"]);
}
