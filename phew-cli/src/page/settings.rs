//! What decided the results, and what of them is not there.

use std::collections::BTreeMap;

use serde_json::Value;

use super::html::table;
use super::jobs::Jobs;
use crate::collect::Rows;
use crate::output::counted;

/// The values of a setting are listed up to here.
const LISTED: usize = 16;

/// How much there is, in a line.
pub(super) fn overview(rows: &Rows, missing: usize, jobs: &Jobs) -> String {
    let mut parts = Vec::new();
    if !rows.is_empty() {
        parts.push(counted(rows.len(), "result"));
    }
    if missing > 0 {
        parts.push(format!("<span class=\"bad\">{missing} of them not whole</span>"));
    }
    // A cell without any result has no row.
    if jobs.cells > rows.len() {
        let cells = counted(jobs.cells - rows.len(), "cell");
        parts.push(format!("<span class=\"bad\">{cells} without any</span>"));
    }
    if !jobs.failed.is_empty() {
        let failed = counted(jobs.failed.len(), "job");
        parts.push(format!("<span class=\"bad\">{failed} failed</span>"));
    }
    match parts.is_empty() {
        true => String::new(),
        false => format!("<p>{}.</p>\n", parts.join(", ")),
    }
}

/// The rows that are not whole, and why jobs failed.
pub(super) fn missing(rows: &Rows, jobs: &Jobs) -> String {
    let mut out = String::new();
    let varied = different(rows);
    let lines = rows.iter().filter(|row| !row.missing.is_empty()).map(|row| {
        let words = varied.iter().map(|name| row.settings.get(name).map(word).unwrap_or_default());
        words.chain([row.missing.join(", ")]).collect::<Vec<_>>()
    });
    let lines: Vec<Vec<String>> = lines.collect();
    if !lines.is_empty() {
        let head: Vec<String> = varied.iter().cloned().chain(["missing".to_owned()]).collect();
        out += &table(&head, &lines);
    }
    if !jobs.failed.is_empty() {
        let line = |(id, error): &(String, String)| vec![id.clone(), error.clone()];
        let lines: Vec<Vec<String>> = jobs.failed.iter().map(line).collect();
        out += &table(&["job".to_owned(), "error".to_owned()], &lines);
    }
    out
}

/// Every setting with its values.
pub(super) fn settings(rows: &Rows) -> String {
    let line = |(name, values): (String, Vec<String>)| {
        let more = values.len().saturating_sub(LISTED);
        let mut shown = values[..values.len() - more].join(", ");
        if more > 0 {
            shown += &format!(" and {more} more");
        }
        vec![name, shown]
    };
    let lines: Vec<Vec<String>> = values(rows).into_iter().map(line).collect();
    match lines.is_empty() {
        true => String::new(),
        false => table(&["setting".to_owned(), "values".to_owned()], &lines),
    }
}

/// Which versions of phew made what is shown.
pub(super) fn versions(jobs: &Jobs) -> String {
    let page = vec![env!("CARGO_PKG_VERSION").to_owned(), "this page".to_owned()];
    let of_jobs =
        jobs.versions.iter().map(|(version, n)| vec![version.clone(), counted(*n, "job")]);
    let lines: Vec<Vec<String>> = [page].into_iter().chain(of_jobs).collect();
    table(&["phew".to_owned(), "of".to_owned()], &lines)
}

/// The values of each setting, in order.
fn values(rows: &Rows) -> BTreeMap<String, Vec<String>> {
    let of = |name: String| {
        let values = rows.distinct(&name).iter().map(word).collect();
        (name, values)
    };
    rows.settings().into_iter().map(of).collect()
}

/// The settings in which rows differ.
fn different(rows: &Rows) -> Vec<String> {
    let everywhere = |name: &str| rows.iter().all(|row| row.settings.contains_key(name));
    let differs = |(name, values): &(String, Vec<String>)| values.len() > 1 || !everywhere(name);
    values(rows).into_iter().filter(differs).map(|(name, _)| name).collect()
}

/// A setting as a word.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
