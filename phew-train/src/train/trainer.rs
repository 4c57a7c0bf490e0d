//! The trainer: a model, its data and a recipe, step by step.

mod builder;
mod evaluate;
mod rewind;
mod state;
mod step;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use phew_graph::{Mask, Network};
use tch::{Kind, Tensor};

use super::loss_scale::LossScale;
use super::masked_step::Kept;
use super::observer::{Observer, TrainingProgress};
use super::optimiser::Optimiser;
use super::recipe::Recipe;
use super::record::EpochRecord;
use super::sparse_gradient::SparseGradient;
use super::sums::Sums;
use super::task::Task;
use super::training_data::TrainingData;
use crate::batches::{DeviceDataset, DeviceImages};
use crate::device::Device;
use crate::error::{Result, TrainError};
use crate::model::{Model, Precision};
use crate::train::Backend;

pub use builder::TrainerBuilder;
pub use rewind::Snapshot;
pub(crate) use state::State;

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
/// Pruned weights are exactly 0 at every moment, and so are their gradients and the optimiser's moments for them.
/// Epoch `e`, step `s` uses images and random numbers that depend on the seed, `e` and `s` alone, so a run that
/// goes on from step `s` does what an unbroken one does.
#[derive(Debug)]
pub struct Trainer {
    model: Model,
    mask: Mask,
    /// The mask as a vector, if there is any.
    kept: Option<Kept>,
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
    /// For the sparse backend alone: compiled for what is kept.
    sparse: Option<SparseGradient>,
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
            optimiser: Optimiser::new(task.recipe.optimiser, model.parameters())?,
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
            sparse: None,
            scale: (task.recipe.precision == Precision::F16).then(LossScale::default),
            model,
        };
        if task.backend == Backend::Sparse {
            let mask = task.mask.unwrap_or(&trainer.mask);
            trainer.sparse = Some(SparseGradient::new(task.network.arch(), mask)?);
        }
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

    /// Prunes from now on: weights outside the mask become 0 and stay 0, and so do the optimiser's moments for them.
    ///
    /// # Errors
    /// [`TrainError::Graph`] if the mask is of another architecture.
    pub fn prune(&mut self, mask: &Mask) -> Result<()> {
        let kept = Kept::new(self.model.arch(), mask, self.model.device())?;
        kept.clear(self.trained())?;
        if self.sparse.is_some() && *mask != self.mask {
            self.sparse = Some(SparseGradient::new(self.model.arch(), mask)?);
        }
        (self.kept, self.mask) = (Some(kept), mask.clone());
        Ok(())
    }

    /// All that a step changes: the parameters and the optimiser's moments.
    fn trained(&self) -> impl Iterator<Item = &Tensor> {
        std::iter::once(self.model.parameters()).chain(self.optimiser.moments())
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
        self.recipe.learning_rate.at(step, self.steps_per_epoch(), self.recipe.epochs)
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

    fn report(&self, observer: &mut dyn Observer) -> Result<()> {
        let steps = self.steps_per_epoch();
        observer.progress(&TrainingProgress {
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

    /// Makes sure that what is pruned is exactly 0, moments included.
    pub(crate) fn check_pruned(&self) -> Result<()> {
        let Some(kept) = &self.kept else { return Ok(()) };
        for vector in self.trained() {
            let count = kept.revived(vector)?;
            if count > 0 {
                return Err(TrainError::Revived { count });
            }
        }
        Ok(())
    }
}
