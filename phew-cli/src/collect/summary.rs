//! Each measured number over the seeds of its cell.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::rows::Rows;
use super::statistics::Sample;

/// A measured number over seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The settings that are no seeds.
    pub settings: BTreeMap<String, Value>,
    /// Name of the number.
    pub value: String,
    /// What its sample says.
    #[serde(flatten)]
    pub sample: Sample,
}

/// Whether a setting is a seed, over which numbers are averaged: `seed`, `init-seed`, `prune.seed`.
#[must_use]
pub fn is_seed(setting: &str) -> bool {
    let name = setting.rsplit('.').next().unwrap_or(setting);
    name == "seed" || name.ends_with("-seed")
}

/// All measured numbers, grouped by all settings but the seeds.
#[must_use]
pub fn summaries(rows: &Rows) -> Vec<Summary> {
    let names: Vec<String> = rows.settings().into_iter().filter(|name| !is_seed(name)).collect();
    let mut summaries = Vec::new();
    for (key, group) in rows.groups(&names) {
        let given = names.iter().cloned().zip(key).filter(|(_, value)| !value.is_null());
        let settings: BTreeMap<String, Value> = given.collect();
        let mut numbers = BTreeMap::<&str, Vec<f64>>::new();
        for row in group {
            for (name, value) in &row.values {
                numbers.entry(name).or_default().push(*value);
            }
        }
        for (name, numbers) in numbers {
            if let Some(sample) = Sample::of(&numbers) {
                let (settings, value) = (settings.clone(), name.to_owned());
                summaries.push(Summary { settings, value, sample });
            }
        }
    }
    summaries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_of_any_command_is_a_seed() {
        for (name, seed) in [
            ("seed", true),
            ("init-seed", true),
            ("train.seed", true),
            ("density", false),
            ("seeds", false),
        ] {
            assert_eq!(is_seed(name), seed, "{name}");
        }
    }
}
