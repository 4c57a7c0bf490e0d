//! Puts a trainer together.

use phew_graph::{Mask, Network};

use super::Trainer;
use crate::device::Device;
use crate::error::Result;
use crate::train::Backend;
use crate::train::recipe::Recipe;
use crate::train::task::Task;
use crate::train::training_data::TrainingData;

/// What a [`Trainer`] is to be made from.
#[derive(Debug, Clone)]
#[must_use]
pub struct TrainerBuilder<'a>(Task<'a>);

impl Trainer {
    /// A trainer of a network on data, by a recipe: dense, with seed 0, on the processor or where the data lie.
    pub fn builder<'a>(
        network: &'a Network,
        data: impl Into<TrainingData<'a>>,
        recipe: &'a Recipe,
    ) -> TrainerBuilder<'a> {
        TrainerBuilder(Task::new(network, data.into(), recipe))
    }
}

impl<'a> TrainerBuilder<'a> {
    /// Sets what to keep; everything by default.
    pub fn mask(self, mask: impl Into<Option<&'a Mask>>) -> Self {
        Self(Task { mask: mask.into(), ..self.0 })
    }

    /// Sets the seed of the order of the images and of their augmentation; 0 by default.
    pub fn seed(self, seed: u64) -> Self {
        Self(Task { seed, ..self.0 })
    }

    /// Sets where to train; on the processor by default, or where the data lie.
    pub fn device(self, device: Device) -> Self {
        Self(Task { device: Some(device), ..self.0 })
    }

    /// Sets what computes the gradients; libtorch by default.
    pub fn backend(self, backend: Backend) -> Self {
        Self(Task { backend, ..self.0 })
    }

    /// The trainer, at step 0.
    ///
    /// # Errors
    /// [`TrainError::Parameter`](crate::TrainError::Parameter) if the recipe is invalid or does not suit data and
    /// network, if the data lie on another device, or for a setting that the backend
    /// lacks; [`TrainError::Graph`](crate::TrainError::Graph) if the mask is of
    /// another architecture or the backend lacks an operator; [`TrainError::Torch`](crate::TrainError::Torch) if the device has no room.
    pub fn build(self) -> Result<Trainer> {
        self.0.check()?;
        Trainer::start(&self.0)
    }
}
