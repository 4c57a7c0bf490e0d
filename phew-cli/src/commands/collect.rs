//! `phew collect`: tables of a sweep's results.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::collect::{Pair, Summary, gather, write_tables};
use crate::command::{Command, Example, Report};
use crate::output::counted;
use crate::sweep::{CellJobs, Conditions, Folder};

/// Collect a sweep's results: rows, means over seeds, differences between methods.
///
/// The tables lie in the folder of the sweep: rows.jsonl and rows.csv with a row for each cell; summary.csv with n, mean,
/// standard deviation and the 95% interval of Student's t over seeds; pairs.csv with the differences between methods, seed
/// by seed, and the p-values of both the paired t-test and the exact sign test; curves.csv with a row for each epoch of
/// each training. Cells that are not done are left out of what they lack.
#[derive(Debug, Args)]
pub struct Collect {
    /// Folder of the sweep
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// Only cells for which this holds, as for `phew sweep`
    #[arg(long, value_name = "EXPR", value_parser = Conditions::of_expression)]
    only: Option<Conditions>,

    /// Setting whose values are compared in pairs; by default `variant` if the plan has it, or else `method`
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

/// What was collected.
#[derive(Clone, Debug, Serialize)]
pub struct CollectReport {
    /// The plan's name.
    pub name: String,
    /// Cells of the plan that were asked for.
    pub cells: usize,
    /// Rows: cells of which something is done or has failed.
    pub rows: usize,
    /// Rows of which all is done.
    pub complete: usize,
    /// The tables that were written.
    pub files: Vec<PathBuf>,
    /// Numbers over seeds.
    pub summary: Vec<Summary>,
    /// Differences between methods.
    pub pairs: Vec<Pair>,
}

impl Command for Collect {
    const NAME: &'static str = "collect";
    const EXAMPLES: &'static [Example] = &[
        ("tables of all that is done", "phew collect results"),
        ("of a part, for a program", "phew collect results --only 'density<=0.1' --json"),
    ];
    type Report = CollectReport;

    fn run(&self) -> anyhow::Result<CollectReport> {
        let folder = Folder::read(&self.folder)?;
        let asked =
            |cell: &CellJobs| self.only.as_ref().is_none_or(|only| only.hold(&cell.cell.settings));
        let rows = gather(&folder, asked)?;
        let tables = write_tables(&self.folder, &rows, &folder.axes, self.by.as_deref())?;
        Ok(CollectReport {
            name: folder.name,
            cells: folder.cells.iter().filter(|cell| asked(cell)).count(),
            rows: rows.len(),
            complete: rows.iter().filter(|row| row.missing.is_empty()).count(),
            files: tables.files,
            summary: tables.summary,
            pairs: tables.pairs,
        })
    }
}

impl Report for CollectReport {
    fn text(&self) -> String {
        let Self { name, cells, rows, complete, files, .. } = self;
        let mut out = format!("{name}: {} of {}", counted(*rows, "row"), counted(*cells, "cell"));
        out += &format!(", {complete} of them complete\n");
        for file in files {
            out += &format!("{}\n", file.display());
        }
        out
    }
}
