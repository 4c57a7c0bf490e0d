//! What became of a reproduction, and which there are.

use std::path::PathBuf;

use serde::Serialize;

use crate::command::Report;
use crate::commands::SweepReport;
use crate::output::{counted, grouped, table};
use crate::reproduce::{Made, Progress};

/// What became of a reproduction, or which there are.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum ReproduceReport {
    /// All reproductions.
    List {
        /// In the order of papers.
        reproductions: Vec<KnownReproduction>,
    },
    /// One was begun, went on or was looked at.
    One(Box<Reproduced>),
}

/// What became of a reproduction.
#[derive(Clone, Debug, Serialize)]
pub struct Reproduced {
    /// Which.
    pub id: String,
    /// At which scale.
    pub scale: &'static str,
    /// The paper, and where in it.
    pub paper: String,
    /// What became of its jobs.
    #[serde(flatten)]
    pub sweep: SweepReport,
    /// Rows of results; none where there are none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
    /// Of them, those that are whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complete: Option<usize>,
    /// Files of figures.
    pub figures: Vec<PathBuf>,
    /// Figures that could not be drawn, and why.
    pub undrawn: Vec<String>,
    /// The page.
    pub report: Option<PathBuf>,
}

/// A reproduction that phew knows.
#[derive(Clone, Debug, Serialize)]
pub struct KnownReproduction {
    /// What it is called.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// The paper, and where in it.
    pub paper: String,
    /// Its scales.
    pub scales: Vec<KnownScale>,
}

/// A scale of a reproduction.
#[derive(Clone, Debug, Serialize)]
pub struct KnownScale {
    /// Its name.
    pub scale: &'static str,
    /// What is left out of what the paper did; nothing if it is as printed.
    pub shrunk: Option<String>,
    /// Jobs, once it was begun.
    pub jobs: Option<usize>,
    /// Of them, those that are done.
    pub done: Option<usize>,
    /// Those that failed.
    pub failed: Option<usize>,
}

impl KnownScale {
    pub(super) fn new(
        scale: &'static str,
        shrunk: Option<&str>,
        progress: Option<Progress>,
    ) -> Self {
        Self {
            scale,
            shrunk: shrunk.map(str::to_owned),
            jobs: progress.map(|progress| progress.jobs),
            done: progress.map(|progress| progress.done),
            failed: progress.map(|progress| progress.failed),
        }
    }

    /// How far it is, in a word.
    fn state(&self) -> String {
        match (self.done, self.jobs) {
            (Some(done), Some(jobs)) if done == jobs => "done".to_owned(),
            (Some(done), Some(jobs)) => format!("{}/{}", grouped(done), grouped(jobs)),
            _ => "–".to_owned(),
        }
    }
}

impl Reproduced {
    pub(super) fn with(self, made: Made) -> Self {
        let Made { rows, complete, figures, undrawn, page } = made;
        let (rows, complete) = (Some(rows), Some(complete));
        Self { rows, complete, figures, undrawn, report: page, ..self }
    }

    /// Whether all rows are there and whole.
    pub(super) fn is_whole(&self) -> bool {
        self.rows.is_some_and(|rows| rows > 0) && self.rows == self.complete
    }
}

/// The widest line of the list.
const WIDTH: usize = 80;

/// The reproductions of each paper under its name, with how far they are at each scale.
fn list(all: &[KnownReproduction]) -> String {
    let states = |one: &KnownReproduction| one.scales.iter().map(KnownScale::state).collect();
    let rows: Vec<Vec<String>> = all.iter().map(states).collect();
    let names: Vec<&str> =
        all.first().map(|one| one.scales.iter().map(|s| s.scale).collect()).unwrap_or_default();
    let chars = |text: &str| text.chars().count();
    let column = |c: usize| {
        let widest = rows.iter().map(|row| chars(&row[c])).max().unwrap_or(0);
        widest.max(chars(names[c])) + 2
    };
    let id = all.iter().map(|one| chars(&one.id)).max().unwrap_or(0);
    let room = WIDTH.saturating_sub(id + 2 + (0..names.len()).map(column).sum::<usize>()).max(16);
    let title = |text: &str| match chars(text) > room {
        true => text.chars().take(room - 1).collect::<String>().trim_end().to_owned() + "…",
        false => text.to_owned(),
    };
    let paper = |one: &KnownReproduction| {
        one.paper.split_once(',').map_or(one.paper.clone(), |(paper, _)| paper.to_owned())
    };
    let lines = all
        .iter()
        .zip(rows)
        .map(|(one, states)| [vec![one.id.clone(), title(&one.title)], states].concat());
    let lines: Vec<Vec<String>> = lines.collect();
    let shown = table(&[&["", ""], &*names].concat(), &lines, 2);
    let mut shown = shown.lines();
    let mut out = shown.next().unwrap_or_default().to_owned() + "\n";
    let mut before = String::new();
    for (one, line) in all.iter().zip(shown) {
        if paper(one) != before {
            before = paper(one);
            out += &format!("{before}\n");
        }
        out += &format!("{line}\n");
    }
    out
}

impl Report for ReproduceReport {
    fn text(&self) -> String {
        let one = match self {
            Self::List { reproductions } => return list(reproductions),
            Self::One(one) => one,
        };
        let mut out = one.sweep.text();
        if let (Some(rows), Some(complete)) = (one.rows, one.complete) {
            out += &format!("{}, {} of them complete\n", counted(rows, "row"), grouped(complete));
        }
        let files = one.figures.iter().chain(&one.report);
        out += &files.map(|file| format!("{}\n", file.display())).collect::<String>();
        out
    }
}
