//! What comes out of a run.

use phew_graph::Provenance;
use serde::{Deserialize, Serialize};

use super::remaining::Remaining;
use crate::quality::Quality;
use crate::train::Pruning;

/// `result.json`: what came out of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// Identity of the run: [`RunConfig::id`](crate::RunConfig::id). Empty in results of schema 1, which are no run's own.
    #[serde(default)]
    pub run: String,
    /// Hash of `weights.safetensors`; empty in results of schema 1.
    #[serde(default)]
    pub weights: String,
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
    /// How much was left at which step; none in results of earlier builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining: Option<Remaining>,
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
    /// Where it comes from: method, seeds, hashes; none in results of earlier builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Box<Provenance>>,
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
