//! The folder of a sweep: its plan, its cells, and where the jobs lie.
//!
//! | file | what |
//! |---|---|
//! | `plan.toml` | the plan, as it was |
//! | `cells.jsonl` | a line for each cell: its settings, its measures, the identities of its jobs by role |
//! | `sweep.json` | the plan's name and axes, and the folder of `jobs/` if it is another |

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::graph::CellJobs;
use super::job::Job;
use super::plan::Plan;
use super::store::{Store, read, write_json, write_text};

/// Version of the folder's files.
const SCHEMA: u32 = 1;

/// What `sweep.json` says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    schema: u32,
    name: String,
    /// What the cells differ in.
    #[serde(default)]
    axes: Vec<String>,
    /// The folder of `jobs/`, if it is not this one.
    store: Option<PathBuf>,
}

/// A sweep as its folder has it.
#[derive(Debug)]
pub(crate) struct Folder {
    /// The plan's name.
    pub(crate) name: String,
    /// What the cells differ in, by the plan.
    pub(crate) axes: Vec<String>,
    /// Its cells, in the plan's order.
    pub(crate) cells: Vec<CellJobs>,
    /// Where the jobs lie.
    pub(crate) store: Store,
    /// The folder itself.
    pub(crate) path: PathBuf,
}

impl Folder {
    /// Writes the folder of a plan. Another plan's takes its place; the jobs of both stay.
    pub(crate) fn write(
        path: &Path,
        plan: &Plan,
        cells: Vec<CellJobs>,
        store: Option<&Path>,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(path).with_context(|| path.display().to_string())?;
        let copy = path.join("plan.toml");
        if phew_graph::read_text(&copy).ok().as_ref() != Some(&plan.source) {
            write_text(&copy, &plan.source)?;
        }
        Self::of_plans(path, &plan.name, &[plan], cells, store)
    }

    /// Writes a folder for the cells of several plans, without the plans themselves.
    pub(crate) fn of_plans(
        path: &Path,
        name: &str,
        plans: &[&Plan],
        cells: Vec<CellJobs>,
        store: Option<&Path>,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(path).with_context(|| path.display().to_string())?;
        let path = std::path::absolute(path).with_context(|| path.display().to_string())?;
        let absolute = |store: &Path| std::path::absolute(store);
        let store = store.map(absolute).transpose()?.filter(|store| *store != path);
        let lines: Result<String, serde_json::Error> =
            cells.iter().map(|cell| Ok(serde_json::to_string(cell)? + "\n")).collect();
        write_text(&path.join("cells.jsonl"), &lines?)?;
        let axes: BTreeSet<&String> =
            plans.iter().flat_map(|plan| plan.axes.iter().map(|(axis, _)| axis)).collect();
        let axes = axes.into_iter().cloned().collect();
        let note = Note { schema: SCHEMA, name: name.to_owned(), axes, store };
        write_json(&path.join("sweep.json"), &note)?;
        let store = Store::new(note.store.as_deref().unwrap_or(&path));
        Ok(Self { name: note.name, axes: note.axes, cells, store, path })
    }

    /// Reads the folder of a sweep.
    ///
    /// # Errors
    /// If it is none.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let file = path.join("sweep.json");
        let note: Note = read(&file).context("no folder of a sweep")?;
        if note.schema != SCHEMA {
            bail!("{}: schema {}, expected {SCHEMA}", file.display(), note.schema);
        }
        let file = path.join("cells.jsonl");
        let text = phew_graph::read_text(&file).with_context(|| file.display().to_string())?;
        let cell = |(number, line): (usize, &str)| {
            let at = || format!("{}, line {number}: is damaged", file.display());
            serde_json::from_str(line).with_context(at)
        };
        let cells = (1..).zip(text.lines()).map(cell).collect::<anyhow::Result<_>>()?;
        let store = Store::new(note.store.as_deref().unwrap_or(path));
        Ok(Self { name: note.name, axes: note.axes, cells, store, path: path.to_owned() })
    }

    /// The jobs of the store with these identities, each behind those that it needs, which come along.
    ///
    /// # Errors
    /// If one is not in the store.
    pub(crate) fn jobs(&self, ids: &[String]) -> anyhow::Result<Vec<Job>> {
        let (mut jobs, mut known) = (Vec::new(), BTreeSet::new());
        for id in ids {
            self.collect(id, &mut jobs, &mut known)?;
        }
        Ok(jobs)
    }

    fn collect(
        &self,
        id: &str,
        into: &mut Vec<Job>,
        known: &mut BTreeSet<String>,
    ) -> anyhow::Result<()> {
        if !known.insert(id.to_owned()) {
            return Ok(());
        }
        let job = self.store.job(id)?;
        for need in job.spec.needs.values() {
            self.collect(need, into, known)?;
        }
        into.push(job);
        Ok(())
    }
}

/// Those of the jobs that are needed for some identities, in their order.
pub(crate) fn needed(jobs: &[Job], ids: impl Iterator<Item = String>) -> Vec<Job> {
    let mut wanted: BTreeSet<String> = ids.collect();
    for job in jobs.iter().rev() {
        if wanted.contains(&job.id) {
            wanted.extend(job.spec.needs.values().cloned());
        }
    }
    jobs.iter().filter(|job| wanted.contains(&job.id)).cloned().collect()
}

/// How far each job is from those that need nothing: jobs of one level need none of each other.
pub(crate) fn levels(jobs: &[Job]) -> Vec<Vec<&Job>> {
    let mut level = std::collections::BTreeMap::<&str, usize>::new();
    let mut levels: Vec<Vec<&Job>> = Vec::new();
    for job in jobs {
        let before = job.spec.needs.values().filter_map(|need| level.get(&**need));
        let own = before.max().map_or(0, |before| before + 1);
        level.insert(&job.id, own);
        if levels.len() <= own {
            levels.resize(own + 1, Vec::new());
        }
        levels[own].push(job);
    }
    levels
}
