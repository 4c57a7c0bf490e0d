//! What a run is asked to do, and what comes out of it.

use phew_graph::{Mask, Network};
use serde::{Deserialize, Serialize};

use crate::data::Dataset;
use crate::device::Device;
use crate::train::{Pruner, PrunerInfo, Pruning, Quality, Recipe};

/// What is to be trained, and how.
pub struct RunSpec<'a> {
    /// The network with its initial weights.
    pub network: &'a Network,
    /// What to keep of it; everything by default.
    pub mask: Option<&'a Mask>,
    /// How the mask was made, for the record.
    pub method: Option<&'a str>,
    /// When it is pruned in the course of training.
    pub pruning: &'a Pruning,
    /// What such a pruning keeps.
    pub pruner: &'a dyn Pruner,
    /// The data.
    pub data: &'a Dataset,
    /// How to train.
    pub recipe: &'a Recipe,
    /// Seed of the order of the images and of their augmentation.
    pub seed: u64,
    /// Where to train.
    pub device: Device,
    /// A checkpoint is written after so many epochs.
    pub checkpoint_every: u64,
}

/// `config.toml`: what makes two runs the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunConfig {
    /// Version of phew.
    pub phew: String,
    /// Name of the architecture.
    pub arch: String,
    /// Hash of the initial weights.
    pub weights: String,
    /// Hash of the mask; none for a dense run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<String>,
    /// How the mask was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// What the data set calls itself.
    pub data: String,
    /// Seed.
    pub seed: u64,
    /// When it is pruned in the course of training.
    #[serde(default, skip_serializing_if = "Pruning::is_never")]
    pub pruning: Pruning,
    /// What such a pruning keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruner: Option<PrunerInfo>,
    /// The recipe.
    pub recipe: Recipe,
}

/// `result.json`: what came out of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// Name of the architecture.
    pub arch: String,
    /// How the mask was made; none for a dense run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// When it was pruned in the course of training.
    #[serde(default, skip_serializing_if = "Pruning::is_never")]
    pub pruning: Pruning,
    /// The data set.
    pub data: String,
    /// Seed.
    pub seed: u64,
    /// Weights kept at the end.
    pub kept: usize,
    /// Prunable weights.
    pub prunable: usize,
    /// Epochs of the last training.
    pub epochs: u64,
    /// Steps of the last training.
    pub steps: u64,
    /// Over the training images of the last epoch.
    pub train: Quality,
    /// Over the test images, at the end.
    pub test: Quality,
    /// Test accuracy of the last training's best epoch, and which one that was; none for regression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<(f64, u64)>,
    /// Seconds of training and testing, over all parts and trainings of the run.
    pub seconds: f64,
    /// Training images a second.
    pub images_per_second: f64,
    /// Where it ran.
    pub device: String,
    /// Threads of an operation.
    pub threads: usize,
    /// Version of phew.
    pub phew: String,
    /// Version of libtorch.
    pub libtorch: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum RunOutcome {
    /// It is done.
    Done(Box<RunResult>),
    /// It was asked to stop, and a checkpoint lies there to go on from.
    Stopped {
        /// Steps done.
        step: u64,
    },
}

impl std::fmt::Debug for RunSpec<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunSpec").field("config", &self.config()).finish_non_exhaustive()
    }
}

impl RunSpec<'_> {
    pub(super) fn config(&self) -> RunConfig {
        RunConfig {
            phew: env!("CARGO_PKG_VERSION").to_owned(),
            arch: self.network.arch().name().to_owned(),
            weights: self.network.fingerprint(),
            mask: self.mask.map(Mask::fingerprint),
            method: self.method.map(str::to_owned),
            data: self.data.name.clone(),
            seed: self.seed,
            pruning: self.pruning.clone(),
            pruner: (!self.pruning.is_never()).then(|| self.pruner.info()),
            recipe: self.recipe.clone(),
        }
    }
}
