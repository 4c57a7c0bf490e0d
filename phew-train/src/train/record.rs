//! What is noted of each epoch.

use serde::{Deserialize, Serialize};

use crate::quality::Quality;

/// One line of `metrics.jsonl`: what an epoch gave. The same run gives the same line, to the byte.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Prunings before it, in the course of training.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub phase: u64,
    /// Epochs done, from 1.
    pub epoch: u64,
    /// Steps done.
    pub step: u64,
    /// The learning rate of the epoch's last step.
    pub rate: f64,
    /// Over the training images, as they came by: augmented, with the weights of their step.
    pub train: Quality,
    /// Over the test images, after the epoch.
    pub test: Quality,
    /// Mean over the epoch's steps of the norm of the (masked) gradient, before weight decay.
    pub gradient_norm: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// One line of `timings.jsonl`: how long an epoch took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochTiming {
    /// Epochs done, from 1.
    pub epoch: u64,
    /// Seconds of training and testing since the last epoch (or since the run went on).
    pub seconds: f64,
    /// Training images a second, testing left out.
    pub images_per_second: f64,
    /// When the epoch ended, in seconds since 1970.
    pub ended: f64,
}
