//! What the jobs of a sweep left: versions, and why some failed.
//!
//! Of the sweep's own files this reads `cells.jsonl` (the jobs of each cell), `sweep.json` (where the jobs lie, if not
//! beside it) and of each job `result.json` or `error.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::files::text_of;

/// What is known of the jobs.
#[derive(Clone, Debug, Default)]
pub(super) struct Jobs {
    /// How many are done, by the version of phew that did them.
    pub(super) versions: BTreeMap<String, usize>,
    /// The identity of each that failed, and why.
    pub(super) failed: Vec<(String, String)>,
    /// Cells of the sweep.
    pub(super) cells: usize,
}

/// What is read of `sweep.json`.
#[derive(Deserialize)]
struct Sweep {
    store: Option<PathBuf>,
}

/// What is read of a line of `cells.jsonl`.
#[derive(Deserialize)]
struct Cell {
    jobs: BTreeMap<String, String>,
}

/// What is read of `result.json`.
#[derive(Deserialize)]
struct Done {
    phew: String,
}

/// What is read of `error.json`.
#[derive(Deserialize)]
struct Failed {
    error: Vec<String>,
}

impl Jobs {
    /// Of the cells of a folder; of all jobs in it where it says nothing of cells. What is done has not failed, whatever
    /// was before.
    pub(super) fn of(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("sweep.json");
        let sweep = text_of(&path)?.map(|text| parsed::<Sweep>(&text, &path)).transpose()?;
        let store = sweep.and_then(|sweep| sweep.store).unwrap_or_else(|| folder.to_path_buf());
        let path = folder.join("cells.jsonl");
        let lines = text_of(&path)?.unwrap_or_default();
        let cells = lines.lines().map(|line| parsed::<Cell>(line, &path));
        let cells: Vec<Cell> = cells.collect::<anyhow::Result<_>>()?;
        let mut jobs = Self { cells: cells.len(), ..Self::default() };
        let mut ids: BTreeSet<String> =
            cells.into_iter().flat_map(|cell| cell.jobs.into_values()).collect();
        let path = store.join("jobs");
        if ids.is_empty() && path.is_dir() {
            let named = || path.display().to_string();
            for entry in std::fs::read_dir(&path).with_context(named)? {
                ids.insert(entry.with_context(named)?.file_name().to_string_lossy().into_owned());
            }
        }
        for id in ids {
            let (done, failed) =
                (path.join(&id).join("result.json"), path.join(&id).join("error.json"));
            if let Some(text) = text_of(&done)? {
                let done: Done = parsed(&text, &done)?;
                *jobs.versions.entry(done.phew).or_default() += 1;
            } else if let Some(text) = text_of(&failed)? {
                let failed: Failed = parsed(&text, &failed)?;
                jobs.failed.push((id, failed.error.join(": ")));
            }
        }
        Ok(jobs)
    }
}

fn parsed<T: DeserializeOwned>(text: &str, path: &Path) -> anyhow::Result<T> {
    serde_json::from_str(text).with_context(|| path.display().to_string())
}
