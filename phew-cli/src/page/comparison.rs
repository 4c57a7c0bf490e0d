//! Published numbers beside ours.

use serde::Serialize;
use serde_json::Value;

use super::html::{escaped, table};
use super::published::Published;
use crate::collect::{Row, Rows};
use crate::figure::Statistics;
use crate::sweep::NONE;

/// A published number that we have one for.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    /// What is printed.
    pub published: Published,
    /// Our accuracy in percent: the mean over our runs.
    pub ours: f64,
    /// Its standard deviation; none of one run.
    pub deviation: Option<f64>,
    /// Our runs.
    pub n: usize,
    /// Ours minus theirs, in percentage points.
    pub difference: f64,
}

/// Settings that make other methods of one: what they are where a row or a paper does not say.
const VARIANTS: [(&str, &str); 7] = [
    ("bias", "magnitude"),
    ("granularity", "weight"),
    ("init", "kaiming-normal"),
    ("prune.init", ""),
    ("transformation", ""),
    ("prune", ""),
    ("invert", "false"),
];

/// Densities that differ by less are the same.
const CLOSE: f64 = 0.02;

/// The published numbers for which there are rows of the same network, data set, method, variant and density.
#[must_use]
pub fn compare(rows: &Rows, published: &[Published]) -> Vec<Compared> {
    let compared = published.iter().filter_map(|published| {
        let ours = rows.iter().filter(|row| is_of(row, published));
        let ours = ours.filter_map(|row| row.values.get("accuracy"));
        let ours: Vec<f64> = ours.map(|accuracy| 100.0 * accuracy).collect();
        (!ours.is_empty()).then(|| {
            let Statistics { mean, deviation, n } = Statistics::of(&ours);
            let (published, difference) = (published.clone(), mean - published.value);
            let deviation = deviation.is_finite().then_some(deviation);
            Compared { published, ours: mean, deviation, n, difference }
        })
    });
    compared.collect()
}

/// Whether a row is a run of what was published.
fn is_of(row: &Row, published: &Published) -> bool {
    let text = |key: &str| match row.settings.get(key) {
        None | Some(Value::Null) => None,
        // What a plan takes away for a cell.
        Some(Value::String(text)) if text == NONE => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    };
    // `resnet-20` and `resnet20` are one.
    let plain = |name: &str| name.replace(['-', '_'], "").to_lowercase();
    let same = |key: &str, name: &str| text(key).is_some_and(|text| plain(&text) == plain(name));
    let dense = published.method == "dense";
    let density = row.number("density").unwrap_or(1.0);
    let printed = |key: &str| match published.settings.get(key) {
        Some(toml::Value::String(text)) => Some(text.clone()),
        other => other.map(ToString::to_string),
    };
    // Of `rewind:1000` what the step is belongs to the training.
    let kind = |text: Option<String>, usual: &str| {
        let text = text.unwrap_or_else(|| usual.to_owned());
        text.split_once("rewind:").map_or(text.clone(), |_| "rewind".to_owned())
    };
    let variant = |(key, usual): &(&str, &str)| kind(text(key), usual) == kind(printed(key), usual);
    // Whatever else a paper says must be so where a row says anything of it.
    let others = published.settings.keys().filter(|key| VARIANTS.iter().all(|v| v.0 != **key));
    let mut others = others.filter_map(|key| Some((text(key)?, printed(key)?)));
    same("arch", &published.network)
        && same("data", &published.data)
        && text("method").as_deref().unwrap_or("dense") == published.method
        && (dense || (density / published.density - 1.0).abs() < CLOSE)
        && VARIANTS.iter().filter(|variant| !dense || variant.0 == "init").all(variant)
        && others.all(|(ours, theirs)| ours == theirs)
}

