//! `phew reproduce`, end to end: reproductions at scale `smoke`, and what comes of them.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::common::{command, folder, refuses};

/// This build's own jobs alone, on data where there is nothing but what is drawn.
fn phew(at: &Path, line: &str) -> Output {
    let mut command = command(at, line);
    command.env("PHEW_TORCH", "none").env("PHEW_DATA", at.join("data")).output().unwrap()
}

fn json(at: &Path, line: &str) -> Value {
    let output = phew(at, line);
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// All reproductions with their papers.
fn all(at: &Path) -> Vec<(String, String)> {
    let list = json(at, "reproduce list --json");
    let word = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    let list = list["reproductions"].as_array().unwrap();
    list.iter().map(|one| (word(one, "id"), word(one, "paper"))).collect()
}

/// Looks at what a reproduction reported and left.
fn check(at: &Path, id: &str, paper: &str, report: &Value) {
    assert_eq!(report["jobs"], report["done"], "{id}: {report}");
    assert_eq!(report["rows"], report["complete"], "{id}");
    let folder = at.join(format!("reproductions/{id}-smoke"));
    let rows = read(folder.join("rows.jsonl"));
    assert_eq!(Some(rows.lines().count() as u64), report["rows"].as_u64(), "{id}");
    let figures = report["figures"].as_array().unwrap();
    assert!(figures.len() >= 3 && report["undrawn"].as_array().unwrap().is_empty(), "{id}");
    for file in figures.iter().map(|file| at.join(file.as_str().unwrap())) {
        let size = std::fs::metadata(&file).unwrap().len();
        assert!(size > 0, "{}", file.display());
        if file.extension().unwrap() == "csv" {
            assert!(read(&file).lines().count() > 1, "{}", file.display());
        }
    }
    let page = read(folder.join("report.html"));
    assert!(page.contains(&paper.replace('&', "&amp;")), "{id}: the page lacks {paper}");
    assert!(page.contains("<svg"), "{id}");
}

/// Those that need no libtorch.
#[cfg(not(feature = "train"))]
const MASKS: [&str; 5] =
    ["001-figure-8", "001-figure-9", "003-figure-7", "003-figure-8", "003-figure-10"];

#[cfg(not(feature = "train"))]
#[test]
fn reproductions_of_masks_are_done_and_the_others_say_what_they_need() {
    let folder = folder();
    let at = folder.path();
    for (id, paper) in all(at) {
        let line = format!("reproduce {id} --scale smoke --json");
        if MASKS.contains(&&*id) {
            check(at, &id, &paper, &json(at, &line));
        } else {
            let output = phew(at, &line);
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{id}: {error}");
            assert!(error.contains("needs libtorch") && error.contains("make build"), "{error}");
        }
    }
}

/// Every third; all of them where `PHEW_ALL_REPRODUCTIONS` is set.
#[cfg(feature = "train")]
#[test]
fn reproductions_are_done() {
    let folder = folder();
    let at = folder.path();
    let step = if std::env::var_os("PHEW_ALL_REPRODUCTIONS").is_some() { 1 } else { 3 };
    let mut wrong = Vec::new();
    for (id, paper) in all(at).into_iter().step_by(step) {
        let output = phew(at, &format!("reproduce {id} --scale smoke --json"));
        match output.status.success() {
            true => check(at, &id, &paper, &serde_json::from_slice(&output.stdout).unwrap()),
            false => wrong.push(format!("{id}: {}", String::from_utf8_lossy(&output.stderr))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

#[test]
fn a_reproduction_goes_on_and_its_plans_are_those_of_a_sweep() {
    let folder = folder();
    let at = folder.path();
    let line = "reproduce 001-figure-8 --scale smoke --json";
    let dry = json(at, &format!("{line} --dry-run"));
    assert!(!at.join("reproductions").exists() && dry["cells"].as_u64() > Some(0), "{dry}");
    let part = json(at, &format!("{line} --max-jobs 3"));
    assert_eq!((&part["ran"], part["left"].as_u64() > Some(0)), (&3.into(), true), "{part}");
    let list = |output: &str| {
        let list = json(at, &format!("reproduce list --json {output}"));
        let found = list["reproductions"].as_array().unwrap().iter();
        let one = found.clone().find(|one| one["id"] == "001-figure-8").unwrap().clone();
        let begun = found.filter(|one| !one["scales"][2]["jobs"].is_null()).count();
        (one["scales"][2]["done"].clone(), begun)
    };
    assert_eq!(list(""), (3.into(), 1));
    assert_eq!(list("-o reproductions/001-figure-8-smoke"), (3.into(), 1));
    let whole = json(at, line);
    assert_eq!(whole["jobs"].as_u64(), whole["ran"].as_u64().map(|ran| ran + 3));
    assert_eq!(json(at, line)["ran"], 0);
    let own = "reproductions/001-figure-8-smoke";
    let record: toml::Table = read(at.join(own).join("reproduction.toml")).parse().unwrap();
    let plan = record["plans"][0].as_str().unwrap();
    let again = json(at, &format!("sweep {own}/{plan}.toml -o s --store {own} --json"));
    assert_eq!((&again["ran"], &again["done"]), (&0.into(), &whole["jobs"]), "{again}");
    // What was shrunk stands on the figure.
    let svg = whole["figures"][0].as_str().unwrap();
    assert!(read(at.join(svg)).contains("Shrunk:"), "{svg}");

    let text = String::from_utf8(phew(at, "reproduce list").stdout).unwrap();
    let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(
        widest <= 80 && text.contains("Frankle et al. 2021\n") && text.contains("done"),
        "{text}"
    );

    refuses(at, "reproduce 001-figure-88", 2, &["`001-figure-88`", "reproduce list"]);
    let other = format!("reproduce 003-figure-7 --scale smoke -o {own}");
    refuses(at, &other, 2, &["is the folder of 001-figure-8 at scale smoke"]);
    refuses(at, "reproduce", 2, &["ID"]);
}

#[cfg(feature = "train")]
#[test]
fn data_that_are_not_there_are_asked_for_before_anything_runs_and_others_can_take_their_place() {
    let folder = folder();
    let at = folder.path();
    let error = |line: &str| {
        let output = phew(at, line);
        assert_eq!(output.status.code(), Some(2), "{line}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let line = "reproduce 002-figure-2";
    let found = error(line);
    assert!(found.contains("phew data fetch cifar10") && found.contains("data/cifar10"), "{found}");
    let found = error(&format!("{line} --scale paper"));
    assert!(found.contains("--data-dir folder=DIR") && found.contains("--only"), "{found}");
    assert!(!at.join("reproductions").exists());
    std::fs::create_dir(at.join("images")).unwrap();
    std::fs::write(at.join("images/readme"), "none").unwrap();
    let dir = "--data-dir folder=images --scale paper --dry-run";
    let found = error(&format!("{line} {dir}"));
    assert!(!found.contains("folder=DIR") && found.contains("tiny-imagenet"), "{found}");

    let line = "reproduce 004-figure-1 --scale small --data digits --only density=0.1|0.5,arch=mlp7-tanh-100 --json";
    let report = json(at, line);
    let svg = read(at.join(report["figures"][0].as_str().unwrap()));
    assert!(svg.contains("Data set digits in place of the plan's."));
}
