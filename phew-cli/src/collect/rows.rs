//! The rows of a sweep: one for each cell, with all of its settings and every number that was measured.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use phew_graph::Provenance;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Version of the rows' format. Rows of schema 1 have no provenance.
pub const ROWS_SCHEMA: u32 = 2;

/// A cell of a sweep, and what was measured of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// [`ROWS_SCHEMA`].
    pub schema: u32,
    /// Every setting of the cell by its name: numbers, words or booleans.
    pub settings: BTreeMap<String, Value>,
    /// The identities of the jobs that it consists of, by what they do.
    #[serde(default)]
    pub jobs: BTreeMap<String, String>,
    /// Every number that was measured, under dotted names: `accuracy`, `layers.3.density`.
    pub values: BTreeMap<String, f64>,
    /// Every sequence of numbers that was measured, as the curves of a training.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub series: BTreeMap<String, Vec<f64>>,
    /// What entries of its values are called: that of `layers.3`, the name of a tensor.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// How long each of its jobs took, in seconds. Jobs are shared: one may stand in several rows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub times: BTreeMap<String, f64>,
    /// Where its mask and its training come from, by what they are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub provenance: BTreeMap<String, Provenance>,
    /// What is not there yet, or failed, by what it does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

impl Row {
    /// A setting as a word; `None` if the cell has none of that name.
    #[must_use]
    pub fn word(&self, setting: &str) -> Option<String> {
        self.settings.get(setting).map(word)
    }

    /// A number: a setting of that name, or else a measured value.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        let setting = self.settings.get(name).and_then(Value::as_f64);
        setting.or_else(|| self.values.get(name).copied())
    }
}

/// A setting as a word.
pub(crate) fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// All rows of a sweep, in the order of its plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows(Vec<Row>);

impl Rows {
    /// Rows as they are.
    #[must_use]
    pub fn new(rows: Vec<Row>) -> Self {
        Self(rows)
    }

    /// Reads `rows.jsonl`.
    ///
    /// # Errors
    /// If it cannot be read, or a line is no row: the error names file and line.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = phew_graph::read_text(path).with_context(|| path.display().to_string())?;
        let mut rows = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let at = || format!("{}, line {number}", path.display());
            let row: Row = serde_json::from_str(line).with_context(at)?;
            if !(1..=ROWS_SCHEMA).contains(&row.schema) {
                bail!("{}: schema {}, expected at most {ROWS_SCHEMA}", at(), row.schema);
            }
            rows.push(row);
        }
        Ok(Self(rows))
    }

    /// The rows as JSON Lines.
    ///
    /// # Errors
    /// If a row cannot be written as JSON.
    pub fn to_json_lines(&self) -> serde_json::Result<String> {
        self.0.iter().map(|row| Ok(serde_json::to_string(row)? + "\n")).collect()
    }

    /// The rows for which `keep` holds.
    #[must_use]
    pub fn filter(&self, mut keep: impl FnMut(&Row) -> bool) -> Self {
        Self(self.0.iter().filter(|row| keep(row)).cloned().collect())
    }

    /// The different values of a setting: numbers in ascending order, then words in the order of the plan.
    #[must_use]
    pub fn distinct(&self, setting: &str) -> Vec<Value> {
        let mut found: Vec<Value> = Vec::new();
        for value in self.0.iter().filter_map(|row| row.settings.get(setting)) {
            if !found.contains(value) {
                found.push(value.clone());
            }
        }
        let order = |value: &Value| value.as_f64().unwrap_or(f64::INFINITY);
        found.sort_by(|a, b| order(a).total_cmp(&order(b)));
        found
    }

    /// The rows by the values of settings, groups in the order of their first rows. A setting that a row lacks is
    /// [`Value::Null`].
    #[must_use]
    pub fn groups(&self, settings: &[String]) -> Vec<(Vec<Value>, Vec<&Row>)> {
        let mut groups: Vec<(Vec<Value>, Vec<&Row>)> = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for row in &self.0 {
            let value = |name: &String| row.settings.get(name).cloned().unwrap_or_default();
            let key: Vec<Value> = settings.iter().map(value).collect();
            let place = *places.entry(format!("{key:?}")).or_insert(groups.len());
            match groups.get_mut(place) {
                Some((_, rows)) => rows.push(row),
                None => groups.push((key, vec![row])),
            }
        }
        groups
    }

    /// The names of all settings, sorted.
    #[must_use]
    pub fn settings(&self) -> Vec<String> {
        let names = self.0.iter().flat_map(|row| row.settings.keys());
        names.collect::<std::collections::BTreeSet<_>>().into_iter().cloned().collect()
    }

    /// The names of all measured numbers, sorted.
    #[must_use]
    pub fn values(&self) -> Vec<String> {
        let names = self.0.iter().flat_map(|row| row.values.keys());
        names.collect::<std::collections::BTreeSet<_>>().into_iter().cloned().collect()
    }
}

impl std::ops::Deref for Rows {
    type Target = [Row];

    fn deref(&self) -> &[Row] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(method: &str, density: f64, accuracy: f64) -> Row {
        Row {
            schema: ROWS_SCHEMA,
            settings: [("method".into(), json!(method)), ("density".into(), json!(density))].into(),
            jobs: BTreeMap::new(),
            values: [("accuracy".into(), accuracy)].into(),
            series: BTreeMap::new(),
            names: BTreeMap::new(),
            times: BTreeMap::new(),
            provenance: BTreeMap::new(),
            missing: Vec::new(),
        }
    }

    #[test]
    fn rows_are_read_as_they_were_written_and_other_schemas_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        let rows = Rows::new(vec![row("phew", 0.1, 0.5), row("snip", 0.05, 0.25)]);
        let text = rows.to_json_lines().unwrap();
        std::fs::write(&path, &text).unwrap();
        assert_eq!(Rows::read(&path).unwrap(), rows);
        std::fs::write(&path, text.replace("\"schema\":2", "\"schema\":9")).unwrap();
        let error = Rows::read(&path).unwrap_err().to_string();
        assert!(error.contains("rows.jsonl, line 1: schema 9, expected at most 2"), "{error}");
    }

    #[test]
    fn rows_are_grouped_and_filtered_by_settings() {
        let rows = Rows::new(vec![
            row("snip", 0.1, 0.5),
            row("phew", 0.05, 0.25),
            row("snip", 0.05, 0.75),
        ]);
        assert_eq!(rows.distinct("density"), [json!(0.05), json!(0.1)]);
        assert_eq!(rows.distinct("method"), [json!("snip"), json!("phew")]);
        let groups = rows.groups(&["method".into()]);
        assert_eq!(groups.len(), 2);
        assert_eq!((groups[0].0[0].clone(), groups[0].1.len()), (json!("snip"), 2));
        let few = rows.filter(|row| row.number("accuracy") > Some(0.4));
        assert_eq!(few.iter().map(|r| r.word("method").unwrap()).collect::<Vec<_>>(), ["snip"; 2]);
        assert_eq!(rows[0].number("density"), Some(0.1));
        assert_eq!(
            (rows.settings(), rows.values()),
            (vec!["density".into(), "method".into()], vec!["accuracy".into()])
        );
    }
}
