//! `phew inspect`, `phew verify`: the theory's numbers, end to end.

use phew_graph::{Arch, Mask, read_scores};
use serde_json::Value;

use crate::common::{folder, json, phew, refuses, stdout};

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

#[test]
fn inspect_measures_weights_and_masks() {
    let folder = folder();
    let at = folder.path();
    let line = "inspect --arch mlp-4-3-2 --init-seed 1 --metrics --isometry --spectrum 2 --json";
    let metrics = &json(at, line)["metrics"];
    assert_eq!(metrics["paths"], "24");
    assert_eq!(metrics["flops"], 2 * (12 + 6));
    assert_eq!(metrics["isometry"][0]["singular_values"]["values"].as_array().unwrap().len(), 3);
    let shares = numbers(&metrics["spectrum"]["shares"]);
    assert!(shares.len() == 2 && shares[0] >= shares[1]);
    let trace = number(&metrics["ln_path_kernel_trace"]);
    assert!((trace - number(&metrics["spectrum"]["ln_trace"])).abs() < 1e-12);
    assert!(json(at, "inspect --arch mlp-4-3-2 --json").get("metrics").is_none());
    let table = stdout(at, "inspect --arch lenet-5 --metrics");
    for part in ["hidden stub units", "FLOPs", "ln E[π²]", "Mean square of", "kept paths through"]
    {
        assert!(table.contains(part), "{table}");
    }
    refuses(at, "inspect --arch lenet-5 --spectrum 0", 2, &["--spectrum", "at least 1"]);
}

#[test]
fn a_mask_measured_on_weights_that_it_was_not_made_from_says_so() {
    let folder = folder();
    let at = folder.path();
    json(at, "prune --arch lenet-5 --density 0.1 --init-seed 3 -o m --json");
    let inspect = "inspect --arch lenet-5 --mask m --metrics --init-seed";
    let of_mask = |seed: u8| {
        json(at, &format!("{inspect} {seed} --json"))["metrics"]["weights_of_mask"].clone()
    };
    assert_eq!([of_mask(3), of_mask(0)], [true, false]);
    assert!(stdout(at, &format!("{inspect} 0")).contains("not those that the mask was made from"));
    assert!(!stdout(at, &format!("{inspect} 3")).contains("not those"));
    let dense = json(at, "inspect --arch lenet-5 --metrics --json");
    assert!(dense["metrics"]["weights_of_mask"].is_null());
}

#[test]
fn a_unit_that_several_tensors_lead_to_is_dead_once_and_only_if_none_reaches_it() {
    let folder = folder();
    let at = folder.path();
    json(at, "prune --arch resnet20 --density 0.02 --method random -o m --json");
    let seen = json(at, "inspect --arch resnet20 --mask m --metrics --json");
    let layers = seen["metrics"]["structure"]["layers"].as_array().unwrap();
    let dead = |l: &Value| l["units"].as_u64().unwrap() - l["alive"].as_u64().unwrap();
    let expected: u64 = layers[1..].iter().map(dead).sum();
    assert!(expected > 0 && seen["dead_units"] == expected, "{expected} {}", seen["dead_units"]);
    // An identity leads to the units of a sum that the block's own weights do not.
    let by_tensor = |l: &Value| l["units"].as_u64().unwrap() - l["units_alive"].as_u64().unwrap();
    assert!(seen["layers"].as_array().unwrap().iter().map(by_tensor).sum::<u64>() > expected);
    let moved = json(at, "transform shuffle --arch resnet20 --mask m -o s --json");
    let all: u64 = layers[1..].iter().map(|l| l["units"].as_u64().unwrap()).sum();
    assert_eq!(moved["units_before"], all - expected);
    // A flattened map has no weights of its own: LeNet-5 has 6 + 16 channels and 120 + 84 + 10 features.
    json(at, "prune --arch lenet-5 --density 0.01 --method random -o l --json");
    let moved = json(at, "transform repair --arch lenet-5 --mask l -o r --json");
    let dead = json(at, "inspect --arch lenet-5 --mask l --json")["dead_units"].as_u64().unwrap();
    assert_eq!(moved["units_before"], 236 - dead);
}

