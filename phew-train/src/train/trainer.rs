//! The trainer: a model, its data and a recipe, step by step.

mod builder;
mod rewind;
mod state;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use phew_graph::{Mask, Network, stream, stream_key};
use tch::{Kind, Tensor};

use super::loss_scale::LossScale;
use super::mask::mask_vector;
use super::observer::{Observer, Progress};
use super::record::{EpochRecord, Quality};
use super::sums::Sums;
use super::task::Task;
use super::training_data::TrainingData;
use super::{Optimiser, Recipe};
use crate::batches::{Batch, DeviceDataset, DeviceImages, epoch_order};
use crate::device::Device;
use crate::error::{Result, TrainError};
use crate::model::{Mode, Model, Precision};

pub use builder::TrainerBuilder;
pub use rewind::Snapshot;
pub(crate) use state::State;

/// Images of a test batch: more would not be faster.
const TEST_BATCH: usize = 500;

/// Where training came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The end of an epoch.
    Epoch(Box<EpochRecord>),
    /// The step that it was asked to go to.
    Reached,
    /// It was asked to stop.
    Stopped,
}

/// Trains a network, masked or dense, by a recipe.
///
/// Pruned weights are exactly 0 at every moment, and so are their gradients and the optimiser's buffers for them.
/// Epoch `e`, step `s` uses images and random numbers that depend on the seed, `e` and `s` alone, so a run that
/// goes on from step `s` does what an unbroken one does.
#[derive(Debug)]
pub struct Trainer {
    model: Model,
    mask: Mask,
    /// The mask as a vector, once anything is pruned.
    kept: Option<Tensor>,
    optimiser: Optimiser,
    recipe: Recipe,
    seed: u64,
    train: DeviceImages,
    test: DeviceImages,
    step: u64,
    sums: Sums,
    /// The order of the epoch that is under way.
    order: (u64, Vec<i64>),
    /// The step and the time at which this stretch of training began.
    clock: (u64, Instant),
    images_per_second: f64,
    /// For half precision alone.
    scale: Option<LossScale>,
}

impl Trainer {
    /// A trainer at step 0 of a task that has been checked.
    pub(crate) fn start(task: &Task<'_>) -> Result<Self> {
        let Device(device) = task.device();
        let model = Model::new(task.network, device, Kind::Float)?;
        let model = model.with_precision(task.recipe.precision);
        let (train, test) = match task.data {
            TrainingData::OnDevice(data) => (data.train()?, data.test()?),
            TrainingData::InMemory(data) => {
                let data = DeviceDataset::new(data, task.device())?;
                (data.train()?, data.test()?)
            }
        };
        let mut trainer = Self {
            optimiser: Optimiser::new(task.recipe.optimiser, model.learnt())?,
            mask: Mask::dense(model.arch()),
            kept: None,
            recipe: task.recipe.clone(),
            seed: task.seed,
            train,
            test,
            step: 0,
            sums: Sums::new(device)?,
            order: (u64::MAX, Vec::new()),
            clock: (0, Instant::now()),
            images_per_second: 0.0,
            scale: (task.recipe.precision == Precision::F16).then(LossScale::default),
            model,
        };
        if let Some(mask) = task.mask {
            trainer.prune(mask)?;
        }
        Ok(trainer)
    }

    /// The model as it is now.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What is kept now.
    #[must_use]
    pub fn mask(&self) -> &Mask {
        &self.mask
    }

    /// The optimiser as it is now.
    #[must_use]
    pub fn optimiser(&self) -> &Optimiser {
        &self.optimiser
    }

    /// Steps taken.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Training images a second in the last whole epoch, testing left out.
    #[must_use]
    pub fn images_per_second(&self) -> f64 {
        self.images_per_second
    }

    /// The recipe.
    #[must_use]
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Training images.
    #[must_use]
    pub fn images(&self) -> usize {
        self.train.len()
    }

    /// Steps of an epoch.
    #[must_use]
    pub fn steps_per_epoch(&self) -> u64 {
        self.recipe.steps_per_epoch(self.train.len())
    }

