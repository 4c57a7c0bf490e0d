//! The tables of a sweep's folder.

use std::path::{Path, PathBuf};

use super::csv::{curves_csv, pairs_csv, rows_csv, summary_csv};
use super::pairs::{Pair, pairs};
use super::rows::Rows;
use super::summary::{Summary, summaries};
use crate::sweep::write_text;

/// What was written.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// The files.
    pub(crate) files: Vec<PathBuf>,
    /// Numbers over seeds.
    pub(crate) summary: Vec<Summary>,
    /// Differences between methods.
    pub(crate) pairs: Vec<Pair>,
}

/// Writes the tables of rows whose plans have these axes. Pairs are of the values of `by`: without one of `variant`
/// where there is such a setting, or else of `method`.
///
/// # Errors
/// If a file cannot be written.
pub(crate) fn write_tables(
    folder: &Path,
    rows: &Rows,
    axes: &[String],
    by: Option<&str>,
) -> anyhow::Result<Tables> {
    let variants = rows.iter().any(|row| row.settings.contains_key("variant"));
    let by = by.unwrap_or(if variants { "variant" } else { "method" });
    let (summary, pairs) = (summaries(rows), pairs(rows, by, axes));
    let tables = [
        ("rows.jsonl", Some(rows.to_json_lines()?)),
        ("rows.csv", Some(rows_csv(rows))),
        ("summary.csv", Some(summary_csv(&summary))),
        ("pairs.csv", Some(pairs_csv(&pairs))),
        ("curves.csv", curves_csv(rows)),
    ];
    let mut files = Vec::new();
    for (name, text) in tables {
        let Some(text) = text else { continue };
        let path = folder.join(name);
        write_text(&path, &text)?;
        files.push(path);
    }
    Ok(Tables { files, summary, pairs })
}
