//! The trainer: a model, its data and a recipe, step by step.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use phew_graph::{Mask, Network, stream, stream_key};
use tch::{Kind, Tensor};

use super::mask::mask_vector;
use super::record::{EpochRecord, Quality};
use super::sums::{SumValues, Sums};
use super::{Optimiser, Recipe};
use crate::batches::{DeviceImages, epoch_order};
use crate::data::Dataset;
use crate::device::Device;
use crate::error::{Result, TrainError};
use crate::model::{Mode, Model};
use crate::tensor_file::Named;

/// Images of a test batch: more would not be faster.
const TEST_BATCH: usize = 500;

/// How far a run is: what a progress bar shows.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Epochs done.
    pub epoch: u64,
    /// Epochs to do.
    pub epochs: u64,
    /// Steps done in this epoch.
    pub step: u64,
    /// Steps of an epoch.
    pub steps: u64,
    /// Means over this epoch so far.
    pub train: Quality,
    /// Images a second in this epoch so far.
    pub images_per_second: f64,
}

/// Who is told how a run goes. Both do nothing by default.
pub trait Observer {
    /// Some steps were taken.
    fn progress(&mut self, progress: &Progress) {
        let _ = progress;
    }

    /// An epoch ended.
    fn epoch(&mut self, record: &EpochRecord) {
        let _ = record;
    }
}

/// Nobody.
impl Observer for () {}

/// Why training came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is where it was asked to go.
    Done,
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
    mask: Option<Tensor>,
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
    /// The network that training began with: its architecture, biases and normalisation.
    initial: Network,
    /// The rate of fine-tuning, in place of the schedule's.
    fixed_rate: Option<f64>,
}

/// A model as it was at a step, to go back to.
#[derive(Debug, Clone)]
pub struct Snapshot {
    step: u64,
    tensors: Vec<Named>,
}

/// What a trainer needs to go on, besides what it was made from.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub step: u64,
    pub optimiser_steps: u64,
    pub sums: SumValues,
}

impl Trainer {
    /// A trainer at step 0 of a recipe.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] if the recipe is invalid or does not suit data and network, [`TrainError::Graph`] if
    /// the mask is of another architecture, [`TrainError::Torch`] if the device has no room.
    pub fn new(
        network: &Network,
        mask: Option<&Mask>,
        data: &Dataset,
        recipe: &Recipe,
        seed: u64,
        device: Device,
    ) -> Result<Self> {
        let Device(device) = device;
        recipe.validate()?;
        recipe.suits(data)?;
        fits(network, data)?;
        let model = Model::new(network, device, Kind::Float)?;
        let statistics = data.train.channel_statistics();
        let mut trainer = Self {
            optimiser: Optimiser::new(recipe.optimiser, model.learnt())?,
            mask: None,
            recipe: recipe.clone(),
            seed,
            train: DeviceImages::new(&data.train, &statistics, device)?,
            test: DeviceImages::new(&data.test, &statistics, device)?,
            step: 0,
            sums: Sums::new(device)?,
            order: (u64::MAX, Vec::new()),
            clock: (0, Instant::now()),
            images_per_second: 0.0,
            initial: network.clone(),
            fixed_rate: None,
            model,
        };
        if let Some(mask) = mask {
            trainer.prune(mask)?;
        }
        Ok(trainer)
    }

