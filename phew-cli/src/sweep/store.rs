//! Where results lie, and how they are kept whole: a folder for each job, named by its identity.
//!
//! | file of `jobs/ID/` | what |
//! |---|---|
//! | `job.json` | what the job is |
//! | `lock` | locked by the process that works at it; the lock of a process that died is free |
//! | `mask.safetensors`, `weights.safetensors`, `scores.safetensors`, `run/` | what it leaves for others |
//! | `log.txt` | what the command said |
//! | `error.json` | why it failed |
//! | `result.json` | the command's report, written last: where it is, the job is done |

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use phew_graph::{FileLock, GraphError, Overwrite, write_atomically};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::job::{FROM, Job, MASK, OTHER, SCORES, Spec, WEIGHTS, what_and_step};

/// The folder of all jobs' folders.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    jobs: PathBuf,
}

/// What came out of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Done {
    /// The job's identity.
    pub(crate) id: String,
    /// What the job was.
    pub(crate) spec: Spec,
    /// What the command reported.
    pub(crate) report: Value,
    /// How long it took, in all of its parts that were not cut off.
    pub(crate) seconds: f64,
    /// Threads that it had.
    pub(crate) threads: usize,
    /// Hashes of the files that others read.
    pub(crate) outputs: BTreeMap<String, String>,
    /// Version of phew.
    pub(crate) phew: String,
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Failed {
    /// The job's identity.
    pub(crate) id: String,
    /// The error and its causes.
    pub(crate) error: Vec<String>,
    /// Version of phew.
    pub(crate) phew: String,
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum State {
    /// Nothing is known.
    Missing,
    /// It failed.
    Failed(Failed),
    /// It is done.
    Done(Box<Done>),
}

/// The right to work at a job. It ends with the value, or with the process.
#[derive(Debug)]
pub(crate) struct Claim {
    _lock: FileLock,
}

impl Store {
    /// The store in a folder.
    pub(crate) fn new(folder: &Path) -> Self {
        Self { jobs: folder.join("jobs") }
    }

    /// The folder that `jobs/` lies in.
    pub(crate) fn root(&self) -> &Path {
        self.jobs.parent().unwrap_or(&self.jobs)
    }

    /// The folder of a job.
    pub(crate) fn folder(&self, id: &str) -> PathBuf {
        self.jobs.join(id)
    }

    /// Makes the job's folder, with what the job is. What others want it to keep stays.
    pub(crate) fn add(&self, job: &Job) -> anyhow::Result<()> {
        let folder = self.folder(&job.id);
        let path = folder.join("job.json");
        let found = path.exists().then(|| read::<Job>(&path).ok()).flatten();
        let mut job = job.clone();
        job.kept_steps.extend(found.iter().flat_map(|found| &found.kept_steps));
        if found.as_ref() == Some(&job) {
            return Ok(());
        }
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        write_json(&path, &job)
    }

    /// The job of an identity, as it was added.
    pub(crate) fn job(&self, id: &str) -> anyhow::Result<Job> {
        let path = self.folder(id).join("job.json");
        let job: Job = read(&path)?;
        if job.id != id || job.spec.id()? != id {
            bail!("{}: is not job {id}", path.display());
        }
        Ok(job)
    }

    /// How far a job is: one that has not kept all steps that it is to keep is not done.
    ///
    /// # Errors
    /// As [`Store::result`].
    pub(crate) fn state(&self, job: &Job) -> anyhow::Result<State> {
        let state = self.result(&job.id)?;
        let State::Done(done) = &state else { return Ok(state) };
        let kept = job.kept_steps.iter().all(|&step| done.outputs.contains_key(&kept(step)));
        Ok(if kept { state } else { State::Missing })
    }

    /// How far the job of an identity is, whatever it is to keep besides its result.
    ///
    /// # Errors
    /// If its result is damaged, or that of another job.
    pub(crate) fn result(&self, id: &str) -> anyhow::Result<State> {
        let folder = self.folder(id);
        let path = folder.join("result.json");
        if path.exists() {
            let done: Done = read(&path)?;
            if done.id != id || done.spec.id()? != id {
                bail!(
                    "{}: is the result of job {}, expected that of {id}",
                    path.display(),
                    done.id
                );
            }
            return Ok(State::Done(Box::new(done)));
        }
        let path = folder.join("error.json");
        Ok(if path.exists() { State::Failed(read(&path)?) } else { State::Missing })
    }

    /// The right to work at a job, unless another has it.
    pub(crate) fn claim(&self, id: &str) -> anyhow::Result<Option<Claim>> {
        match FileLock::acquire(&self.folder(id).join("lock")) {
            Ok(lock) => Ok(Some(Claim { _lock: lock })),
            Err(GraphError::Locked { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether somebody works at a job now.
    pub(crate) fn is_claimed(&self, id: &str) -> bool {
        FileLock::is_taken(&self.folder(id).join("lock"))
    }

    /// Removes what a process that was killed left half-written. The caller has the claim.
    pub(crate) fn clean(&self, id: &str) -> anyhow::Result<()> {
        for folder in [self.folder(id), self.folder(id).join("run")] {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if name.starts_with(".phew-") && name.ends_with(".tmp") {
                    std::fs::remove_file(&path).with_context(|| path.display().to_string())?;
                }
            }
        }
        Ok(())
    }

    /// Notes that a job is done.
    pub(crate) fn finish(&self, done: &Done) -> anyhow::Result<()> {
        // Long lists of numbers on one line, unlike what people read.
        let text = serde_json::to_string(done)? + "\n";
        write_text(&self.folder(&done.id).join("result.json"), &text)?;
        self.forget(&done.id)
    }

    /// Notes that a job failed.
    pub(crate) fn fail(&self, failed: &Failed) -> anyhow::Result<()> {
        write_json(&self.folder(&failed.id).join("error.json"), failed)
    }

    /// Takes back that a job failed.
    pub(crate) fn forget(&self, id: &str) -> anyhow::Result<()> {
        let path = self.folder(id).join("error.json");
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| path.display().to_string())
            }
            _ => Ok(()),
        }
    }

    /// The file that a job has left for others: its mask, its weights, the network of an early step.
    ///
    /// # Errors
    /// If it is not there, or not what the job left.
    pub(crate) fn output(&self, id: &str, what: &str) -> anyhow::Result<PathBuf> {
        let State::Done(done) = self.result(id)? else { bail!("job {id} is not done") };
        let name = name_of(&done, what);
        let Some((name, hash)) = name.and_then(|name| done.outputs.get_key_value(&name)) else {
            bail!("job {id} ({}) leaves no {what}", done.spec.tool);
        };
        let path = self.folder(id).join(name);
        let bytes = phew_graph::read_file(&path).with_context(|| path.display().to_string())?;
        if phew_graph::content_hash(&bytes) != *hash {
            bail!("{}: is not what job {id} left: it has another hash", path.display());
        }
        Ok(path)
    }

    /// The files that a job leaves for others, each with its hash.
    pub(crate) fn outputs(&self, id: &str) -> anyhow::Result<BTreeMap<String, String>> {
        let folder = self.folder(id);
        let mut found = BTreeMap::new();
        for (inner, prefix) in [(folder.clone(), ""), (folder.join("run"), "run/")] {
            let Ok(entries) = std::fs::read_dir(&inner) else { continue };
            for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if name.ends_with(".safetensors") && name != "checkpoint.safetensors" {
                    let bytes =
                        phew_graph::read_file(&path).with_context(|| path.display().to_string())?;
                    found.insert(format!("{prefix}{name}"), phew_graph::content_hash(&bytes));
                }
            }
        }
        Ok(found)
    }
}

