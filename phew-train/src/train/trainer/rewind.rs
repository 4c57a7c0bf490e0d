//! Going back: to an earlier state of the model, to the beginning of the recipe, to other weights.

use phew_graph::Network;

use super::Trainer;
use crate::error::{Result, TrainError};
use crate::model::{StateDict, values_of};
use crate::train::optimiser::Optimiser;
use crate::train::sums::Sums;

/// A model as it was at a step, to go back to.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(crate) step: u64,
    pub(crate) tensors: StateDict,
}

impl Snapshot {
    /// The step.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.step
    }
}

impl Trainer {
    /// The model as it is now, to go back to.
    ///
    /// # Errors
    /// [`TrainError::Torch`] if it cannot be copied from the device.
    pub fn snapshot(&self) -> Result<Snapshot> {
        Ok(Snapshot { step: self.step, tensors: self.model.state_dict()? })
    }

    /// Goes back to a snapshot: weights, statistics and step; the optimiser is a fresh one. What is pruned stays so.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] if the snapshot is of another network.
    pub fn rewind(&mut self, snapshot: &Snapshot) -> Result<()> {
        self.model.restore(|name| {
            snapshot.tensors.get(name).map(values_of).ok_or_else(|| TrainError::Parameter {
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

    /// Takes the steps up to this one for done, with the weights as they are and a fresh optimiser.
    pub(crate) fn skip_to(&mut self, step: u64) -> Result<()> {
        self.begin_again(step)
    }

    fn begin_again(&mut self, step: u64) -> Result<()> {
        self.optimiser = Optimiser::new(self.recipe.optimiser, self.model.parameters())?;
        self.sums = Sums::new(self.model.device())?;
        self.scale = self.scale.map(|_| Default::default());
        self.step = step;
        match &self.kept {
            Some(kept) => kept.clear([self.model.parameters()]),
            None => Ok(()),
        }
    }
}
