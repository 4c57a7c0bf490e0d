//! The state of a trainer, to be saved and taken up again.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::Trainer;
use crate::error::Result;
use crate::train::loss_scale::LossScale;
use crate::train::sums::{SumValues, Sums};

/// What a trainer needs to go on, besides what it was made from and the tensors of model and optimiser.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub step: u64,
    optimiser_steps: u64,
    sums: SumValues,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scale: Option<LossScale>,
}

impl Trainer {
    pub(crate) fn state(&self) -> Result<State> {
        let (step, optimiser_steps) = (self.step, self.optimiser.steps());
        Ok(State { step, optimiser_steps, sums: self.sums.values()?, scale: self.scale })
    }

    /// Takes up a saved state; the tensors of the model are the caller's to fill in.
    pub(crate) fn restore(&mut self, state: &State, moments: &[Tensor]) -> Result<()> {
        self.optimiser.restore(moments, state.optimiser_steps)?;
        self.step = state.step;
        self.sums = Sums::restore(state.sums, self.model.device())?;
        self.scale = state.scale;
        Ok(())
    }
}
