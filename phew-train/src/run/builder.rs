//! Puts a run together, and checks its parts once.

use std::collections::BTreeSet;
use std::fmt;

use phew_graph::{Mask, Network, Provenance};

use super::config::RunConfig;
use super::early::Early;
use crate::device::Device;
use crate::error::{Result, TrainError};
use crate::train::{Backend, MagnitudePruner, Pruner, Pruning, Recipe, Task, TrainingData};

/// What is to be trained, and how: [`Run::builder`] makes it, [`Run::train_in`] does it.
///
/// # Examples
/// ```no_run
/// use std::sync::atomic::AtomicBool;
///
/// use phew_graph::{Init, Network, zoo};
/// use phew_train::{MagnitudePruner, Pruning, Recipe, Run, digits};
///
/// let recipe = Recipe::preset("digits")?;
/// let data = digits(20_000, 4_000, 0)?;
/// let network = Network::initialise(zoo::by_name(&recipe.arch)?.build()?, Init::default(), 0)?;
/// let run = Run::builder(&network, &data, &recipe)
///     .pruning(Pruning::After { density: 0.1 }, &MagnitudePruner)
///     .seed(1)
///     .build()?;
/// let outcome = run.train_in("run".as_ref(), &mut (), &AtomicBool::new(false))?;
/// # Ok::<(), phew_train::TrainError>(())
/// ```
pub struct Run<'a> {
    pub(super) task: Task<'a>,
    pub(super) pruner: &'a dyn Pruner,
    pub(super) from: Option<&'a Early>,
    pub(super) checkpoint_every: u64,
    pub(super) kept_steps: BTreeSet<u64>,
    pub(super) config: RunConfig,
    pub(super) provenance: Option<&'a Provenance>,
}

impl fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("config", &self.config).finish_non_exhaustive()
    }
}

impl<'a> Run<'a> {
    /// A run that trains a network on data by a recipe: dense, with seed 0, on the processor or where the data lie,
    /// with a checkpoint after each epoch.
    pub fn builder(
        network: &'a Network,
        data: impl Into<TrainingData<'a>>,
        recipe: &'a Recipe,
    ) -> RunBuilder<'a> {
        RunBuilder {
            task: Task::new(network, data.into(), recipe),
            method: None,
            provenance: None,
            pruning: Pruning::Never,
            pruner: &MagnitudePruner,
            from: None,
            checkpoint_every: 1,
            kept_steps: BTreeSet::new(),
        }
    }

    /// What makes it the same as another: `config.toml`.
    #[must_use]
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// The last step of the recipe on these data; a run that is pruned on its way may take more.
    #[must_use]
    pub fn last_step(&self) -> u64 {
        let recipe = self.task.recipe;
        recipe.epochs * recipe.steps_per_epoch(self.task.data.summary().train)
    }
}

/// What a [`Run`] is to be made from.
#[must_use]
pub struct RunBuilder<'a> {
    task: Task<'a>,
    method: Option<&'a str>,
    provenance: Option<&'a Provenance>,
    pruning: Pruning,
    pruner: &'a dyn Pruner,
    from: Option<&'a Early>,
    checkpoint_every: u64,
    kept_steps: BTreeSet<u64>,
}

impl fmt::Debug for RunBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunBuilder")
            .field("task", &self.task)
            .field("pruning", &self.pruning)
            .finish_non_exhaustive()
    }
}

impl<'a> RunBuilder<'a> {
    /// Sets what to keep of the network; everything by default.
    pub fn mask(self, mask: impl Into<Option<&'a Mask>>) -> Self {
        Self { task: Task { mask: mask.into(), ..self.task }, ..self }
    }

    /// Says how the mask was made, for the record.
    pub fn method(self, method: impl Into<Option<&'a str>>) -> Self {
        Self { method: method.into(), ..self }
    }

    /// Says where network and mask come from; the run adds what it knows itself. By default only that is known.
    pub fn provenance(self, provenance: impl Into<Option<&'a Provenance>>) -> Self {
        Self { provenance: provenance.into(), ..self }
    }

    /// Sets when the network is pruned in the course of training, and what then chooses; never by default.
    pub fn pruning(self, pruning: Pruning, pruner: &'a dyn Pruner) -> Self {
        Self { pruning, pruner, ..self }
    }

    /// Sets the network and the step to begin from, in place of the network's own values and step 0.
    pub fn from(self, early: impl Into<Option<&'a Early>>) -> Self {
        Self { from: early.into(), ..self }
    }

    /// Sets the seed of the order of the images and of their augmentation; 0 by default.
    pub fn seed(self, seed: u64) -> Self {
        Self { task: Task { seed, ..self.task }, ..self }
    }

    /// Sets where to train; on the processor by default, or where the data lie.
    pub fn device(self, device: Device) -> Self {
        Self { task: Task { device: Some(device), ..self.task }, ..self }
    }

    /// Sets what computes the gradients; libtorch by default.
    pub fn backend(self, backend: Backend) -> Self {
        Self { task: Task { backend, ..self.task }, ..self }
    }

    /// Sets after how many epochs a checkpoint is written; 1 by default.
    pub fn checkpoint_every(self, epochs: u64) -> Self {
        Self { checkpoint_every: epochs, ..self }
    }

