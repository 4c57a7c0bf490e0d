//! Checkpoints: one file with all that a run needs to go on.

use std::path::Path;

use phew_graph::Overwrite;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::RunConfig;
use crate::error::{Result, TrainError};
use crate::tensor_file::{Named, load_tensors, save_tensors};
use crate::train::{EpochRecord, EpochTiming, State, SumValues, Trainer};

/// What a checkpoint holds besides tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Note {
    /// The run that it belongs to.
    pub config: RunConfig,
    step: u64,
    optimiser_steps: u64,
    sums: SumValues,
    /// Epochs done so far.
    pub history: Vec<EpochRecord>,
    /// Their times.
    pub timings: Vec<EpochTiming>,
}

/// Writes a checkpoint, whole or not at all.
pub(super) fn save(
    path: &Path,
    trainer: &Trainer,
    config: &RunConfig,
    history: &[EpochRecord],
    timings: &[EpochTiming],
) -> Result<()> {
    trainer.check_pruned()?;
    let State { step, optimiser_steps, sums } = trainer.state()?;
    let note = Note {
        config: config.clone(),
        step,
        optimiser_steps,
        sums,
        history: history.to_vec(),
        timings: timings.to_vec(),
    };
    let mut tensors = trainer.model().tensors()?;
    for tensor in &mut tensors {
        tensor.name.insert_str(0, "model.");
    }
    for (index, buffer) in trainer.optimiser().buffers().iter().enumerate() {
        let values = Vec::<f32>::try_from(buffer.f_to_device(tch::Device::Cpu)?)?;
        tensors.push(Named::new(format!("optimiser.{index}"), &[values.len()], values));
    }
    let note = serde_json::to_string(&note)
        .map_err(|e| TrainError::corrupt(path, format!("cannot be noted: {e}")))?;
    save_tensors(path, &tensors, Some(note), Overwrite::Replace)
}

/// Brings a fresh trainer to where a checkpoint was taken.
pub(super) fn load(path: &Path, trainer: &mut Trainer) -> Result<Note> {
    let (tensors, note) = load_tensors(path)?;
    let note = note.ok_or_else(|| TrainError::corrupt(path, "is no checkpoint: it has no note"))?;
    let note: Note = serde_json::from_str(&note)
        .map_err(|e| TrainError::corrupt(path, format!("is no checkpoint: {e}")))?;
    let find = |name: &str| {
        tensors
            .iter()
            .find(|tensor| tensor.name == name)
            .ok_or_else(|| TrainError::corrupt(path, format!("has no tensor `{name}`")))
    };
    trainer.model().restore(|name| Ok(find(&format!("model.{name}"))?.values.as_slice()))?;
    let buffers = (0..trainer.optimiser().buffers().len())
        .map(|index| Ok(Tensor::f_from_slice(&find(&format!("optimiser.{index}"))?.values)?))
        .collect::<Result<Vec<_>>>()?;
    let state = State { step: note.step, optimiser_steps: note.optimiser_steps, sums: note.sums };
    trainer.restore(&state, &buffers)?;
    Ok(note)
}
