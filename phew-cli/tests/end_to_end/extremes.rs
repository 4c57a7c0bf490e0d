//! Networks at the edge of what numbers can hold: every metric is finite or refused by name, and JSON is strict.

use std::path::Path;

use phew_graph::ndarray::ArrayD;
use phew_graph::{Arch, Overwrite, write_arrays};
use serde_json::Value;

use crate::common::{folder, phew};

/// A network of so many linear layers of a width, without biases, as TOML.
fn deep(layers: usize, width: usize) -> String {
    let mut text =
        format!("name = 'deep'\n[[op]]\nname = 'input'\ntype = 'input'\nshape = [{width}]\n");
    for layer in 0..layers {
        text +=
            &format!("[[op]]\nname = 'fc{layer}'\ntype = 'linear'\nout = {width}\nbias = false\n");
    }
    text
}

/// What a weight is, by its layer's number, its row, its column, and a fraction that differs from weight to weight.
type Weight = fn(usize, usize, usize, f32) -> f32;

const KINDS: [(&str, Weight); 8] = [
    ("usual", |_, _, _, x| x - 0.5),
    ("1e38", |_, _, _, x| (1.0 + x) * 1e38),
    ("1e-38", |_, _, _, x| (1.0 + x) * 1e-38),
    ("denormal", |_, _, _, x| (1.0 + x) * 1e-44),
    ("both", |layer, _, _, x| (1.0 + x) * if layer % 2 == 0 { 1e38 } else { 1e-38 }),
    ("zeros", |layer, _, _, x| if layer == 1 { 0.0 } else { x }),
    ("all zeros", |_, _, _, _| 0.0),
    ("one-hot", |_, row, column, _| if row == column { 1.0 } else { 0.0 }),
];

const METRICS: [&str; 5] =
    ["--metrics", "--isometry", "--jacobian", "--spectrum 1", "--spectral-density"];

fn write(at: &Path, text: &str, value: Weight) {
    std::fs::write(at.join("x.toml"), text).unwrap();
    let arch = Arch::from_toml(text, "x").unwrap();
    let arrays: Vec<(String, ArrayD<f32>)> = arch
        .prunable()
        .iter()
        .enumerate()
        .map(|(layer, spec)| {
            let (rows, columns) = (spec.shape[0], spec.shape[1]);
            let values = (0..rows * columns).map(|i| {
                let fraction = ((layer * 31 + i) * 7919 % 1009) as f32 / 1009.0;
                value(layer, i / columns, i % columns, fraction)
            });
            (
                spec.name.clone(),
                ArrayD::from_shape_vec(vec![rows, columns], values.collect()).unwrap(),
            )
        })
        .collect();
    let views = arrays.iter().map(|(name, array)| (name.as_str(), array.view()));
    write_arrays(&at.join("w"), views, None, Overwrite::Replace).unwrap();
}

/// What a report leaves out where it was not asked for or where there is none, and ratios that may be infinite.
const MAY_BE_NULL: [&str; 10] = [
    "made_by",
    "overshoot",
    "weights_of_mask",
    "paths",
    "isometry",
    "jacobian",
    "spectrum",
    "spectral_density",
    "condition",
    "least_visits",
];

/// Every number of a report, with the way to it; `null` stands where JSON has no number.
fn numbers(value: &Value, way: &str, found: &mut Vec<(String, Option<f64>)>) {
    match value {
        Value::Number(number) => found.push((way.to_owned(), number.as_f64())),
        Value::Null => found.push((way.to_owned(), None)),
        Value::Array(list) => list.iter().for_each(|value| numbers(value, way, found)),
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| numbers(value, &format!("{way}.{key}"), found));
        }
        _ => {}
    }
}

#[test]
fn every_metric_is_finite_or_refused_by_name() {
    let folder = folder();
    let at = folder.path();
    for (layers, width) in [(1000, 3), (1000, 1), (3, 4), (1, 1)] {
        for (kind, value) in KINDS {
            write(at, &deep(layers, width), value);
            // The last take long where there are many layers.
            for metric in METRICS.into_iter().take(if layers == 1000 { 3 } else { 5 }) {
                let line = format!("inspect --arch x.toml --weights w {metric} --json");
                let output = phew(at, &line);
                let stderr = String::from_utf8_lossy(&output.stderr);
                let place = format!("{layers} layers of {width}, {kind}, {metric}");
                match output.status.code() {
                    Some(0) => {
                        let report: Value = serde_json::from_slice(&output.stdout)
                            .unwrap_or_else(|e| panic!("{place}: {e}"));
                        let mut found = Vec::new();
                        numbers(&report, "", &mut found);
                        // Logarithms of sums that are 0 are null; there are such only where weights are.
                        let zeros = ["zeros", "all zeros", "one-hot"].contains(&kind);
                        let may_be_null =
                            |way: &str| zeros || MAY_BE_NULL.iter().any(|name| way.ends_with(name));
                        let lost = found.iter().find(|(way, number)| match number {
                            Some(number) => !number.is_finite(),
                            None => !may_be_null(way),
                        });
                        assert!(lost.is_none(), "{place}: {lost:?}");
                    }
                    Some(1 | 2) => assert!(stderr.starts_with("phew: "), "{place}: {stderr}"),
                    code => panic!("{place}: {code:?} {stderr}"),
                }
            }
        }
    }
}

#[test]
fn every_method_ends_with_a_mask_or_a_reason() {
    let folder = folder();
    let at = folder.path();
    for (layers, width) in [(1000, 3), (3, 4)] {
        for (kind, value) in KINDS {
            write(at, &deep(layers, width), value);
            for method in ["phew", "magnitude", "synflow", "synflow-l2", "random"] {
                let line = format!(
                    "prune --arch x.toml --weights w --method {method} --density 0.6 -o m --force --json"
                );
                let output = phew(at, &line);
                let stderr = String::from_utf8_lossy(&output.stderr);
                let place = format!("{layers} layers of {width}, {kind}, {method}");
                match output.status.code() {
                    Some(0) => {
                        let report: Value = serde_json::from_slice(&output.stdout)
                            .unwrap_or_else(|e| panic!("{place}: {e}"));
                        let (kept, all) = (
                            report["kept"].as_u64().unwrap(),
                            report["prunable"].as_u64().unwrap(),
                        );
                        assert!(kept as f64 >= 0.6 * all as f64 - 1.0, "{place}: {kept} of {all}");
                    }
                    Some(1 | 2) => assert!(stderr.starts_with("phew: "), "{place}: {stderr}"),
                    code => panic!("{place}: {code:?} {stderr}"),
                }
            }
        }
    }
}
