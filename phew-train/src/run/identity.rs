//! Whose the files of a folder are: each that is trusted bears the identity of its run.

use std::path::Path;

use phew_graph::{Arch, content_hash, read_file, read_text};
use serde::Deserialize;

use super::config::RunConfig;
use super::result::RunResult;
use crate::error::{Result, TrainError};

/// The trained network's file.
pub(super) const WEIGHTS: &str = "weights.safetensors";

/// What is read first of a file that bears a run's identity.
#[derive(Deserialize)]
struct Identity {
    run: String,
}

/// What a run writes after its configuration: without that nobody knows of which run they are.
const LATER: [&str; 7] = [
    "result.json",
    "checkpoint.safetensors",
    "metrics.jsonl",
    "timings.jsonl",
    "early.safetensors",
    "mask-1.safetensors",
    WEIGHTS,
];

/// Refuses a folder that is another run's, or in which files would be replaced that are no run's.
pub(super) fn check_claim(dir: &Path, config: &RunConfig, arch: &Arch) -> Result<()> {
    let path = dir.join("config.toml");
    if !path.exists() {
        if let Some(path) = LATER.map(|name| dir.join(name)).iter().find(|path| path.exists()) {
            let problem = "lies there without the config.toml of a run; name another folder";
            return Err(TrainError::corrupt(path, problem));
        }
        return check_arch(dir, arch);
    }
    let found = read_text(&path).map_err(TrainError::io(&path))?;
    let text = config.to_toml();
    if found == text {
        return check_arch(dir, arch);
    }
    let lines = found.lines().map(Some).chain(std::iter::repeat(None));
    let difference = lines.zip(text.lines()).find(|(found, wanted)| *found != Some(*wanted));
    let (found, wanted) = difference.unwrap_or((None, ""));
    Err(TrainError::OtherRun {
        dir: dir.to_owned(),
        found: found.unwrap_or("nothing").to_owned(),
        wanted: wanted.to_owned(),
    })
}

/// Refuses a description of another network beside this run's configuration.
fn check_arch(dir: &Path, arch: &Arch) -> Result<()> {
    let path = dir.join("arch.toml");
    if path.exists() && read_text(&path).map_err(TrainError::io(&path))? != arch.to_toml() {
        return Err(TrainError::corrupt(&path, "is not the network of this run"));
    }
    Ok(())
}

/// Refuses a file of a run's folder that bears the identity of another run.
pub(super) fn check_bears(path: &Path, found: Option<&str>, config: &RunConfig) -> Result<()> {
    let wanted = config.id();
    if found == Some(&wanted) {
        return Ok(());
    }
    let found = found.map_or("no run".to_owned(), |found| format!("run {found}"));
    Err(TrainError::corrupt(path, format!("is of {found}, expected run {wanted}")))
}

/// The result of the run, if it is there and this run's, together with the weights that it speaks of.
pub(super) fn result_of(dir: &Path, config: &RunConfig) -> Result<Option<RunResult>> {
    let path = dir.join("result.json");
    if !path.exists() {
        return Ok(None);
    }
    let text = read_file(&path).map_err(TrainError::io(&path))?;
    let damaged = |e: serde_json::Error| TrainError::corrupt(&path, e.to_string());
    // First whose it is: results of other builds may lack what this one wants.
    let id: Option<Identity> = serde_json::from_slice(&text).ok();
    check_bears(&path, id.as_ref().map(|id| &*id.run), config)?;
    let result: RunResult = serde_json::from_slice(&text).map_err(damaged)?;
    let weights = dir.join(WEIGHTS);
    let bytes = read_file(&weights).map_err(TrainError::io(&weights))?;
    if content_hash(&bytes) != result.weights {
        return Err(TrainError::corrupt(&weights, "is not what result.json speaks of"));
    }
    Ok(Some(result))
}
