//! `phew transform` and `phew node-path`, end to end.

use std::path::Path;

use phew_graph::{Init, Mask, Network, Overwrite, zoo};
use serde_json::Value;

use crate::common::{self, refuses, stdout};

const ARCH: &str = "--arch mlp-30-40-10";

fn json(folder: &Path, line: &str) -> Value {
    common::json(folder, &format!("{line} --json"))
}

fn load(folder: &Path, name: &str) -> (Mask, Value) {
    let (mask, info) = Mask::load(&folder.join(name)).unwrap();
    (mask, serde_json::to_value(info.unwrap()).unwrap())
}

/// A folder with weights `w` and a mask `m` by a method.
fn folder(method: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    stdout(folder.path(), &format!("init {ARCH} -o w.safetensors"));
    let prune = "--density 0.1 --weights w.safetensors -o m.safetensors";
    stdout(folder.path(), &format!("prune {ARCH} --method {method} {prune}"));
    folder
}

#[test]
fn a_shuffled_mask_keeps_each_layers_count_and_little_else_and_says_so() {
    let folder = folder("synflow");
    let at = folder.path();
    let line = format!("transform shuffle {ARCH} --mask m.safetensors --seed 3 -o");
    let report = json(at, &format!("{line} s.safetensors"));
    let ((before, _), (after, note)) = (load(at, "m.safetensors"), load(at, "s.safetensors"));
    for (a, b) in before.layers().iter().zip(after.layers()) {
        assert_eq!(a.kept(), b.kept());
    }
    // Two random tenths of a layer have a Jaccard similarity of 0.05 in the mean.
    let jaccard = before.jaccard(&after).unwrap();
    assert!(jaccard < 0.2, "{jaccard}");
    assert!((report["jaccard"].as_f64().unwrap() - jaccard).abs() < 1e-15);
    assert_eq!(note["method"], "synflow");
    let shuffled = serde_json::json!({ "name": "shuffle", "seed": 3 });
    assert_eq!(note["parameters"]["transformations"], serde_json::json!([shuffled]));
    // The same seed gives the same bytes, another one another mask; a second transformation is noted after the first.
    stdout(at, &format!("{line} again.safetensors"));
    let bytes = |name: &str| std::fs::read(at.join(name)).unwrap();
    assert!(bytes("s.safetensors") == bytes("again.safetensors"));
    let other = format!("transform shuffle {ARCH} --mask s.safetensors --seed 4 -o t.safetensors");
    stdout(at, &other);
    let (other, note) = load(at, "t.safetensors");
    assert!(other != after);
    assert_eq!(note["parameters"]["transformations"].as_array().unwrap().len(), 2);
}

#[test]
fn a_width_factor_of_0_keeps_the_units_and_of_1_takes_all() {
    let folder = folder("synflow");
    let widen = |factor: f64| {
        let line = format!(
            "transform widen {ARCH} --mask m.safetensors --factor {factor} -o w{factor}.safetensors"
        );
        json(folder.path(), &line)
    };
    let (narrow, wide) = (widen(0.0), widen(1.0));
    assert_eq!((&narrow["kept"], &wide["kept"]), (&160.into(), &160.into()));
    assert_eq!(narrow["units"], narrow["units_before"]);
    assert_eq!(wide["units"], 50);
    assert!(narrow["units"].as_u64().unwrap() < 40, "{narrow}");
}

#[test]
fn repair_drops_what_lies_on_no_path_and_refills_on_request() {
    let folder = folder("random");
    let at = folder.path();
    let repair = format!("transform repair {ARCH} --mask m.safetensors -o");
    let dropped = json(at, &format!("{repair} r.safetensors"));
    let gone = dropped["dropped"].as_u64().unwrap();
    assert!(gone > 0 && dropped["refilled"] == 0, "{dropped}");
    assert_eq!(dropped["kept"].as_u64().unwrap(), 160 - gone);
    assert_eq!(dropped["kept"], dropped["effective"]);
    let filled = json(at, &format!("{repair} f.safetensors --refill --seed 1"));
    assert_eq!((&filled["kept"], &filled["effective"]), (&160.into(), &160.into()));
    assert_eq!(filled["refilled"].as_u64().unwrap(), gone);
    let table = stdout(at, &format!("{repair} t.safetensors"));
    assert!(table.contains(&format!("{gone} dropped, 0 refilled")), "{table}");
}

