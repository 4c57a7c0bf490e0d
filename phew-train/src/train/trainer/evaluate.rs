//! Testing: loss and accuracy over images that were not trained on.

use super::Trainer;
use crate::error::Result;
use crate::loss::Loss;
use crate::model::Mode;
use crate::quality::Quality;
use crate::train::sums::Sums;

/// Images of a test batch: more would not be faster.
const TEST_BATCH: usize = 500;

impl Trainer {
    /// Loss and accuracy over the test images.
    ///
    /// # Errors
    /// [`TrainError::Torch`](crate::TrainError::Torch).
    pub fn evaluate(&self) -> Result<Quality> {
        let _guard = tch::no_grad_guard();
        let mut sums = Sums::new(self.model.device())?;
        let all: Vec<i64> = (0..self.test.len() as i64).collect();
        // The loss of a test is the plain one: smoothing is a means of training.
        let loss = match self.recipe.loss {
            Loss::CrossEntropy { .. } => Loss::default(),
            other => other,
        };
        for indices in all.chunks(TEST_BATCH) {
            let batch = self.test.batch(indices)?;
            let output = self.model.forward(&batch.input, Mode::Eval)?;
            let counted = (!self.test.is_regression()).then_some((&output, &batch.target));
            sums.add(&loss.of(&output, &batch.target)?, counted, indices.len(), None)?;
        }
        Ok(sums.values()?.quality(self.test.is_regression()))
    }
}
