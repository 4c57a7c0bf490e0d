//! The folder of a reproduction: its plans, the jobs of all of them, and what is made of the results.
//!
//! | file | what |
//! |---|---|
//! | `reproduction.toml` | which reproduction, at which scale |
//! | `PLAN.toml` | each plan, as `phew sweep` takes it |
//! | `jobs/`, `cells.jsonl`, `sweep.json` | as of a sweep, for all plans |
//! | `rows.jsonl`, `*.csv` | the tables of all plans, as `phew collect` makes them |
//! | `FIGURE.svg`, `.png`, `.csv` | the figures |
//! | `report.html` | all of it on a page |

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use phew_graph::Overwrite;

use super::description::{Reproduction, Scale};
use super::substitute::Substitute;
use crate::collect::{Rows, gather, write_tables};
use crate::figure::Figure;
use crate::page::{Page, Record, published_of};
use crate::sweep::{CellJobs, Folder, Plan, State, write_text};

/// What a reproduction is made of at a scale.
#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    /// Which.
    pub(crate) reproduction: &'a Reproduction,
    /// At which scale.
    pub(crate) scale: Scale,
    /// On which data.
    pub(crate) substitute: &'a Substitute,
}

/// What was made of the results.
#[derive(Clone, Debug, Default)]
pub(crate) struct Made {
    /// Rows of all plans.
    pub(crate) rows: usize,
    /// Of them, those of which all is done.
    pub(crate) complete: usize,
    /// The figures' files.
    pub(crate) figures: Vec<PathBuf>,
    /// Why others could not be drawn.
    pub(crate) undrawn: Vec<String>,
    /// The page.
    pub(crate) page: Option<PathBuf>,
}

/// The folder of a reproduction where none is named, below that of all.
pub(crate) fn usual(id: &str, scale: Scale) -> String {
    format!("{id}-{}", scale.name())
}

impl Request<'_> {
    /// What was shrunk and substituted.
    fn note(&self) -> Option<String> {
        let shrunk =
            self.reproduction.shrunk(self.scale).map(|shrunk| format!("Shrunk: {shrunk}."));
        let parts: Vec<String> = shrunk.into_iter().chain(self.substitute.note()).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    /// Writes plans and cells.
    ///
    /// # Errors
    /// If the folder cannot be written, or is that of another reproduction or scale.
    pub(crate) fn write(
        &self,
        path: &Path,
        plans: &[&Plan],
        cells: Vec<CellJobs>,
    ) -> anyhow::Result<Folder> {
        let Self { reproduction, scale, .. } = self;
        let record = Record {
            id: reproduction.id.clone(),
            scale: scale.name().to_owned(),
            title: reproduction.title.clone(),
            paper: reproduction.paper.clone(),
            note: self.note(),
            plans: plans.iter().map(|plan| plan.name.clone()).collect(),
            about: reproduction.about.clone(),
        };
        if let Some(found) = Record::read(path)?
            && (&found.id, &found.scale) != (&record.id, &record.scale)
        {
            let Record { id, scale, .. } = found;
            return Err(crate::failure::usage(format!(
                "{}: is the folder of {id} at scale {scale}",
                path.display()
            )));
        }
        let name = usual(&record.id, self.scale);
        let folder = Folder::of_plans(path, &name, plans, cells, None)?;
        for plan in plans {
            write_text(&path.join(format!("{}.toml", plan.name)), &plan.source)?;
        }
        let (name, text) = record.file()?;
        write_text(&path.join(name), &text)?;
        Ok(folder)
    }

    /// Collects the rows, draws the figures, makes the page. A figure that cannot be drawn, as one of results that are
    /// not there yet, does not keep the others.
    ///
    /// # Errors
    /// If a result is damaged, or a file cannot be written.
    pub(crate) fn make(
        &self,
        folder: &Folder,
        keep: impl Fn(&CellJobs) -> bool,
    ) -> anyhow::Result<Made> {
        let rows = gather(folder, keep)?;
        let mut made = Made {
            rows: rows.len(),
            complete: rows.iter().filter(|row| row.missing.is_empty()).count(),
            ..Made::default()
        };
        if rows.is_empty() {
            return Ok(made);
        }
        write_tables(&folder.path, &rows, &folder.axes, None)?;
        for (name, figure) in &self.reproduction.figures {
            match self.draw(folder, name, figure, &rows) {
                Ok(files) => made.figures.extend(files),
                Err(error) => made.undrawn.push(format!("figure {name}: {error:#}")),
            }
        }
        let published = published_of(&self.reproduction.published)?;
        let page = Page::of(&folder.path, None, &published)?;
        let path = folder.path.join("report.html");
        write_text(&path, &page.html)?;
        made.page = Some(path);
        Ok(made)
    }

    fn draw(
        &self,
        folder: &Folder,
        name: &str,
        figure: &Figure,
        rows: &Rows,
    ) -> anyhow::Result<[PathBuf; 3]> {
        let notes: Vec<String> = figure.note.clone().into_iter().chain(self.note()).collect();
        let note = (!notes.is_empty()).then(|| notes.join(" "));
        let figure = Figure { note, ..figure.clone() };
        let drawing = figure.draw(rows, &folder.path)?;
        drawing.write(&folder.path.join(name), Overwrite::Replace)
    }
}

/// How far the reproduction in a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Jobs.
    pub(crate) jobs: usize,
    /// Of them, those that are done.
    pub(crate) done: usize,
    /// Those that failed.
    pub(crate) failed: usize,
}

/// How far a reproduction is in a folder; none where it was not begun.
///
/// # Errors
/// If the folder is damaged.
pub(crate) fn progress(path: &Path, id: &str, scale: Scale) -> anyhow::Result<Option<Progress>> {
    let Some(record) = Record::read(path)? else { return Ok(None) };
    if (record.id.as_str(), record.scale.as_str()) != (id, scale.name()) {
        return Ok(None);
    }
    let folder = Folder::read(path)?;
    let ids: std::collections::BTreeSet<String> =
        folder.cells.iter().flat_map(|cell| cell.jobs.values().cloned()).collect();
    let jobs = folder.jobs(&ids.into_iter().collect::<Vec<_>>());
    let jobs = jobs.map_err(|e| anyhow!("{e:#}")).with_context(|| path.display().to_string())?;
    let mut found = Progress { jobs: jobs.len(), done: 0, failed: 0 };
    for job in &jobs {
        match folder.store.state(job)? {
            State::Done(_) => found.done += 1,
            State::Failed(_) => found.failed += 1,
            State::Missing => {}
        }
    }
    Ok(Some(found))
}