    /// Sets steps whose networks are kept, for other runs to begin [`from`](Self::from); none by default.
    ///
    /// They decide nothing of the result, so they are no part of what makes two runs the same: a run that is done is
    /// trained anew only up to the last of them that its folder lacks.
    pub fn keep_steps(self, steps: impl IntoIterator<Item = u64>) -> Self {
        Self { kept_steps: steps.into_iter().collect(), ..self }
    }

    /// The run.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] if the recipe is invalid or does not suit data and network, if the data lie on another
    /// device, if the pruning makes no sense for the recipe, if steps are to be kept that do not come or of a run that is
    /// pruned on its way, or for 0 epochs between checkpoints; [`TrainError::Graph`] if the mask is of another
    /// architecture.
    pub fn build(self) -> Result<Run<'a>> {
        let Self { task, method, provenance, pruning, pruner, from, checkpoint_every, kept_steps } =
            self;
        task.check()?;
        let data = task.data.summary();
        pruning.validate(task.recipe, data.train)?;
        let first = from.map_or(0, Early::step);
        let last = task.recipe.epochs * task.recipe.steps_per_epoch(data.train);
        if let Some(step) = kept_steps.iter().find(|step| !(first..=last).contains(*step)) {
            return Err(TrainError::Parameter {
                what: "step whose network is to be kept",
                found: step.to_string(),
                expected: format!("{first} to {last}, the first and the last of the run"),
            });
        }
        if !kept_steps.is_empty() && !pruning.is_never() {
            return Err(TrainError::Parameter {
                what: "steps whose networks are to be kept",
                found: format!("{kept_steps:?} of a run that is pruned on its way"),
                expected: "none, or a run that is not".to_owned(),
            });
        }
        if checkpoint_every == 0 {
            return Err(TrainError::Parameter {
                what: "epochs between checkpoints",
                found: "0".to_owned(),
                expected: "1 or more".to_owned(),
            });
        }
        let config = RunConfig {
            phew: env!("CARGO_PKG_VERSION").to_owned(),
            arch: task.network.arch().name().to_owned(),
            network: phew_graph::content_hash(task.network.arch().to_toml().as_bytes()),
            weights: task.network.fingerprint(),
            auxiliary: task.network.auxiliary_fingerprint(),
            mask: task.mask.map(Mask::fingerprint),
            method: method.map(str::to_owned),
            data: data.name.clone(),
            images: task.data.fingerprint().into_owned(),
            seed: task.seed,
            pruner: (!pruning.densities().is_empty()).then(|| pruner.info()),
            from: from.map(|early| early.hash.clone()),
            pruning,
            backend: task.backend,
            recipe: task.recipe.clone(),
        };
        task.network.check_unchanged()?;
        Ok(Run { task, pruner, from, checkpoint_every, kept_steps, config, provenance })
    }
}

#[cfg(test)]
mod tests {
    use phew_graph::{Init, zoo};

    use super::*;
    use crate::batches::DeviceDataset;
    use crate::data::digits;
    use crate::model::Precision;

    #[test]
    fn what_makes_no_sense_is_refused_before_anything_is_trained() {
        let recipe = Recipe::preset("digits").unwrap();
        let data = digits(50, 10, 0).unwrap();
        let network = |name: &str| {
            let arch = zoo::by_name(name).unwrap().build().unwrap();
            Network::initialise(arch, Init::default(), 0).unwrap()
        };
        let (fitting, other) = (network("mlp-784-10"), network("mlp-784-9"));
        let run = || Run::builder(&fitting, &data, &recipe);
        let refused = |run: RunBuilder<'_>| run.build().unwrap_err().to_string();
        run().build().unwrap();
        let error = refused(Run::builder(&other, &data, &recipe));
        assert!(error.contains("expected 10, the classes of built-in digits"), "{error}");
        let error = refused(run().mask(&Mask::dense(other.arch())));
        assert!(error.contains("mask"), "{error}");
        let error = refused(run().keep_steps([0, 10_000]));
        assert!(error.contains("kept: found 10000, expected 0 to"), "{error}");
        let pruned = run().pruning(Pruning::After { density: 0.5 }, &MagnitudePruner);
        let error = refused(pruned.keep_steps([0]));
        assert!(error.contains("of a run that is pruned on its way"), "{error}");
        let error = refused(run().checkpoint_every(0));
        assert!(error.contains("epochs between checkpoints: found 0"), "{error}");
        let error = refused(run().pruning(Pruning::After { density: 1.5 }, &MagnitudePruner));
        assert!(error.contains("densities: found [1.5]"), "{error}");
        let wrong = Recipe { batch: 0, ..recipe.clone() };
        let error = refused(Run::builder(&fitting, &data, &wrong));
        assert!(error.contains("batch: found 0"), "{error}");
        let on_device = DeviceDataset::new(&data, Device::CPU).unwrap();
        let elsewhere = Device(tch::Device::Cuda(0));
        let error = refused(Run::builder(&fitting, &on_device, &recipe).device(elsewhere));
        assert!(error.contains("device: found cuda:0, expected cpu"), "{error}");
        // What the sparse backend lacks.
        let error = refused(run().backend(Backend::Sparse).device(elsewhere));
        assert!(error.contains("expected cpu, where the sparse backend computes"), "{error}");
        let half = Recipe { precision: Precision::Bf16, ..recipe.clone() };
        let error = refused(Run::builder(&fitting, &data, &half).backend(Backend::Sparse));
        assert!(error.contains("precision: found bf16, expected f32"), "{error}");
    }
}
