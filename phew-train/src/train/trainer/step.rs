//! One step of a trainer: a batch, its masked gradient, the optimiser.

use phew_graph::{stream, stream_key};
use tch::Tensor;

use super::Trainer;
use crate::batches::{Batch, epoch_order};
use crate::error::Result;
use crate::model::Mode;
use crate::train::masked_step::{masked_gradient, norm};
use crate::train::sums::Sums;

impl Trainer {
    /// A step down the masked gradient of the batch that is next.
    pub(super) fn one_step(&mut self, rate: f64) -> Result<()> {
        let steps = self.steps_per_epoch();
        let (epoch, within) = (self.step / steps, self.step % steps);
        if within == 0 {
            self.sums = Sums::new(self.model.device())?;
        }
        if self.order.0 != epoch {
            self.order = (epoch, epoch_order(self.train.len(), self.seed, epoch));
        }
        let from = within as usize * self.recipe.batch;
        let to = (from + self.recipe.batch).min(self.order.1.len());
        let indices = &self.order.1[from..to];
        let mut rng = stream(stream_key("phew 1 augmentation", self.seed), self.step);
        let batch = self.train.augmented(indices, &self.recipe.augment, &mut rng)?;
        let (output, loss, gradient) = self.gradient(&batch)?;
        let norm = norm(&gradient)?;
        let counted = (!self.train.is_regression()).then_some((&output, &batch.target));
        self.step += 1;
        let mut overflowed = false;
        if let Some(scale) = &mut self.scale {
            overflowed = !norm.double_value(&[]).is_finite();
            scale.learn(overflowed);
        }
        // A step whose gradient left the range of half precision is not taken.
        let norm = if overflowed { norm.f_zeros_like()? } else { norm };
        self.sums.add(&loss, counted, batch.input.size()[0] as usize, Some(&norm))?;
        if overflowed {
            return Ok(());
        }
        self.optimiser.step(self.model.parameters(), gradient, rate)
    }

    /// Outputs, loss and masked gradient of a batch, the gradient in consecutive parts.
    fn gradient(&mut self, batch: &Batch) -> Result<(Tensor, Tensor, Vec<Tensor>)> {
        if let Some(sparse) = &mut self.sparse {
            let (output, loss, mut gradient) = sparse.of(&self.model, batch, self.recipe.loss)?;
            if let Some(kept) = &self.kept {
                // Biases of units that nothing enters are pruned too.
                kept.cut(&mut gradient, 0)?;
            }
            return Ok((output, loss, vec![gradient]));
        }
        // On the processor parts are faster: putting them together takes a pass over fresh memory. On a device the
        // number of operations is what counts.
        let whole = [self.model.parameters().shallow_clone()];
        let (output, by) = if self.model.device() == tch::Device::Cpu {
            (self.model.forward(&batch.input, Mode::Train)?, self.model.leaves())
        } else {
            let output = self.model.forward_with(&whole[0], &batch.input, Mode::Train)?;
            (output, &whole[..])
        };
        let loss = self.recipe.loss.of(&output, &batch.target)?;
        let gradient = masked_gradient(&loss, by, self.kept.as_ref(), self.scale)?;
        Ok((output, loss, gradient))
    }
}
