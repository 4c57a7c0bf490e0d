//! The numbers of a command's report, under flat names.

use std::collections::BTreeMap;

use serde_json::Value;

/// Numbers and sequences of numbers by name, and what entries of lists are called.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Numbers {
    pub(super) values: BTreeMap<String, f64>,
    pub(super) series: BTreeMap<String, Vec<f64>>,
    pub(super) names: BTreeMap<String, String>,
}

impl Numbers {
    /// All that a JSON value holds. Lists of numbers are sequences; other lists count their entries from 0.
    pub(super) fn add(&mut self, name: &str, value: &Value) {
        let inner =
            |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
        match value {
            Value::Number(number) => drop(number.as_f64().map(|x| self.put(name, x))),
            Value::Bool(yes) => self.put(name, f64::from(u8::from(*yes))),
            Value::Object(map) => map.iter().for_each(|(key, value)| self.add(&inner(key), value)),
            Value::Array(list) => {
                let numbers: Option<Vec<f64>> = list.iter().map(Value::as_f64).collect();
                match numbers.filter(|numbers| !numbers.is_empty()) {
                    Some(numbers) => drop(self.series.insert(name.to_owned(), numbers)),
                    None => (0..)
                        .zip(list)
                        .for_each(|(i, value): (usize, _)| self.add(&inner(&i.to_string()), value)),
                }
            }
            Value::String(text) => {
                if let Some(entry) = name.strip_suffix(".name") {
                    self.names.insert(entry.to_owned(), text.clone());
                }
            }
            Value::Null => {}
        }
    }

    fn put(&mut self, name: &str, value: f64) {
        if value.is_finite() {
            self.values.insert(name.to_owned(), value);
        }
    }

    fn keep(&mut self, names: &[&str]) {
        let begins = |name: &str| names.iter().any(|begin| name.starts_with(begin));
        self.values.retain(|name, _| begins(name));
        self.series.retain(|name, _| begins(name));
        self.names.retain(|name, _| begins(name));
    }
}

/// The numbers of the report of a job in some role; those whose names begin with one of `keeps`.
pub(super) fn of_report(role: &str, report: &Value, keeps: &[&str]) -> Numbers {
    let mut found = Numbers::default();
    match role {
        "mask" => {
            for name in ["kept", "prunable", "effective", "dead_units"] {
                found.add(name, &report[name]);
            }
            density(&mut found, "");
        }
        "layers" => {
            let Value::Object(map) = report else { return found };
            let aside = ["arch", "input", "output", "made_by", "metrics", "overshoot", "compact"];
            for (name, value) in map.iter().filter(|(name, _)| !aside.contains(&&***name)) {
                found.add(name, value);
            }
            let layers = report["layers"].as_array().map_or(0, Vec::len);
            (0..layers).for_each(|layer| density(&mut found, &format!("layers.{layer}.")));
        }
        "jaccard" => {
            let pair = &report["pairs"][0];
            found.add("jaccard", &pair["jaccard"]);
            for name in ["common", "by_chance", "above_chance"] {
                found.add(&format!("jaccard_{name}"), &pair[name]);
            }
            found.add("jaccard_layers", &pair["layers"]);
        }
        "gradient" | "tangent-kernel" | "jacobian" => on_data(&mut found, report),
        "train" => trained(&mut found, report),
        "recipe" => {
            found.add("recipe", report);
            // A table has no place for a series.
            let epochs = report["schedule"]["fall"]["at"].as_array();
            for (place, epoch) in epochs.into_iter().flatten().enumerate() {
                found.add(&format!("recipe.drop.{}", place + 1), epoch);
            }
        }
        _ => {
            found.add("", &report["metrics"]);
            for name in ["path_kernel_trace", "paths", "synflow", "synflow_l2"] {
                if let Some(ln) = found.values.get(&format!("ln_{name}")) {
                    let value = libm::exp(*ln);
                    found.put(name, value);
                }
            }
        }
    }
    found.keep(keeps);
    found
}

fn density(found: &mut Numbers, at: &str) {
    let number = |name: &str| {
        let values = &found.values;
        values.get(&format!("{at}{name}")).copied()
    };
    if let (Some(kept), Some(all)) = (number("kept"), number("prunable").or(number("total"))) {
        found.put(&format!("{at}density"), kept / all);
    }
}

/// Of the masked network, where there is a mask; the dense one's numbers then stand under `dense`.
fn on_data(found: &mut Numbers, report: &Value) {
    let masked = !report["masked"].is_null();
    let add = |found: &mut Numbers, before: &str, of: &Value| {
        found.add(&format!("{before}gradient_norm"), &of["gradient"]["norm"]);
        found.add(&format!("{before}initial_loss"), &of["gradient"]["loss"]);
        found.add(&format!("{before}sensitivity"), &of["gradient"]["sensitivity"]);
        found.add(&format!("{before}kernel"), &of["kernel"]);
        found.add(&format!("{before}jacobian"), &of["jacobian"]);
    };
    add(found, "", &report[if masked { "masked" } else { "dense" }]);
    if masked {
        add(found, "dense.", &report["dense"]);
        found.add("gradient_share", &report["gradient_share"]);
    }
}