    /// Prunes from now on: weights outside the mask become 0 and stay 0, and so do the optimiser's buffers for them.
    ///
    /// # Errors
    /// [`TrainError::Graph`] if the mask is of another architecture.
    pub fn prune(&mut self, mask: &Mask) -> Result<()> {
        let _guard = tch::no_grad_guard();
        let vector = mask_vector(self.model.arch(), mask, self.model.device())?;
        // Filled, not multiplied: a product would leave −0, and a number that is none.
        let pruned = vector.f_eq(0.0)?;
        let _ = self.model.learnt().shallow_clone().f_masked_fill_(&pruned, 0.0)?;
        let buffers = self.optimiser.buffers();
        let masked: Vec<Tensor> = buffers
            .iter()
            .map(|b| b.f_masked_fill(&pruned, 0.0))
            .collect::<std::result::Result<_, _>>()?;
        self.optimiser.restore(&masked, self.optimiser.steps())?;
        self.kept = Some(vector);
        self.mask = mask.clone();
        Ok(())
    }

    /// The network as it is now, biases, normalisation and statistics included.
    ///
    /// # Errors
    /// [`TrainError::Graph`] if a value is not finite.
    pub fn network(&self) -> Result<Network> {
        self.model.to_network()
    }

    /// The last step of the recipe.
    #[must_use]
    pub fn last_step(&self) -> u64 {
        self.recipe.epochs * self.steps_per_epoch()
    }

    /// Trains to the end of the recipe.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] if the loss is no number any more, [`TrainError::Torch`].
    pub fn run(&mut self, observer: &mut dyn Observer) -> Result<Vec<EpochRecord>> {
        let (mut records, go, end) = (Vec::new(), AtomicBool::new(false), self.last_step());
        while let Outcome::Epoch(record) = self.advance(end, None, observer, &go)? {
            records.push(*record);
        }
        Ok(records)
    }

