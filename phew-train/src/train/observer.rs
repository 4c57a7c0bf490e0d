//! Who is told how training goes.

use super::record::EpochRecord;
use crate::quality::Quality;

/// How far a run is: what a progress bar shows.
#[derive(Debug, Clone, Copy)]
pub struct TrainingProgress {
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

/// What a pruning in the course of training kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// Prunings so far, this one included.
    pub phase: u64,
    /// Steps done when it took place.
    pub step: u64,
    /// Weights kept.
    pub kept: usize,
    /// Prunable weights.
    pub prunable: usize,
    /// Hash of the weights that it chose among.
    pub weights: String,
}

/// Who is told how a run goes. All do nothing by default.
pub trait Observer {
    /// Some steps were taken.
    fn progress(&mut self, progress: &TrainingProgress) {
        let _ = progress;
    }

    /// An epoch ended.
    fn epoch(&mut self, record: &EpochRecord) {
        let _ = record;
    }

    /// The network was pruned.
    fn pruned(&mut self, pruned: &Pruned) {
        let _ = pruned;
    }
}

/// An observer that does nothing.
impl Observer for () {}
