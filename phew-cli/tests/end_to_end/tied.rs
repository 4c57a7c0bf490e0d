//! Networks whose layers share a weight, end to end.

use std::path::Path;

use crate::common::{folder, json, refuses, stdout};

const TIED: &str = r#"
name = "tied"
[[op]]
name = "input"
type = "input"
shape = [6]
[[op]]
name = "first"
type = "linear"
out = 6
[[op]]
name = "relu"
type = "relu"
[[op]]
name = "second"
type = "linear"
out = 6
tensors = { weight = "first.weight", bias = "first.bias" }
[[op]]
name = "head"
type = "linear"
out = 2
"#;

fn with_network() -> tempfile::TempDir {
    let folder = folder();
    std::fs::write(folder.path().join("tied.toml"), TIED).unwrap();
    folder
}

fn inspected(at: &Path, more: &str) -> serde_json::Value {
    json(at, &format!("inspect --arch tied.toml --json {more}"))
}

#[test]
fn a_tied_weight_is_pruned_once_and_its_theory_says_what_it_leaves_out() {
    let folder = with_network();
    let at = folder.path();
    let report = json(at, "prune --arch tied.toml --density 0.5 -o m --json");
    assert_eq!(report["prunable"], 36 + 12);
    assert_eq!(report["extensions"], serde_json::json!(["tied weights"]));
    let report = inspected(at, "--mask m --metrics");
    assert_eq!(report["effective"], report["kept"]);
    let metrics = &report["metrics"];
    assert_eq!(metrics["tied_weight"], "first.weight");
    assert_eq!(metrics["paths_dense"], (6 * 6 * 6 * 2).to_string());
    assert_eq!(metrics["flops"], 2 * (36 * 2 + 12));
    let kernel = ["ln_path_kernel_trace", "path_kernel_trace_shares"];
    assert!(kernel.iter().all(|name| metrics[name].is_null()), "{metrics}");
    assert!(metrics["mean_path"]["ln_kernel"].is_null());
    let text = stdout(at, "inspect --arch tied.toml --mask m --metrics");
    assert!(text.contains("`first.weight` is the weight of several operators"), "{text}");
    for option in ["--spectrum 3", "--spectral-density", "--per-weight trace=t.safetensors"] {
        refuses(at, &format!("inspect --arch tied.toml {option}"), 1, &["`first.weight`"]);
    }
    stdout(at, "inspect --arch tied.toml --per-weight synflow=s.safetensors");
    stdout(at, "prune --arch tied.toml --scores s.safetensors --density 0.5 -o by-scores");
    let widen = "transform widen --arch tied.toml --mask m --factor 0.5 -o w";
    refuses(at, widen, 2, &["first.weight"]);
}

#[test]
fn every_method_that_needs_no_data_prunes_a_tied_weight() {
    let folder = with_network();
    let at = folder.path();
    for method in ["random", "magnitude", "synflow", "synflow-l2", "phew"] {
        let line = format!("prune --arch tied.toml --method {method} --density 0.4 -o {method}");
        stdout(at, &line);
        let report = inspected(at, &format!("--mask {method}"));
        assert_eq!(report["prunable"], 48, "{method}");
    }
    // The smaller network is the same one: layers that share tensors stay whole.
    stdout(at, "init --arch tied.toml -o w");
    stdout(at, "compact --arch tied.toml --weights w --mask synflow -o small");
}
