//! The tables as CSV (RFC 4180), in long form but for the rows themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::gather::words;
use super::pairs::Pair;
use super::rows::{Row, Rows, word};
use super::statistics::Sample;
use super::summary::Summary;

/// Lines of fields, with a head.
#[derive(Debug)]
struct Table(String);

impl Table {
    fn new(head: &[String]) -> Self {
        let mut table = Self(String::new());
        table.line(head);
        table
    }

    fn line(&mut self, fields: &[String]) {
        self.0 += &line(fields);
    }
}

/// A line: fields that need quotes get them.
pub(crate) fn line(fields: &[String]) -> String {
    let quoted = fields.iter().map(|field| match field.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.clone(),
    });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}

fn owned<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).to_vec()
}

fn maybe(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A row for each cell: its settings, then its numbers. A number that has the name of a setting stands under
/// `measured.NAME`. Where it all comes from stands last, under `from.mask.` and `from.train.`.
pub(crate) fn rows_csv(rows: &Rows) -> String {
    let (settings, values) = (rows.settings(), rows.values());
    let titled = |name: &String| match settings.contains(name) {
        true => format!("measured.{name}"),
        false => name.clone(),
    };
    let from: Vec<BTreeMap<String, String>> = rows.iter().map(origins).collect();
    let origins: BTreeSet<&String> = from.iter().flat_map(BTreeMap::keys).collect();
    let numbers = values.iter().map(titled).collect();
    let last = origins.iter().map(|name| (*name).clone()).collect();
    let mut table = Table::new(&[settings.clone(), numbers, last].concat());
    for (row, from) in rows.iter().zip(&from) {
        let numbers = values.iter().map(|name| maybe(row.values.get(name).copied())).collect();
        let last = origins.iter().map(|name| from.get(*name).cloned().unwrap_or_default());
        table.line(&[words(row, &settings), numbers, last.collect()].concat());
    }
    table.0
}

/// The fields of a row's provenance under flat names.
fn origins(row: &Row) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (role, from) in &row.provenance {
        if let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(from) {
            let named = |(name, value)| (format!("from.{role}.{name}"), word(&value));
            found.extend(fields.into_iter().map(named));
        }
    }
    found
}

const SAMPLE: [&str; 7] = ["n", "mean", "deviation", "low95", "high95", "least", "greatest"];

fn sample(sample: &Sample) -> Vec<String> {
    let Sample { n, mean, deviation, interval, least, greatest } = sample;
    let [low, high] = [0, 1].map(|end| maybe(interval.map(|interval| interval[end])));
    let ends = [least.to_string(), greatest.to_string()];
    [vec![n.to_string(), mean.to_string(), maybe(*deviation), low, high], ends.to_vec()].concat()
}

fn of_settings<'a>(
    all: impl Iterator<Item = &'a BTreeMap<String, serde_json::Value>>,
) -> Vec<String> {
    let names: BTreeSet<&String> = all.flat_map(|settings| settings.keys()).collect();
    names.into_iter().cloned().collect()
}

/// A row for each number of each cell, over its seeds.
pub(crate) fn summary_csv(summaries: &[Summary]) -> String {
    let names = of_settings(summaries.iter().map(|summary| &summary.settings));
    let mut table = Table::new(&[names.clone(), owned(["value"]), owned(SAMPLE)].concat());
    for Summary { settings, value, sample: found } in summaries {
        let words = names.iter().map(|name| settings.get(name).map(word).unwrap_or_default());
        table.line(&[words.collect(), vec![value.clone()], sample(found)].concat());
    }
    table.0
}

/// A row for each number of any two methods, over the seeds that both have.
pub(crate) fn pairs_csv(pairs: &[Pair]) -> String {
    let names = of_settings(pairs.iter().map(|pair| &pair.settings));
    let tests = owned(["t", "p_paired_t", "greater", "less", "p_sign"]);
    let head = [names.clone(), owned(["a", "b", "value"]), owned(SAMPLE), tests].concat();
    let mut table = Table::new(&head);
    for pair in pairs {
        let words = names.iter().map(|name| pair.settings.get(name).map(word).unwrap_or_default());
        let tests = vec![
            maybe(pair.t),
            maybe(pair.p_paired_t),
            pair.greater.to_string(),
            pair.less.to_string(),
            pair.p_sign.to_string(),
        ];
        let what = vec![pair.a.clone(), pair.b.clone(), pair.value.clone()];
        table.line(&[words.collect(), what, sample(&pair.difference), tests].concat());
    }
    table.0
}

/// A row for each epoch of each training, if there are curves.
pub(crate) fn curves_csv(rows: &Rows) -> Option<String> {
    const CURVE: &str = "curve.";
    let curves =
        rows.iter().flat_map(|row| row.series.keys()).filter(|name| name.starts_with(CURVE));
    let curves: Vec<&String> = curves.collect::<BTreeSet<_>>().into_iter().collect();
    if curves.is_empty() {
        return None;
    }
    let settings = rows.settings();
    let titles = curves.iter().map(|name| name[CURVE.len()..].to_owned()).collect();
    let mut table = Table::new(&[settings.clone(), titles].concat());
    for row in rows.iter() {
        let length = curves.iter().filter_map(|name| row.series.get(*name)).map(Vec::len).max();
        for entry in 0..length.unwrap_or(0) {
            let number =
                |name: &&String| maybe(row.series.get(*name).and_then(|s| s.get(entry).copied()));
            table.line(&[words(row, &settings), curves.iter().map(number).collect()].concat());
        }
    }
    Some(table.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_commas_and_quotes_are_quoted() {
        let mut table = Table::new(&owned(["a", "b"]));
        table.line(&owned(["0.5,0.2", "say \"x\""]));
        assert_eq!(table.0, "a,b\n\"0.5,0.2\",\"say \"\"x\"\"\"\n");
    }
}
