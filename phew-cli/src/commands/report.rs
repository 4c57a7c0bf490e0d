//! `phew report`: one page of results.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use phew_graph::{GraphError, write_atomically};
use serde::Serialize;

use crate::args::{check_output, overwrite};
use crate::command::{Command, Example, Report as Shown};
use crate::output::counted;
use crate::page::{Page, read_published};

/// Make one self-contained HTML page of the results in a folder.
///
/// It shows what lies there: figures (`*.svg`), tables (`summary.csv`, `pairs.csv`), the settings of `rows.jsonl`, what
/// is missing or failed, the plan, and the numbers that papers print for the same network, data set, method and density
/// beside ours.
#[derive(Debug, Args)]
pub struct Report {
    /// Folder of results
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// Stands at the top; the plan's name by default
    #[arg(long)]
    title: Option<String>,

    /// Other published numbers to compare with than those that come with phew
    #[arg(long, value_name = "FILE.toml")]
    published: Option<PathBuf>,

    /// File to write; report.html in the folder by default
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,

    /// Replace the file if it exists
    #[arg(long, help_heading = "Output")]
    force: bool,
}

/// A page that was written.
#[derive(Clone, Debug, Serialize)]
pub struct ReportReport {
    /// Its file.
    pub output: PathBuf,
    /// Figures on it.
    pub figures: usize,
    /// Rows of the sweep.
    pub rows: usize,
    /// Rows that are not whole.
    pub missing: usize,
    /// Jobs that failed.
    pub failed: usize,
    /// Published numbers that ours stand beside.
    pub compared: usize,
}

impl Command for Report {
    const NAME: &'static str = "report";
    const EXAMPLES: &'static [Example] = &[
        ("a page of a sweep and its figures", "phew report sweep"),
        (
            "with a title, replacing the page before",
            "phew report sweep --title ResNet-20 -o page.html --force",
        ),
    ];
    type Report = ReportReport;

    fn run(&self) -> anyhow::Result<ReportReport> {
        let output = self.output.clone().unwrap_or_else(|| self.folder.join("report.html"));
        check_output(&output, self.force)?;
        let published = read_published(self.published.as_deref())?;
        let page = Page::of(&self.folder, self.title.as_deref(), &published)?;
        write_atomically(&output, overwrite(self.force), |out| {
            let written = out.write_all(page.html.as_bytes());
            written.map_err(|source| GraphError::Io { path: output.clone(), source })
        })?;
        let Page { figures, rows, missing, failed, compared, .. } = page;
        Ok(ReportReport { output, figures, rows, missing, failed, compared })
    }
}

impl Shown for ReportReport {
    fn text(&self) -> String {
        let mut out = format!(
            "{}\n{}, {}, {}\n",
            self.output.display(),
            counted(self.figures, "figure"),
            counted(self.rows, "result"),
            counted(self.compared, "published number"),
        );
        if self.missing + self.failed > 0 {
            let failed = counted(self.failed, "failed job");
            out += &format!("{} not whole, {failed}\n", counted(self.missing, "result"));
        }
        out
    }
}
