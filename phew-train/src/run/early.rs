//! The network of an early step, as another run kept it.

use std::path::Path;

use super::checkpoint::load_early;
use crate::error::{Result, TrainError};
use crate::train::Snapshot;

/// The network of a step that a run has kept in its `early-STEP.safetensors`: what another run can begin from, at that
/// step of the recipe.
#[derive(Debug, Clone)]
pub struct Early {
    pub(super) snapshot: Snapshot,
    /// Hash of the file.
    pub(super) hash: String,
}

impl Early {
    /// Reads the file.
    ///
    /// # Errors
    /// [`TrainError::Io`] or [`TrainError::Corrupt`], naming the file.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = phew_graph::read_file(path).map_err(TrainError::io(path))?;
        Ok(Self { snapshot: load_early(path)?, hash: phew_graph::content_hash(&bytes) })
    }

    /// The step.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.snapshot.step
    }
}
