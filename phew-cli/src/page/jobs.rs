//! What the jobs of a sweep left: versions, and why some failed.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use super::files::text_of;

/// What is known of the jobs.
#[derive(Clone, Debug, Default)]
pub(super) struct Jobs {
    /// How many are done, by the version of phew that did them.
    pub(super) versions: BTreeMap<String, usize>,
    /// The identity of each that failed, and why.
    pub(super) failed: Vec<(String, String)>,
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
    /// Of `jobs/` in a folder, if there is one. What is done has not failed, whatever was before.
    pub(super) fn of(folder: &Path) -> anyhow::Result<Self> {
        let mut jobs = Self::default();
        let path = folder.join("jobs");
        if !path.is_dir() {
            return Ok(jobs);
        }
        let named = || path.display().to_string();
        for entry in std::fs::read_dir(&path).with_context(named)? {
            let entry = entry.with_context(named)?;
            let read = |name: &str| text_of(&entry.path().join(name));
            let at = |name: &str| entry.path().join(name).display().to_string();
            if let Some(text) = read("result.json")? {
                let done: Done = serde_json::from_str(&text).with_context(|| at("result.json"))?;
                *jobs.versions.entry(done.phew).or_default() += 1;
            } else if let Some(text) = read("error.json")? {
                let failed: Failed =
                    serde_json::from_str(&text).with_context(|| at("error.json"))?;
                let id = entry.file_name().to_string_lossy().into_owned();
                jobs.failed.push((id, failed.error.join(": ")));
            }
        }
        jobs.failed.sort();
        Ok(jobs)
    }
}