#[test]
fn options_that_would_do_nothing_are_refused() {
    let folder = folder();
    let inspect = |rest: &str, part: &str| {
        refuses(folder.path(), &format!("inspect --arch mlp-4-3-2 {rest}"), 2, &[part]);
    };
    inspect("--weights none", "--weights");
    inspect("--init orthogonal", "--init");
    inspect("--init-seed 1", "--init-seed");
    inspect("--metrics --limit 5", "--limit");
    inspect("--toml --metrics", "--toml");
}

#[test]
fn tables_beyond_memory_are_refused() {
    let folder = folder();
    let inspect = |rest: &str| {
        refuses(folder.path(), &format!("inspect --arch {rest}"), 1, &["no memory for"]);
    };
    // Of 5.9 million paths and of 25 million weights: squares beyond what an address can reach.
    let most = usize::MAX;
    inspect(&format!("mlp-99-300-200 --path-kernel --limit {most}"));
    inspect(&format!("mlp-9-5000-5000-9 --spectrum {most}"));
    // Where all eigenvalues are few, more than all are all.
    let all = json(folder.path(), &format!("inspect --arch mlp-4-3-2 --spectrum {most} --json"));
    assert!(near(number(&all["metrics"]["spectrum"]["explained"]), 1.0));
}

#[test]
fn what_is_summarised_by_layer_is_whole_in_json() {
    let folder = folder();
    let at = folder.path();
    json(at, "prune --arch lenet-5 --density 0.1 -o m.safetensors --json");
    let metrics =
        &json(at, "inspect --arch lenet-5 --mask m.safetensors --metrics --json")["metrics"];
    let layers = metrics["structure"]["layers"].as_array().unwrap();
    for layer in layers {
        let degrees = numbers(&layer["in_degree"]["units"]);
        assert_eq!(degrees.len() as u64, layer["units"].as_u64().unwrap());
        let mean = degrees.iter().sum::<f64>() / degrees.len() as f64;
        assert!((mean - number(&layer["in_degree"]["mean"])).abs() < 1e-12);
    }
    let walks = metrics["walks"].as_array().unwrap();
    let names: Vec<&str> = walks.iter().map(|w| w["bias"].as_str().unwrap()).collect();
    assert_eq!(names, ["magnitude", "uniform", "inverse"]);
    for walk in walks {
        for (layer, of) in walk["layers"].as_array().unwrap().iter().zip(layers) {
            let visits = numbers(&layer["visits"]);
            assert_eq!(
                (&layer["name"], visits.len() as u64),
                (&of["name"], of["units"].as_u64().unwrap())
            );
            assert!(near(visits.iter().sum::<f64>(), 1.0), "LeNet-5 is a chain");
        }
        assert_eq!(walk["steps"].as_array().unwrap().len(), 5);
    }
    // Biased walks step over greater weights, and PHEW's mask keeps greater ones.
    let square = |walk: usize| number(&walks[walk]["steps"][3]["square"]);
    assert!(square(0) > 1.5 * square(1) && square(1) > square(2));
    let mean = numbers(&metrics["mean_squares"][3]);
    assert!(near(mean[0], square(1)) && mean[1] > mean[0], "{mean:?}");
    // The mean over paths is the sum over their number.
    let paths = number(&metrics["ln_paths"]);
    assert!(near(
        number(&metrics["mean_path"]["ln_product"]) + paths,
        number(&metrics["ln_synflow"])
    ));
    let [min, mean, max] =
        ["min", "mean", "max"].map(|k| number(&metrics["per_weight"][1]["ln_paths"][k]));
    assert!(min <= mean && mean <= max && max <= paths);
}

