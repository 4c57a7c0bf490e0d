//! Going back: to an earlier state of the model, to the beginning of the recipe, to other weights.

use phew_graph::Network;

use super::Trainer;
use crate::error::{Result, TrainError};
use crate::tensor_file::Named;
use crate::train::Optimiser;
use crate::train::sums::Sums;

/// A model as it was at a step, to go back to.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(crate) step: u64,
    pub(crate) tensors: Vec<Named>,
}

impl Trainer {
    /// The model as it is now, to go back to.
    ///
    /// # Errors
    /// [`TrainError::Torch`] if it cannot be copied from the device.
    pub fn snapshot(&self) -> Result<Snapshot> {
        Ok(Snapshot { step: self.step, tensors: self.model.tensors()? })
    }

    /// Goes back to a snapshot: weights, statistics and step; the optimiser is a fresh one. What is pruned stays so.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] if the snapshot is of another network.
    pub fn rewind(&mut self, snapshot: &Snapshot) -> Result<()> {
        self.model.restore(|name| {
            let tensor = snapshot.tensors.iter().find(|tensor| tensor.name == name);
            tensor.map(|tensor| tensor.values.as_slice()).ok_or_else(|| TrainError::Parameter {
                what: "snapshot",
                found: format!("none for `{name}`"),
                expected: "one of the same network".to_owned(),
            })
        })?;
        self.begin_again(snapshot.step)
    }

    /// Goes back to step 0 with the weights as they are and a fresh optimiser.
    ///
    /// # Errors
    /// [`TrainError::Torch`] if the device has no room.
    pub fn restart(&mut self) -> Result<()> {
        self.begin_again(0)
    }

    /// Goes back to step 0 with the values of another network of the same architecture and a fresh optimiser. What is
    /// pruned stays so.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] if the network is of another architecture.
    pub fn restart_from(&mut self, network: &Network) -> Result<()> {
        self.model.take(network)?;
        self.begin_again(0)
    }

    fn begin_again(&mut self, step: u64) -> Result<()> {
        self.optimiser = Optimiser::new(self.recipe.optimiser, self.model.learnt())?;
        self.sums = Sums::new(self.model.device())?;
        self.scale = self.scale.map(|_| Default::default());
        self.step = step;
        if let Some(kept) = &self.kept {
            let _guard = tch::no_grad_guard();
            let _ = self.model.learnt().shallow_clone().f_masked_fill_(&kept.f_eq(0.0)?, 0.0)?;
        }
        Ok(())
    }
}