    /// Trains to the end of the epoch that is under way, but not beyond step `to`, at the schedule's rate or the one
    /// that is given. An epoch that is whole is tested and recorded. `stop` is looked at after every step.
    ///
    /// # Errors
    /// As [`Trainer::run`].
    pub fn advance(
        &mut self,
        to: u64,
        rate: Option<f64>,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<Outcome> {
        if self.step >= to {
            return Ok(Outcome::Reached);
        }
        let steps = self.steps_per_epoch();
        let boundary = (self.step / steps + 1) * steps;
        self.clock = (self.step, Instant::now());
        while self.step < to.min(boundary) {
            if stop.load(Ordering::Relaxed) {
                return Ok(Outcome::Stopped);
            }
            self.one_step(rate.unwrap_or_else(|| self.scheduled(self.step)))?;
            let within = self.step % steps;
            // A report waits for the device: not too often.
            if within.is_multiple_of(10) || within == 1 {
                self.report(observer)?;
            }
        }
        if self.step < boundary {
            return Ok(Outcome::Reached);
        }
        let record = self.record(rate.unwrap_or_else(|| self.scheduled(self.step - 1)))?;
        observer.epoch(&record);
        Ok(Outcome::Epoch(Box::new(record)))
    }

    /// Trains up to a step at the schedule's rates, without testing where epochs end on the way.
    ///
    /// # Errors
    /// [`TrainError::Torch`].
    pub fn to_step(&mut self, step: u64) -> Result<()> {
        while self.step < step {
            self.one_step(self.scheduled(self.step))?;
        }
        Ok(())
    }

    /// The schedule's rate of a step.
    fn scheduled(&self, step: u64) -> f64 {
        self.recipe.schedule.at(step, self.steps_per_epoch(), self.recipe.epochs)
    }

    /// What the epoch that has just ended gave.
    fn record(&mut self, rate: f64) -> Result<EpochRecord> {
        // Reading the sums waits for the device: only then has the time passed that the steps took.
        let sums = self.sums.values()?;
        self.images_per_second = self.speed();
        let epoch = self.step / self.steps_per_epoch();
        if !sums.quality(true).loss.is_finite() {
            return Err(TrainError::Diverged { epoch });
        }
        self.check_pruned()?;
        Ok(EpochRecord {
            phase: 0,
            epoch,
            step: self.step,
            rate,
            train: sums.quality(self.train.is_regression()),
            test: self.evaluate()?,
            gradient_norm: sums.gradient_norm(),
        })
    }

    fn one_step(&mut self, rate: f64) -> Result<()> {
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
        // What is pruned is cut from the gradient already.
        self.optimiser.step(self.model.learnt(), gradient, None, rate)
    }

    /// Outputs, loss and masked gradient of a batch, the gradient in consecutive parts.
    fn gradient(&self, batch: &Batch) -> Result<(Tensor, Tensor, Vec<Tensor>)> {
        // On the processor parts are faster: putting them together takes a pass over fresh memory. On a device the
        // number of operations is what counts.
        let whole = [self.model.learnt().shallow_clone()];
        let (output, by) = if self.model.device() == tch::Device::Cpu {
            (self.model.forward(&batch.input, Mode::Train)?, self.model.leaves())
        } else {
            let output = self.model.forward_with(&whole[0], &batch.input, Mode::Train)?;
            (output, &whole[..])
        };
        let loss = self.recipe.loss.of(&output, &batch.target)?;
        let scaled = match self.scale {
            Some(scale) => loss.f_mul_scalar(scale.value())?,
            None => loss.shallow_clone(),
        };
        let parts = Tensor::f_run_backward(&[&scaled], by, false, false)?;
        let _guard = tch::no_grad_guard();
        let mut from = 0;
        let gradient = parts
            .into_iter()
            .zip(by)
            .map(|(part, by)| {
                // What the outputs do not depend on has no gradient.
                let part = if part.defined() { part } else { by.f_zeros_like()? };
                let mut part = part.f_reshape(-1)?;
                if let Some(scale) = self.scale {
                    let _ = part.f_div_scalar_(scale.value())?;
                }
                if let Some(kept) = &self.kept {
                    let _ = part.f_mul_(&kept.f_narrow(0, from, part.size()[0])?)?;
                }
                from += part.size()[0];
                Ok(part)
            })
            .collect::<Result<Vec<_>>>()?;
        Ok((output, loss, gradient))
    }

    fn report(&self, observer: &mut dyn Observer) -> Result<()> {
        let steps = self.steps_per_epoch();
        observer.progress(&Progress {
            epoch: (self.step - 1) / steps,
            epochs: self.recipe.epochs,
            step: (self.step - 1) % steps + 1,
            steps,
            train: self.sums.values()?.quality(self.train.is_regression()),
            images_per_second: self.speed(),
        });
        Ok(())
    }

    /// Images a second since this stretch of training began.
    fn speed(&self) -> f64 {
        let taken = (self.step - self.clock.0) * self.recipe.batch as u64;
        taken as f64 / self.clock.1.elapsed().as_secs_f64().max(1e-9)
    }

    /// Loss and accuracy over the test images.
    ///
    /// # Errors
    /// [`TrainError::Torch`].
    pub fn evaluate(&self) -> Result<Quality> {
        let _guard = tch::no_grad_guard();
        let mut sums = Sums::new(self.model.device())?;
        let all: Vec<i64> = (0..self.test.len() as i64).collect();
        // The loss of a test is the plain one: smoothing is a means of training.
        let loss = match self.recipe.loss {
            super::Loss::CrossEntropy { .. } => super::Loss::default(),
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

    /// Makes sure that what is pruned is exactly 0, buffers included.
    pub(crate) fn check_pruned(&self) -> Result<()> {
        let Some(kept) = &self.kept else { return Ok(()) };
        let pruned = kept.f_eq(0.0)?;
        for vector in std::iter::once(self.model.learnt()).chain(self.optimiser.buffers()) {
            let revived = vector.f_ne(0.0)?.f_logical_and(&pruned)?.f_sum(Kind::Int64)?;
            let count = revived.int64_value(&[]);
            if count > 0 {
                return Err(TrainError::Revived { count: count as u64 });
            }
        }
        Ok(())
    }
}

/// Norm of a vector in parts.
fn norm(parts: &[Tensor]) -> Result<Tensor> {
    let norms = parts.iter().map(Tensor::f_norm).collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(Tensor::f_stack(&norms, 0)?.f_norm()?)
}
