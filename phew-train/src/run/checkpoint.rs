//! Checkpoints: one file with all that a run needs to go on, beside those that never change again.

use std::path::{Path, PathBuf};

use phew_graph::ndarray::Array1;
use phew_graph::{Mask, Overwrite, Provenance, TensorFile, write_arrays};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::config::RunConfig;
use super::identity::check_bears;
use crate::error::{Result, TrainError};
use crate::model::{StateDict, values_of};
use crate::train::{EpochRecord, EpochTiming, PrunedTraining, Snapshot, State};

/// What a checkpoint holds besides tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Note {
    /// The run that it belongs to.
    pub config: RunConfig,
    state: State,
    /// The act of the run's pruning that is under way, and the prunings so far.
    #[serde(default)]
    place: (usize, u64),
    /// Epochs done so far.
    pub history: Vec<EpochRecord>,
    /// Their times.
    pub timings: Vec<EpochTiming>,
}

/// What the file of the early model says of it.
#[derive(Serialize, Deserialize)]
struct EarlyNote {
    /// The run that kept it.
    #[serde(default)]
    run: Option<String>,
    step: u64,
}

/// The parameter of a mask's file that says of which run it is.
pub(super) const RUN: &str = "run";

/// The mask of a pruning of this run, with how it was made.
pub(super) fn load_mask(path: &Path, config: &RunConfig) -> Result<(Mask, Option<Provenance>)> {
    let (mask, info) = Mask::load(path)?;
    let run = info.as_ref().and_then(|info| info.parameters.get(RUN)?.as_str());
    check_bears(path, run, config)?;
    Ok((mask, info))
}

/// Where the mask of a pruning lies.
pub(super) fn mask_path(dir: &Path, phase: u64) -> PathBuf {
    dir.join(format!("mask-{phase}.safetensors"))
}

fn early_path(dir: &Path) -> PathBuf {
    dir.join("early.safetensors")
}

/// Writes a checkpoint, whole or not at all.
pub(super) fn save(
    dir: &Path,
    training: &PrunedTraining,
    config: &RunConfig,
    history: &[EpochRecord],
    timings: &[EpochTiming],
) -> Result<()> {
    let trainer = training.trainer();
    trainer.check_pruned()?;
    let note = Note {
        config: config.clone(),
        state: trainer.state()?,
        place: training.place(),
        history: history.to_vec(),
        timings: timings.to_vec(),
    };
    let model = trainer.model().state_dict()?.into_iter();
    let mut tensors: StateDict =
        model.map(|(name, array)| (format!("model.{name}"), array)).collect();
    for (index, moments) in trainer.optimiser().moments().iter().enumerate() {
        let values = Vec::<f32>::try_from(moments.f_to_device(tch::Device::Cpu)?)?;
        tensors.insert(format!("optimiser.{index}"), Array1::from_vec(values).into_dyn());
    }
    write(&dir.join("checkpoint.safetensors"), &tensors, &note)
}

/// Writes the model that training goes back to.
pub(super) fn save_early(dir: &Path, early: &Snapshot, config: &RunConfig) -> Result<()> {
    let note = EarlyNote { run: Some(config.id()), step: early.step };
    write(&early_path(dir), &early.tensors, &note)
}

/// Where the model of a step lies that a run was asked to keep.
fn kept_path(dir: &Path, step: u64) -> PathBuf {
    dir.join(format!("early-{step}.safetensors"))
}

/// Writes the model of a step that the run was asked to keep.
pub(super) fn save_kept(dir: &Path, kept: &Snapshot, config: &RunConfig) -> Result<()> {
    let note = EarlyNote { run: Some(config.id()), step: kept.step };
    write(&kept_path(dir, kept.step), &kept.tensors, &note)
}

/// Whether the model of a step lies there, and is this run's.
pub(super) fn has_kept(dir: &Path, step: u64, config: &RunConfig) -> Result<bool> {
    let path = kept_path(dir, step);
    if !path.exists() {
        return Ok(false);
    }
    let note: EarlyNote = note_of(&path, &TensorFile::open(&path)?)?;
    check_bears(&path, note.run.as_deref(), config)?;
    Ok(note.step == step)
}

/// Reads the model of an early step, of whatever run.
pub(super) fn load_early(path: &Path) -> Result<Snapshot> {
    let (tensors, EarlyNote { step, .. }) = read(path)?;
    Ok(Snapshot { step, tensors })
}

/// Reads the model that this run goes back to.
fn load_own_early(path: &Path, config: &RunConfig) -> Result<Snapshot> {
    let (tensors, EarlyNote { run, step }) = read(path)?;
    check_bears(path, run.as_deref(), config)?;
    Ok(Snapshot { step, tensors })
}

fn write(path: &Path, tensors: &StateDict, note: &impl Serialize) -> Result<()> {
    let note = serde_json::to_string(note)
        .map_err(|e| TrainError::corrupt(path, format!("cannot be noted: {e}")))?;
    let views = tensors.iter().map(|(name, array)| (name.as_str(), array.view()));
    Ok(write_arrays(path, views, Some(note), Overwrite::Replace)?)
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<(StateDict, T)> {
    let file = TensorFile::open(path)?;
    let tensors = file.arrays()?;
    Ok((tensors, note_of(path, &file)?))
}

fn note_of<T: for<'a> Deserialize<'a>>(path: &Path, file: &TensorFile) -> Result<T> {
    let note =
        file.note().ok_or_else(|| TrainError::corrupt(path, "is no checkpoint: it has no note"))?;
    serde_json::from_str(note)
        .map_err(|e| TrainError::corrupt(path, format!("is no checkpoint: {e}")))
}

/// Brings a fresh training to where a checkpoint of this run was taken.
pub(super) fn load(path: &Path, training: &mut PrunedTraining, config: &RunConfig) -> Result<Note> {
    let (tensors, note): (_, Note) = read(path)?;
    check_bears(path, Some(&note.config.id()), config)?;
    let dir = path.parent().unwrap_or(Path::new("."));
    let (at, phase) = note.place;
    let mask = if phase > 0 {
        let path = mask_path(dir, phase);
        let (mask, _) = load_mask(&path, config)?;
        let arch = training.trainer().model().arch();
        Some(mask.in_order_of(arch, &path.display().to_string())?)
    } else {
        None
    };
    let early = training
        .has_remembered(at)
        .then(|| load_own_early(&early_path(dir), config))
        .transpose()?;
    training.go_to(note.place, mask, early)?;
    let find = |name: &str| {
        let found = tensors.get(name).map(values_of);
        found.ok_or_else(|| TrainError::corrupt(path, format!("has no tensor `{name}`")))
    };
    let trainer = training.trainer_mut();
    trainer.model().restore(|name| find(&format!("model.{name}")))?;
    let moments = (0..trainer.optimiser().moments().len())
        .map(|index| Ok(Tensor::f_from_slice(find(&format!("optimiser.{index}"))?)?))
        .collect::<Result<Vec<_>>>()?;
    trainer.restore(&note.state, &moments)?;
    Ok(note)
}