#[test]
fn small_networks_show_every_path_and_the_kernel() {
    let folder = folder();
    let at = folder.path();
    let line =
        "inspect --arch mlp-2-3-2 --init-seed 5 --metrics --spectrum 20 --paths --path-kernel";
    let metrics = &json(at, &format!("{line} --json"))["metrics"];
    let paths = metrics["path_list"].as_array().unwrap();
    assert_eq!(paths.len(), 12);
    assert_eq!(
        paths[0]["weights"][0],
        serde_json::json!({"tensor": "fc1.weight", "index": [0, 0]})
    );
    let products: f64 = paths.iter().map(|p| number(&p["product"]).abs()).sum();
    assert!(near(products.ln(), number(&metrics["ln_synflow"])));
    assert_eq!(metrics["weight_paths"][1]["counts"], serde_json::json!([2, 2, 2, 2, 2, 2]));
    let kernel: Vec<Vec<f64>> =
        metrics["path_kernel"].as_array().unwrap().iter().map(numbers).collect();
    let trace: f64 = (0..12).map(|p| kernel[p][p]).sum();
    assert!(near(trace.ln(), number(&metrics["ln_path_kernel_trace"])));
    assert!((0..12).all(|p| (0..12).all(|q| kernel[p][q].to_bits() == kernel[q][p].to_bits())));
    let table = stdout(at, line);
    assert!(
        table.contains("fc1.weight[2,1] fc2.weight[1,2]") && table.contains("2 2 2 | 2 2 2"),
        "{table}"
    );
    for flag in ["--paths", "--path-kernel"] {
        let line = format!("inspect --arch lenet-300-100 {flag}");
        refuses(at, &line, 2, &["number of paths: 2.3520e8, expected at most 1000", "--limit"]);
    }
    let wide = stdout(at, "inspect --arch mlp-4-4-4 --path-kernel");
    assert!(wide.contains("64×64, too wide"), "{wide}");
}

#[test]
fn the_spectral_density_adds_up_to_the_weights_and_the_trace() {
    let folder = folder();
    let at = folder.path();
    let line = "inspect --arch mlp-8-12-12-4 --spectral-density --probes 40";
    let found = &json(at, &format!("{line} --json"))["metrics"]["spectral_density"];
    let bins = found["bins"].as_array().unwrap();
    let sum = |key: &str| bins.iter().map(|b| number(&b[key])).sum::<f64>();
    let weights = (8 * 12 + 12 * 12 + 12 * 4) as f64;
    assert!((sum("count") + number(&found["zeros"]) - weights).abs() < 1e-6);
    assert!((sum("trace") - number(&found["trace"]["mean"])).abs() < 1e-9);
    assert!((number(&found["trace"]["mean"]) - 1.0).abs() < 5.0 * number(&found["trace"]["error"]));
    assert!(number(&found["effective_rank"]) > number(&found["participation_ratio"]));
    assert!(stdout(at, line).contains("effective rank"));
    refuses(
        at,
        "inspect --arch lenet-5 --spectral-density --probes 1",
        2,
        &["--probes", "at least 2"],
    );
    refuses(at, "inspect --arch lenet-5 --probes 5", 2, &["--spectral-density"]);
}

#[test]
fn a_mask_without_paths_has_dashes_in_tables_null_in_json_and_a_spectrum_of_zeros() {
    let folder = folder();
    let at = folder.path();
    // One weight cannot be a path.
    let pruned = stdout(at, "prune --arch mlp-9-8-2 --method magnitude --density 0.012 -o m");
    assert!(pruned.contains("in 1 step, 0 of them"), "{pruned}");
    let inspect = "inspect --arch mlp-9-8-2 --mask m --metrics --spectrum 3 --spectral-density";
    let table = stdout(at, inspect);
    assert!(!table.contains("NaN") && table.contains("kept paths alike        –"), "{table}");
    assert_eq!(table.matches("path kernel: all eigenvalues are 0").count(), 2, "{table}");
    let metrics = &json(at, &format!("{inspect} --json"))["metrics"];
    assert!(metrics["mean_path"]["ln_product"].is_null());
    assert_eq!(metrics["spectrum"]["shares"].as_array().unwrap().len(), 0);
    let density = &metrics["spectral_density"];
    assert_eq!((number(&density["zeros"]), density["bins"].as_array().unwrap().len()), (1.0, 0));
    assert!(density["trace"]["mean"].is_null() && density["effective_rank"].is_null());
}

const LINEAR: &str = r#"
name = "linear"

[[op]]
name = "input"
type = "input"
shape = [3]

[[op]]
name = "fc1"
type = "linear"
out = 5

[[op]]
name = "fc2"
type = "linear"
out = 2
"#;

