//! From the folder of a sweep to its rows.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail};
use phew_graph::{Provenance, read_text};
use serde_json::Value;

use super::numbers::{curves, of_report};
use super::rows::{ROWS_SCHEMA, Row, Rows, word};
use crate::sweep::{CellJobs, Done, Folder, MEASURES, State, Store};

/// A row for each cell of which something is done or has failed, in the order of the plan: what has failed is missing.
///
/// # Errors
/// If a result is damaged, or that of another job.
pub(crate) fn gather(folder: &Folder, keep: impl Fn(&CellJobs) -> bool) -> anyhow::Result<Rows> {
    let mut rows = Vec::new();
    // Cells share jobs: each result is read once.
    let mut known = BTreeMap::new();
    let mut failed = BTreeSet::new();
    for cell in folder.cells.iter().filter(|cell| keep(cell)) {
        for id in cell.jobs.values() {
            if !known.contains_key(id) {
                let done = match folder.store.result(id)? {
                    State::Done(done) => Some(done),
                    State::Failed(_) => {
                        failed.insert(id.clone());
                        None
                    }
                    State::Missing => None,
                };
                known.insert(id.clone(), done);
            }
        }
        let row = row(cell, &folder.store, &known)?;
        let has_failed = cell.jobs.values().any(|id| failed.contains(id));
        if has_failed || row.missing.len() < cell.jobs.len() {
            rows.push(row);
        }
    }
    Ok(Rows::new(rows))
}

fn row(
    cell: &CellJobs,
    store: &Store,
    known: &BTreeMap<String, Option<Box<Done>>>,
) -> anyhow::Result<Row> {
    let mut row = Row {
        schema: ROWS_SCHEMA,
        settings: cell.cell.settings.clone(),
        jobs: cell.jobs.clone(),
        values: BTreeMap::new(),
        series: BTreeMap::new(),
        names: BTreeMap::new(),
        times: BTreeMap::new(),
        provenance: BTreeMap::new(),
        missing: Vec::new(),
    };
    // Of several prunings the last: a number, to plot by.
    if let Some(densities) = row.settings.get("density").and_then(Value::as_str)
        && let Some(Ok(last)) = densities.rsplit(',').next().map(str::parse::<f64>)
    {
        let densities = densities.to_owned();
        row.settings.insert("densities".into(), densities.into());
        row.settings.insert("density".into(), last.into());
    }
    let asked = |name: &str| cell.cell.measure.iter().any(|measure| measure == name);
    for (role, id) in &cell.jobs {
        let Some(done) = known.get(id).and_then(Option::as_ref) else {
            row.missing.push(role.clone());
            continue;
        };
        let of_role = MEASURES.iter().filter(|m| m.role == role && asked(m.name));
        let keeps: Vec<&str> = match &**role {
            "mask" | "train" => vec![""],
            _ => of_role.flat_map(|measure| measure.keeps).copied().collect(),
        };
        let found = of_report(role, &done.report, &keeps);
        row.values.extend(found.values);
        row.series.extend(found.series);
        row.names.extend(found.names);
        row.times.insert(role.clone(), done.seconds);
        row.provenance.extend(provenance(role, &done.report).map(|from| (role.clone(), from)));
        if role == "train" && asked("curves") {
            let path = store.folder(id).join("run/metrics.jsonl");
            let named = || path.display().to_string();
            let text = read_text(&path).with_context(named)?;
            let lines: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
            let lines = lines.with_context(named)?;
            if let Some(line) = lines.iter().find(|line| line["run"] != done.report["run"]) {
                bail!("{}: is of run {}, expected {}", named(), line["run"], done.report["run"]);
            }
            row.series.extend(curves(&lines));
        }
    }
    Ok(row)
}

/// Where the result of a job comes from, if its report says so.
fn provenance(role: &str, report: &Value) -> Option<Provenance> {
    let from = match role {
        "mask" => report,
        "train" => report.get("provenance")?,
        _ => return None,
    };
    serde_json::from_value(from.clone()).ok()
}

/// Names of settings, and the row's values of them as words; nothing where it has none.
pub(super) fn words(row: &Row, names: &[String]) -> Vec<String> {
    names.iter().map(|name| row.settings.get(name).map(word).unwrap_or_default()).collect()
}