#[test]
fn reinitialised_weights_have_the_variance_of_their_rule() {
    let folder = folder("random-uniform");
    let at = folder.path();
    let std = |how: &str, init: &str| {
        let line = format!(
            "transform reinit {ARCH} --mask m.safetensors --weights w.safetensors --seed 1 --how {how} \
             --init {init} -o {how}-{init}.safetensors --force"
        );
        json(at, &line)["layers"][0]["std"].as_f64().unwrap()
    };
    // 120 kept weights of fan-in 30: a standard deviation is within four standard errors of 6.5 %.
    let close =
        |found: f64, want: f64| assert!((found / want - 1.0).abs() < 0.26, "{found} {want}");
    close(std("dense", "kaiming-normal"), (2.0f64 / 30.0).sqrt());
    close(std("dense", "normal:1"), 1.0);
    let (dense, sparse) =
        (std("dense", "kaiming-normal"), std("layerwise-sparse", "kaiming-normal"));
    // The same draws over the root of the density, a tenth.
    assert!((sparse / dense - 10f64.sqrt()).abs() < 1e-5, "{sparse} {dense}");
    assert!(std("neuronwise-sparse", "kaiming-normal") > 2.0 * dense);
    // What was written is a network again.
    let prune = "prune --weights dense-normal:1.safetensors --method magnitude --density 0.1";
    stdout(at, &format!("{prune} {ARCH} -o again.safetensors"));
}

#[test]
fn isometry_falls_and_convergence_is_reported_for_each_layer() {
    let folder = folder("random");
    let at = folder.path();
    let line = format!("transform isometry {ARCH} --mask m.safetensors --weights w.safetensors -o");
    let report = json(at, &format!("{line} i.safetensors"));
    for layer in report["layers"].as_array().unwrap() {
        assert_eq!(layer["converged"], true, "{layer}");
        assert!(layer["after"].as_f64() < layer["before"].as_f64(), "{layer}");
    }
    let short = stdout(at, &format!("{line} j.safetensors --iterations 1"));
    assert!(short.contains("0 of 2 layers converged"), "{short}");
}

#[test]
fn isometry_names_the_weights_of_0_that_stay() {
    let folder = folder("random");
    let at = folder.path();
    let arch = zoo::by_name("mlp-30-40-10").unwrap().build().unwrap();
    let zeros = arch.prunable().iter().map(|t| vec![0.0; t.len()]).collect();
    let network = Network::initialise(arch, Init::default(), 0).unwrap();
    let network = network.with_weights(zeros).unwrap();
    network.save(&at.join("z.safetensors"), Overwrite::Refuse).unwrap();
    let line = format!("transform isometry {ARCH} --mask m.safetensors --weights z.safetensors -o");
    let told = stdout(at, &format!("{line} i.safetensors"));
    assert!(told.contains("0 of 2 layers converged") && told.contains("of 0 that no"), "{told}");
    let report = json(at, &format!("{line} j.safetensors"));
    assert!(report["layers"][0]["stuck"].as_u64() > Some(0), "{report}");
}

#[test]
fn random_masks_have_many_nodes_and_few_paths_and_synflow_few_nodes_and_many_paths() {
    let folder = folder("synflow");
    let at = folder.path();
    stdout(at, &format!("prune {ARCH} --method random --density 0.1 -o r.safetensors"));
    let report = json(at, &format!("node-path {ARCH} m.safetensors r.safetensors"));
    let of = |m: usize, what: &str| report["masks"][m][what].as_f64().unwrap();
    assert!(of(0, "nodes") < of(1, "nodes") && of(0, "paths") > of(1, "paths"), "{report}");
    assert_eq!(report["masks"][0]["method"], "synflow");
    for m in 0..2 {
        let want = 0.7 * of(m, "nodes") + 0.3 * of(m, "paths");
        assert!((of(m, "objective") - want).abs() < 1e-12);
    }
    let table = stdout(at, &format!("node-path {ARCH} m.safetensors --alpha 0.5"));
    assert!(table.contains("fc1.weight") && table.contains("mean"), "{table}");
}

#[test]
fn requests_that_make_no_sense_are_usage_errors_and_write_nothing() {
    let folder = folder("synflow");
    let at = folder.path();
    let mask = format!("{ARCH} --mask m.safetensors -o x.safetensors");
    let cases = [
        (format!("transform widen {mask} --factor 1.5"), "width factor is 1.5"),
        (format!("transform widen {mask}"), "--factor"),
        (format!("transform repair {mask} --seed 1"), "--refill"),
        (format!("transform reinit {mask}"), "--weights"),
        (
            format!("transform isometry {mask} --weights w.safetensors --tolerance 0"),
            "tolerance is 0",
        ),
        (
            format!("transform shuffle {ARCH} --mask m.safetensors -o m.safetensors"),
            "already exists",
        ),
        (format!("node-path {ARCH} m.safetensors --alpha 2"), "--alpha is 2"),
        (
            format!("prune {ARCH} --density 0.1 -o x.safetensors --method random --temperature 2"),
            "--temperature is not an option of method `random`",
        ),
        (
            format!("prune {ARCH} --density 0.1 -o x.safetensors --draws 2"),
            "--draws is not an option",
        ),
    ];
    for (line, part) in cases {
        refuses(at, &line, 2, &[part]);
    }
    // A mask of another architecture is a failure that names what is wrong.
    let other = "transform shuffle --arch mlp-30-41-10 --mask m.safetensors -o x.safetensors";
    refuses(at, other, 1, &["fc1.weight"]);
}