#[test]
fn linear_networks_have_a_jacobian_and_others_are_refused() {
    let folder = folder();
    let at = folder.path();
    std::fs::write(at.join("linear.toml"), LINEAR).unwrap();
    let metrics = &json(at, "inspect --arch linear.toml --jacobian --json")["metrics"];
    assert_eq!(numbers(&metrics["jacobian"]["values"]).len(), 2);
    assert!(stdout(at, "inspect --arch linear.toml --jacobian").contains("Jacobian"));
    refuses(at, "inspect --arch lenet-5 --jacobian", 1, &["`relu1`", "not linear"]);
}

#[test]
fn numbers_by_weight_go_to_files_that_walks_can_follow() {
    let folder = folder();
    let at = folder.path();
    let arch: Arch = phew_graph::zoo::by_name("mlp-6-8-4").unwrap().build().unwrap();
    let kinds =
        ["paths", "synflow", "synflow-l2", "trace", "visits", "visits-uniform", "visits-inverse"];
    let requests: Vec<String> =
        kinds.iter().map(|k| format!("--per-weight {k}={k}.safetensors")).collect();
    let line = format!("inspect --arch mlp-6-8-4 --metrics {} --json", requests.join(" "));
    let metrics = &json(at, &line)["metrics"];
    for (written, kind) in metrics["written"].as_array().unwrap().iter().zip(kinds) {
        assert_eq!(written["quantity"], kind);
        // Shares, and visits of one walk, add up to one for each layer; the trace's to one in all.
        let file = at.join(format!("{kind}.safetensors"));
        let bytes = std::fs::read(&file).unwrap();
        let values = bytes[bytes.len() - 80 * 8..].chunks_exact(8);
        let total: f64 = values.map(|b| f64::from_le_bytes(b.try_into().unwrap())).sum();
        assert!(near(total, if kind == "trace" { 1.0 } else { 2.0 }), "{kind}: {total}");
        assert_eq!(read_scores(&file, &arch).unwrap().len(), 2);
        let note = String::from_utf8_lossy(&bytes);
        assert!(
            note.contains("phew") && note.contains(&format!("quantity\\\":\\\"{kind}")),
            "{note}"
        );
    }
    assert!(near(number(&metrics["written"][0]["ln_total"]), 192f64.ln()));
    assert!(metrics["written"][4]["ln_total"].is_null());
    // SynFlow's shares are |θ| times a factor of each unit: walks of them prefer other weights.
    let prune = |scores: &str| {
        let line = format!(
            "prune --arch mlp-6-8-4 --density 0.3 {scores} -o m.safetensors --force --json"
        );
        json(at, &line);
        Mask::load(&at.join("m.safetensors")).unwrap().0
    };
    assert_ne!(prune("--scores trace.safetensors"), prune(""));
    refuses(
        at,
        "inspect --arch mlp-6-8-4 --per-weight trace=trace.safetensors",
        2,
        &["already exists", "--force"],
    );
    refuses(at, "inspect --arch mlp-6-8-4 --per-weight rank=x", 2, &["`rank`", "visits-inverse"]);
    refuses(at, "inspect --arch mlp-6-8-4 --per-weight trace", 2, &["trace=FILE"]);
    refuses(at, "inspect --arch mlp-6-8-4 --force", 2, &["--per-weight"]);
}

#[test]
fn claims_are_checked_and_say_where_they_fail() {
    let folder = folder();
    let at = folder.path();
    let report = json(at, "verify lemma2 theorem1 --scale small --json");
    let claims = report["claims"].as_array().unwrap();
    assert_eq!([&claims[0]["claim"], &claims[1]["claim"]], ["lemma2", "theorem1"]);
    assert!(claims.iter().all(|c| c["verdict"] == "fails" && c["checks"].is_array()));
    let text = phew(at, "verify lemma2 --scale small");
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.starts_with("lemma2: FAILS") && text.contains("[25, 10, 25]: 6250"), "{text}");
    let twice = json(at, "verify lemma2 lemma2 --scale small --json");
    assert_eq!(twice["claims"].as_array().unwrap().len(), 1);
    refuses(at, "verify lemma5", 2, &["lemma5", "lemma4", "all"]);
    refuses(at, "verify lemma1 --scale huge", 2, &["huge", "paper"]);
}