fn trained(found: &mut Numbers, report: &Value) {
    for (name, value) in [
        ("accuracy", &report["test"]["top1"]),
        ("accuracy_top5", &report["test"]["top5"]),
        ("test_loss", &report["test"]["loss"]),
        ("train_accuracy", &report["train"]["top1"]),
        ("train_loss", &report["train"]["loss"]),
        ("best_accuracy", &report["best"][0]),
        ("best_epoch", &report["best"][1]),
        ("epochs", &report["epochs"]),
        ("steps", &report["steps"]),
        ("kept", &report["kept"]),
        ("prunable", &report["prunable"]),
        ("remaining", &report["remaining"]),
    ] {
        found.add(name, value);
    }
    if let Some(accuracy) = found.values.get("accuracy") {
        found.put("error", 1.0 - accuracy);
    }
    density(found, "");
}

/// The curves of a training, from the lines of its `metrics.jsonl`: one entry for each epoch.
pub(super) fn curves(lines: &[Value]) -> BTreeMap<String, Vec<f64>> {
    let columns: [(&str, &[&str]); 9] = [
        ("phase", &["phase"]),
        ("epoch", &["epoch"]),
        ("step", &["step"]),
        ("rate", &["rate"]),
        ("train_loss", &["train", "loss"]),
        ("train_accuracy", &["train", "top1"]),
        ("test_loss", &["test", "loss"]),
        ("test_accuracy", &["test", "top1"]),
        ("gradient_norm", &["gradient_norm"]),
    ];
    let mut curves = BTreeMap::new();
    for (name, path) in columns {
        let of = |line: &Value| {
            let value = path.iter().fold(line, |value, key| &value[*key]).as_f64();
            // The phase of a run that is never pruned is not written.
            value.or((name == "phase").then_some(0.0))
        };
        if let Some(curve) = lines.iter().map(of).collect::<Option<Vec<f64>>>() {
            curves.insert(format!("curve.{name}"), curve);
        }
    }
    for part in ["train", "test"] {
        if let Some(accuracy) = curves.get(&format!("curve.{part}_accuracy")) {
            let error = accuracy.iter().map(|accuracy| 1.0 - accuracy).collect();
            curves.insert(format!("curve.{part}_error"), error);
        }
    }
    curves
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_report_is_flat_with_lists_of_numbers_as_series() {
        let mut found = Numbers::default();
        found.add("", &json!({ "a": 1, "b": { "c": true, "d": "x", "e": null }, "f": [1, 2], "g": [{ "h": 3 }] }));
        let values: Vec<(&str, f64)> = found.values.iter().map(|(k, v)| (&**k, *v)).collect();
        assert_eq!(values, [("a", 1.0), ("b.c", 1.0), ("g.0.h", 3.0)]);
        assert_eq!(found.series["f"], [1.0, 2.0]);
    }

    #[test]
    fn each_role_has_its_names() {
        let report = json!({ "arch": "a", "kept": 1, "input": [3], "layers": [{ "name": "fc1.weight", "kept": 1, "total": 4 }] });
        let found = of_report("layers", &report, &[""]);
        assert_eq!(found.names, [("layers.0".to_owned(), "fc1.weight".to_owned())].into());
        assert_eq!(found.values.get("layers.0.density"), Some(&0.25));
        assert!(!found.series.contains_key("input"));
        let report =
            json!({ "arch": "a", "neurons": { "sparsity": [0.0, 1.0], "share": [1.0, 0.5] } });
        let found = of_report("layers", &report, &["neurons"]);
        assert_eq!(found.series["neurons.share"], [1.0, 0.5]);
        let report = json!({ "metrics": { "ln_paths": 0.0, "ln_synflow": 1.0, "mean_path": { "ln_square": 2.0 } } });
        let found = of_report("theory", &report, &["paths", "ln_paths", "mean_path"]);
        let names: Vec<&String> = found.values.keys().collect();
        assert_eq!(names, ["ln_paths", "mean_path.ln_square", "paths"]);
        assert_eq!(found.values.get("paths"), Some(&1.0));
        let report = json!({ "test": { "top1": 0.9 }, "remaining": { "step": [0, 9], "density": [1.0, 0.5] } });
        let found = of_report("train", &report, &[""]);
        assert!((found.values["error"] - 0.1).abs() < 1e-15);
        assert_eq!(found.series["remaining.density"], [1.0, 0.5]);
        let report =
            json!({ "schedule": { "rate": 0.1, "fall": { "at": [80, 120], "factor": 0.1 } } });
        let found = of_report("recipe", &report, &["recipe"]);
        let names = ["recipe.schedule.fall.factor", "recipe.drop.1", "recipe.drop.2"];
        assert_eq!(names.map(|name| found.values[name].to_string()), ["0.1", "80", "120"]);
        let report = json!({ "dense": { "gradient": { "norm": 2.0, "sensitivity": [{ "name": "a", "mean": 0.5 }] } } });
        let found = of_report("gradient", &report, &["sensitivity"]);
        assert_eq!(found.values, [("sensitivity.0.mean".to_owned(), 0.5)].into());
        let report =
            json!({ "test": { "top1": 0.9 }, "best": [0.95, 3], "kept": 1, "prunable": 2 });
        let found = of_report("train", &report, &[""]);
        assert_eq!(
            (found.values["accuracy"], found.values["best_epoch"], found.values["density"]),
            (0.9, 3.0, 0.5)
        );
    }

    #[test]
    fn curves_have_an_entry_for_each_epoch() {
        let line = |epoch: u32| json!({ "epoch": epoch, "train": { "loss": 2.0 }, "test": { "loss": 1.0 } });
        let found = curves(&[line(1), line(2)]);
        assert_eq!(found["curve.epoch"], [1.0, 2.0]);
        assert_eq!(found["curve.phase"], [0.0, 0.0]);
        assert!(!found.contains_key("curve.test_accuracy"));
    }
}
