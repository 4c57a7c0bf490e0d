//! Differences between methods over the same seeds.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::gather::words;
use super::rows::{Row, Rows, word};
use super::statistics::{Sample, sign_test, student_two_sided};
use super::summary::is_seed;

/// The differences of a number between two methods, seed by seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// The settings that both have alike, but for seeds.
    pub settings: BTreeMap<String, Value>,
    /// One method, or whatever is compared.
    pub a: String,
    /// The other.
    pub b: String,
    /// Name of the number.
    pub value: String,
    /// Of the differences `a − b`, over the seeds that both have.
    #[serde(flatten)]
    pub difference: Sample,
    /// Student's t of the differences; none where all are the same, or there is one.
    pub t: Option<f64>,
    /// Two-sided p-value of the paired t-test, which takes the differences for normal.
    pub p_paired_t: Option<f64>,
    /// Seeds for which `a` is greater.
    pub greater: usize,
    /// Seeds for which `b` is greater.
    pub less: usize,
    /// Two-sided p-value of the exact sign test, which takes nothing for granted but that the seeds are independent.
    pub p_sign: f64,
}

/// The differences of all numbers but those of single layers, between any two values of the setting `by`, which is
/// `method` or `variant` as a rule.
///
/// Rows are paired that agree in the other `axes` of the plan: all else follows from those, and from `by`.
#[must_use]
pub fn pairs(rows: &Rows, by: &str, axes: &[String]) -> Vec<Pair> {
    let (seeds, others): (Vec<String>, Vec<String>) =
        axes.iter().filter(|name| *name != by).cloned().partition(|name| is_seed(name));
    let layered = |name: &str| name.split('.').any(|part| part.parse::<usize>().is_ok());
    let names: Vec<String> = rows.values().into_iter().filter(|name| !layered(name)).collect();
    let mut pairs = Vec::new();
    for (_, group) in rows.groups(&others) {
        let settings = common(&group, by);
        let mut methods: Vec<(String, BTreeMap<Vec<String>, &Row>)> = Vec::new();
        for row in group {
            let Some(method) = row.settings.get(by).map(word) else { continue };
            let place = methods.iter().position(|(name, _)| *name == method);
            let place = place.unwrap_or_else(|| {
                methods.push((method, BTreeMap::new()));
                methods.len() - 1
            });
            methods[place].1.insert(words(row, &seeds), row);
        }
        for (first, (a, of_a)) in methods.iter().enumerate() {
            for (b, of_b) in &methods[first + 1..] {
                for value in &names {
                    let difference = |(seed, row): (&Vec<String>, &&Row)| {
                        Some(row.values.get(value)? - of_b.get(seed)?.values.get(value)?)
                    };
                    let differences: Vec<f64> = of_a.iter().filter_map(difference).collect();
                    pairs.extend(Pair::new(&settings, a, b, value, &differences));
                }
            }
        }
    }
    pairs
}

/// The settings that all rows have alike, but for seeds.
fn common(rows: &[&Row], by: &str) -> BTreeMap<String, Value> {
    let Some((first, others)) = rows.split_first() else { return BTreeMap::new() };
    let alike = |name: &String, value: &Value| {
        name != by
            && !is_seed(name)
            && others.iter().all(|row| row.settings.get(name) == Some(value))
    };
    let settings = first.settings.iter().filter(|(name, value)| alike(name, value));
    settings.map(|(name, value)| (name.clone(), value.clone())).collect()
}

impl Pair {
    fn new(
        settings: &BTreeMap<String, Value>,
        a: &str,
        b: &str,
        value: &str,
        differences: &[f64],
    ) -> Option<Self> {
        let difference = Sample::of(differences)?;
        let t = difference.t();
        let greater = differences.iter().filter(|&&d| d > 0.0).count();
        let less = differences.iter().filter(|&&d| d < 0.0).count();
        Some(Self {
            settings: settings.clone(),
            a: a.to_owned(),
            b: b.to_owned(),
            value: value.to_owned(),
            difference,
            t,
            p_paired_t: t.map(|t| student_two_sided(t, difference.n as f64 - 1.0)),
            greater,
            less,
            p_sign: sign_test(greater, less),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::rows::ROWS_SCHEMA;
    use super::*;

    fn row(method: &str, seed: u32, accuracy: f64) -> Row {
        let settings = [("method".into(), json!(method)), ("seed".into(), json!(seed))];
        Row {
            schema: ROWS_SCHEMA,
            settings: settings.into(),
            jobs: BTreeMap::new(),
            values: [("accuracy".into(), accuracy), ("layers.0.kept".into(), 1.0)].into(),
            series: BTreeMap::new(),
            names: BTreeMap::new(),
            times: BTreeMap::new(),
            provenance: BTreeMap::new(),
            missing: Vec::new(),
        }
    }

    #[test]
    fn methods_are_compared_seed_by_seed() {
        // Differences 1, 2, 3 for seeds 0 to 2; seed 3 has no partner.
        let rows = Rows::new(vec![
            row("phew", 0, 2.0),
            row("phew", 1, 4.0),
            row("phew", 2, 6.0),
            row("snip", 2, 3.0),
            row("snip", 0, 1.0),
            row("snip", 1, 2.0),
            row("snip", 3, 9.0),
        ]);
        let found = pairs(&rows, "method", &["method".into(), "seed".into()]);
        assert_eq!(found.len(), 1);
        let pair = &found[0];
        assert_eq!((&*pair.a, &*pair.b, &*pair.value), ("phew", "snip", "accuracy"));
        assert_eq!((pair.difference.n, pair.greater, pair.less), (3, 3, 0));
        assert!((pair.difference.mean - 2.0).abs() < 1e-12);
        // t = 2√3 with two degrees: p = 1 − t / √(2 + t²) = 1 − √(12/14).
        assert!((pair.p_paired_t.unwrap() - (1.0 - (12.0f64 / 14.0).sqrt())).abs() < 1e-9);
        assert!((pair.p_sign - 0.25).abs() < 1e-12);
    }

    #[test]
    fn what_variants_differ_in_besides_does_not_keep_them_apart() {
        let rows =
            [("phew", "none", 1.0), ("after", "after", 3.0)].map(|(variant, prune, number)| {
                let mut row = row(variant, 0, number);
                row.settings.insert("variant".into(), json!(variant));
                row.settings.insert("prune".into(), json!(prune));
                row.settings.insert("arch".into(), json!("lenet-5"));
                row
            });
        let found = pairs(&Rows::new(rows.into()), "variant", &["variant".into()]);
        assert_eq!((found.len(), found[0].difference.mean), (1, -2.0));
        assert_eq!(found[0].settings, [("arch".into(), json!("lenet-5"))].into());
    }
}