/// The file of a step that a training keeps.
fn kept(step: u64) -> String {
    format!("run/early-{step}.safetensors")
}

/// The name of the file that a job left.
fn name_of(done: &Done, need: &str) -> Option<String> {
    let trained = done.spec.tool == "train";
    let (what, step) = what_and_step(need);
    if let Some(step) = step {
        return (trained && [FROM, WEIGHTS].contains(&what)).then(|| kept(step));
    }
    match (what, trained) {
        (MASK | OTHER, false) => Some("mask.safetensors".to_owned()),
        (WEIGHTS, false) => Some("weights.safetensors".to_owned()),
        (SCORES, false) => Some("scores.safetensors".to_owned()),
        (WEIGHTS, true) => Some("run/weights.safetensors".to_owned()),
        (MASK | OTHER, true) => {
            // Of several prunings the last.
            let number = |name: &String| {
                name.strip_prefix("run/mask-")?.strip_suffix(".safetensors")?.parse::<u64>().ok()
            };
            let numbered = done.outputs.keys().filter_map(|name| Some((number(name)?, name)));
            numbered.max().map(|(_, name)| name.clone())
        }
        _ => None,
    }
}

/// Reads a file of JSON.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let bytes = phew_graph::read_file(path).with_context(|| path.display().to_string())?;
    serde_json::from_slice(&bytes).with_context(|| format!("{}: is damaged", path.display()))
}

/// Writes a file of JSON, whole or not at all.
pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> anyhow::Result<()> {
    write_text(path, &(serde_json::to_string_pretty(value)? + "\n"))
}

/// Writes a file of text, whole or not at all.
pub(crate) fn write_text(path: &Path, text: &str) -> anyhow::Result<()> {
    Ok(write_atomically(path, Overwrite::Replace, |writer| {
        let io = |source| GraphError::Io { path: path.to_owned(), source };
        writer.write_all(text.as_bytes()).map_err(io)
    })?)
}
