//! Every result says where it comes from, in the fields that `docs/formats.md` lists.

use std::collections::BTreeSet;
use std::path::Path;

use phew_graph::{Mask, Provenance, SCHEMA};
use serde_json::Value;

use crate::common::{folder, json, stdout};

/// The fields of the first table of the document.
fn documented() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/formats.md");
    let text = std::fs::read_to_string(path).unwrap();
    let table = text.split("| field | what | example |").nth(1).unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('`').nth(1).unwrap().to_owned()).collect()
}

/// All fields of the schema.
fn fields() -> BTreeSet<String> {
    let text = || Some("x".to_owned());
    let all = Provenance {
        arch: "x".into(),
        arch_hash: text(),
        data: text(),
        data_hash: text(),
        density: Some(0.5),
        device: text(),
        extensions: vec!["attention".to_owned()],
        init: text(),
        kept: Some(1),
        libtorch: text(),
        mask: text(),
        method: text(),
        norm_scale: text(),
        parameters: [("a".to_owned(), 1.into())].into(),
        prunable: Some(1),
        run_seed: Some(1),
        schema: SCHEMA,
        seed: Some(1),
        threads: Some(1),
        version: "x".into(),
        weights: "x".into(),
        weights_seed: Some(1),
    };
    let Value::Object(all) = serde_json::to_value(all).unwrap() else { unreachable!() };
    all.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn the_document_lists_the_fields_of_the_schema_and_no_other() {
    assert_eq!(documented(), fields());
}

#[test]
fn the_mask_and_the_report_say_the_same_but_for_the_threads() {
    let folder = folder();
    let at = folder.path();
    for options in
        ["--bias uniform --norm-scale uniform", "--method random-erk", "--method top-paths"]
    {
        let line =
            format!("prune --arch resnet20 --density 0.05 --seed 3 {options} -o m --force --json");
        let report = json(at, &line);
        let (mask, from) = Mask::load(&at.join("m")).unwrap();
        let Value::Object(from) = serde_json::to_value(from.unwrap()).unwrap() else {
            unreachable!()
        };
        for (name, value) in &from {
            assert_eq!(report[name], *value, "{options}: {name}");
        }
        for name in ["arch_hash", "weights", "weights_seed", "init", "seed", "density", "schema"] {
            assert!(from.contains_key(name), "{options}: {name}");
        }
        assert!(!from.contains_key("threads"), "the bytes do not depend on them");
        assert!(report["threads"].as_u64().unwrap() > 0);
        assert_eq!(report["kept"], mask.kept());
        let shown = json(at, "inspect --arch resnet20 --mask m --json");
        assert_eq!(shown["made_by"], Value::Object(from));
    }
    // Two requests that differ in an option alone differ in what they say.
    let said = |options: &str| {
        json(at, &format!("prune --arch lenet-5 --density 0.1 {options} -o n --force --json"))["parameters"].clone()
    };
    let all = ["", "--bias uniform", "--skips main", "--granularity kernel", "--starts forward"];
    let different: BTreeSet<String> = all.iter().map(|options| said(options).to_string()).collect();
    assert_eq!(different.len(), all.len());
}

#[test]
fn every_json_names_its_schema_and_version() {
    let folder = folder();
    let at = folder.path();
    stdout(at, "prune --arch lenet-5 --density 0.1 -o m");
    for line in [
        "init --arch lenet-5 -o w",
        "prune --arch lenet-5 --density 0.1 -o n",
        "prune --list-methods",
        "inspect --arch lenet-5 --mask m",
        "compare --arch lenet-5 m m",
        "transform shuffle --arch lenet-5 --mask m -o s",
        "compact --arch lenet-5 --mask m -o small",
        "pack --arch lenet-5 --mask m -o packed",
        "node-path --arch lenet-5 m",
        "verify lemma3 --scale small",
        "archs",
        "archs lenet-5",
        "doctor",
        "completions bash",
        "man man",
    ] {
        let report = json(at, &format!("{line} --json"));
        assert_eq!(report["schema"], SCHEMA, "{line}");
        assert_eq!(report["version"], env!("CARGO_PKG_VERSION"), "{line}");
    }
}

#[test]
fn masks_and_rows_of_schema_1_are_read() {
    let folder = folder();
    let at = folder.path();
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("../phew-graph/tests/files/schema-1");
    let mask = old.join("walks.safetensors");
    let line = format!("inspect --arch mlp-8-6-4 --mask {} --json", mask.display());
    let shown = json(at, &line);
    assert_eq!((&shown["kept"], &shown["made_by"]["schema"]), (&28.into(), &1.into()));
    assert_eq!(shown["made_by"]["weights_seed"], 1);
    // A transformation writes today's.
    let line = format!("transform shuffle --arch mlp-8-6-4 --mask {} -o s", mask.display());
    stdout(at, &line);
    let (_, from) = Mask::load(&at.join("s")).unwrap();
    let from = from.unwrap();
    assert_eq!((from.schema, from.weights_seed, from.density), (SCHEMA, Some(1), Some(0.4)));
    let rows = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/schema-1/rows.jsonl");
    std::fs::create_dir(at.join("sweep")).unwrap();
    std::fs::copy(rows, at.join("sweep/rows.jsonl")).unwrap();
    stdout(at, "plot sweep --x density --y kept -o figure.svg");
    assert!(at.join("figure.svg").is_file());
}