    /// The model as it is now.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
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
        self.mask = Some(vector);
        Ok(())
    }

    /// The network with its weights as they are now, for scoring; biases and normalisation are those it began with.
    ///
    /// # Errors
    /// [`TrainError::Graph`] if a weight is not finite.
    pub fn network(&self) -> Result<Network> {
        self.model.weights_as(&self.initial)
    }

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

    fn begin_again(&mut self, step: u64) -> Result<()> {
        self.optimiser = Optimiser::new(self.recipe.optimiser, self.model.learnt())?;
        self.sums = Sums::new(self.model.device())?;
        self.step = step;
        if let Some(mask) = &self.mask {
            let _guard = tch::no_grad_guard();
            let _ = self.model.learnt().shallow_clone().f_masked_fill_(&mask.f_eq(0.0)?, 0.0)?;
        }
        Ok(())
    }

    /// Trains some epochs at one rate; they count as steps beyond those of the recipe.
    ///
    /// # Errors
    /// [`TrainError::Torch`].
    pub(crate) fn fine_tune(&mut self, epochs: u64, rate: f64) -> Result<()> {
        self.fixed_rate = Some(rate);
        let to = self.step + epochs * self.steps_per_epoch();
        let done = self.to_step(to, &mut (), &AtomicBool::new(false));
        self.fixed_rate = None;
        done.map(|_| ())
    }

    /// Trains to the end of the recipe.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] if the loss is no number any more, [`TrainError::Torch`].
    pub fn run(&mut self, observer: &mut dyn Observer) -> Result<Vec<EpochRecord>> {
        let mut records = Vec::new();
        while let Some(record) = self.epoch(observer, &AtomicBool::new(false))? {
            records.push(record);
        }
        Ok(records)
    }

    /// Trains to the end of the epoch that is under way; nothing if the run is at its end or was told to stop.
    ///
    /// `stop` is looked at after every step.
    ///
    /// # Errors
    /// As [`Trainer::run`].
    pub fn epoch(
        &mut self,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<Option<EpochRecord>> {
        let (steps, epochs) = (self.steps_per_epoch(), self.recipe.epochs);
        let epoch = self.step / steps;
        if epoch >= epochs {
            return Ok(None);
        }
        if self.to_step((epoch + 1) * steps, observer, stop)? == Outcome::Stopped {
            return Ok(None);
        }
        // Reading the sums waits for the device: only then has the time passed that the steps took.
        let sums = self.sums.values()?;
        self.images_per_second = self.speed();
        if !sums.quality(true).loss.is_finite() {
            return Err(TrainError::Diverged { epoch: epoch + 1 });
        }
        self.check_pruned()?;
        let record = EpochRecord {
            epoch: epoch + 1,
            step: self.step,
            rate: self.recipe.schedule.at(self.step - 1, steps, epochs),
            train: sums.quality(self.train.is_regression()),
            test: self.evaluate()?,
            gradient_norm: sums.gradient_norm(),
        };
        self.sums = Sums::new(self.model.device())?;
        observer.epoch(&record);
        Ok(Some(record))
    }

    /// Trains up to a step, within the epoch that is under way or beyond it, without testing.
    ///
    /// # Errors
    /// [`TrainError::Torch`].
    pub fn to_step(
        &mut self,
        step: u64,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<Outcome> {
        self.clock = (self.step, Instant::now());
        let steps = self.steps_per_epoch();
        while self.step < step {
            if stop.load(Ordering::Relaxed) {
                return Ok(Outcome::Stopped);
            }
            if self.step.is_multiple_of(steps) {
                self.sums = Sums::new(self.model.device())?;
            }
            self.one_step()?;
            let within = self.step % steps;
            // A report waits for the device: not too often.
            if within.is_multiple_of(10) || within == 1 {
                self.report(observer)?;
            }
        }
        Ok(Outcome::Done)
    }

    fn one_step(&mut self) -> Result<()> {
        let steps = self.steps_per_epoch();
        let (epoch, within) = (self.step / steps, self.step % steps);
        if self.order.0 != epoch {
            self.order = (epoch, epoch_order(self.train.len(), self.seed, epoch));
        }
        let from = within as usize * self.recipe.batch;
        let to = (from + self.recipe.batch).min(self.order.1.len());
        let indices = &self.order.1[from..to];
        let mut rng = stream(stream_key("phew 1 augmentation", self.seed), self.step);
        let batch = self.train.augmented(indices, &self.recipe.augment, &mut rng)?;
        let output = self.model.forward(&batch.input, Mode::Train)?;
        let loss = self.recipe.loss.of(&output, &batch.target)?;
        let mut gradients = Tensor::f_run_backward(&[&loss], &[self.model.learnt()], false, false)?;
        let Some(mut gradient) = gradients.pop() else {
            unreachable!("one gradient for one vector")
        };
        if let Some(mask) = &self.mask {
            let _ = gradient.f_mul_(mask)?;
        }
        let norm = gradient.f_norm()?;
        let counted = (!self.train.is_regression()).then_some((&output, &batch.target));
        self.sums.add(&loss, counted, indices.len(), Some(&norm))?;
        let scheduled = self.recipe.schedule.at(self.step, steps, self.recipe.epochs);
        let rate = self.fixed_rate.unwrap_or(scheduled);
        let mut learnt = self.model.learnt().shallow_clone();
        self.optimiser.step(&mut learnt, gradient, self.mask.as_ref(), rate)?;
        self.step += 1;
        Ok(())
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
        let Some(mask) = &self.mask else { return Ok(()) };
        let pruned = mask.f_eq(0.0)?;
        for vector in std::iter::once(self.model.learnt()).chain(self.optimiser.buffers()) {
            let revived = vector.f_ne(0.0)?.f_logical_and(&pruned)?.f_sum(Kind::Int64)?;
            let count = revived.int64_value(&[]);
            if count > 0 {
                return Err(TrainError::Revived { count: count as u64 });
            }
        }
        Ok(())
    }

    pub(crate) fn state(&self) -> Result<State> {
        let (step, optimiser_steps) = (self.step, self.optimiser.steps());
        Ok(State { step, optimiser_steps, sums: self.sums.values()? })
    }

    /// Takes up a saved state; model and buffers are the caller's to fill in.
    pub(crate) fn restore(&mut self, state: &State, buffers: &[Tensor]) -> Result<()> {
        self.optimiser.restore(buffers, state.optimiser_steps)?;
        self.step = state.step;
        self.sums = Sums::restore(state.sums, self.model.device())?;
        Ok(())
    }
}

/// Refuses a network whose input or output is not the data's.
fn fits(network: &Network, data: &Dataset) -> Result<()> {
    let wrong =
        |what, found: String, expected| Err(TrainError::Parameter { what, found, expected });
    let size = |sizes: Vec<usize>| sizes.iter().product::<usize>();
    let input = network.arch().input_shape();
    if size(input.sizes()) != data.train.image_len() {
        let expected = format!("{:?} as {} has", data.train.shape(), data.name);
        return wrong("input of the network", input.to_string(), expected);
    }
    let output = network.arch().output_shape();
    let (wanted, what) = match data.train.targets() {
        Some(_) => (data.train.image_len(), "scalars of a target image"),
        None => (data.classes.len(), "classes"),
    };
    if size(output.sizes()) != wanted {
        let expected = format!("{wanted}, the {what} of {}", data.name);
        return wrong("output of the network", output.to_string(), expected);
    }
    Ok(())
}