/// A table for each of the papers' tables, network and data set.
pub(super) fn shown(compared: &[Compared]) -> String {
    if compared.is_empty() {
        return String::new();
    }
    let place = |one: &Compared| {
        let Published { source, table, network, data, .. } = &one.published;
        format!("{source}, table {table}: {network}, {data}")
    };
    let head = ["method", "density", "published", "ours", "n", "ours − published"];
    let head = head.map(str::to_owned);
    let mut out = "<p class=\"quiet\">Accuracies in percent, mean ± standard deviation. Ours are as the settings below \
                   say, which may be less than a paper's: fewer epochs, images or seeds.</p>\n"
        .to_owned();
    for group in compared.chunk_by(|a, b| place(a) == place(b)) {
        let rows: Vec<Vec<String>> = group.iter().map(line).collect();
        out += &format!("<h3>{}</h3>\n{}", escaped(&place(&group[0])), table(&head, &rows));
    }
    out
}

fn line(one: &Compared) -> Vec<String> {
    let Published { by, method, settings, density, .. } = &one.published;
    let settings = settings.iter().map(|(key, value)| match value.as_str() {
        Some(text) => format!(", {key} {text}"),
        None => format!(", {key} {value}"),
    });
    let by = by.iter().map(|by| format!(" (by {by})"));
    let with = |value: f64, deviation: Option<f64>| match deviation {
        Some(deviation) => format!("{value:.2} ± {deviation:.2}"),
        None => format!("{value:.2}"),
    };
    let about = if one.published.approximate { "≈ " } else { "" };
    vec![
        method.clone() + &settings.chain(by).collect::<String>(),
        density.to_string(),
        about.to_owned() + &with(one.published.value, one.published.deviation),
        with(one.ours, one.deviation),
        one.n.to_string(),
        format!("{:+.2}", one.difference).replace('-', "−"),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::published::read_published;
    use super::*;

    fn row(settings: serde_json::Value, accuracy: f64) -> Row {
        let values = json!({ "accuracy": accuracy });
        serde_json::from_value(json!({ "schema": 1, "settings": settings, "values": values }))
            .unwrap()
    }

    #[test]
    fn ours_stand_beside_numbers_of_the_same_network_data_method_variant_and_density() {
        let settings = |method: &str, density: f64| json!({ "arch": "vgg-19", "data": "cifar10", "method": method, "density": density });
        let mut walks = settings("phew", 0.05);
        walks["bias"] = json!("uniform");
        let rows = Rows::new(vec![
            row(settings("phew", 0.05), 0.90),
            row(settings("phew", 0.05), 0.92),
            row(settings("phew", 0.3), 0.93),
            row(walks, 0.80),
            row(json!({ "arch": "vgg19", "data": "cifar10" }), 0.94),
        ]);
        let published = read_published(None).unwrap();
        let published: Vec<Published> =
            published.into_iter().filter(|one| one.source.starts_with("Patil")).collect();
        let found = compare(&rows, &published);
        let of = |method: &str, uniform: bool| {
            let found = found.iter().filter(|one| {
                one.published.method == method
                    && one.published.settings.contains_key("bias") == uniform
            });
            found
                .map(|one| (one.published.value, one.n, one.published.table.clone()))
                .collect::<Vec<_>>()
        };
        // Table 1, and the same initialiser in table 3.
        assert_eq!(of("phew", false), [(93.18, 2, "1".into()), (93.28, 2, "3".into())]);
        assert_eq!(of("phew", true), [(92.57, 1, "1".into())]);
        assert_eq!(of("dense", false), [(94.3, 1, "1".into()), (94.3, 1, "3".into())]);
        assert!((found.iter().find(|one| one.n == 2).unwrap().difference + 2.18).abs() < 1e-9);
        assert!(shown(&found).contains("phew, bias uniform"));
    }

    #[test]
    fn masks_of_other_weights_stand_beside_those_of_such_masks_alone() {
        let settings = |init: &str| {
            json!({ "arch": "resnet20", "data": "cifar10", "method": "magnitude", "density": 0.8,
                "transformation": "none", "prune.init": init })
        };
        let rows = Rows::new(vec![row(settings("normal:1"), 0.9), row(settings("none"), 0.8)]);
        let published = read_published(None).unwrap();
        let other = |one: &Published| one.settings.contains_key("prune.init");
        let found = compare(&rows, &published);
        assert!(found.iter().any(|one| other(&one.published)));
        for one in &found {
            let expected = if other(&one.published) { 90.0 } else { 80.0 };
            assert!((one.ours - expected).abs() < 1e-9, "{one:?}");
        }
    }
}
