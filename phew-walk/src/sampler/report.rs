//! What the sampler returns and reports.

use std::time::Duration;

use phew_graph::Mask;

use crate::params::Engine;

/// A mask, and how it came about.
#[derive(Clone, Debug)]
pub struct Walked {
    /// The weights that some walk passed.
    pub mask: Mask,
    /// The walks in numbers.
    pub report: WalkReport,
}

/// The walks in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct WalkReport {
    /// Walks made.
    pub walks: u64,
    /// Weights to keep: `⌊density · prunable⌋`.
    pub target: usize,
    /// Weights kept beyond the target; less than one walk's weights.
    pub overshoot: usize,
    /// The engine that made the walks.
    pub engine: Engine,
    /// Of the walks, those that were drawn in batches.
    pub bulk_walks: u64,
    /// Walks that started at each input unit.
    pub input_starts: Vec<u64>,
    /// Walks that started at each output unit.
    pub output_starts: Vec<u64>,
    /// Time for the sampling tables: one pass over the weights.
    pub tables: Duration,
    /// Time for the walks.
    pub sampling: Duration,
}

/// How far the sampler is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalkProgress {
    /// Walks made.
    pub walks: u64,
    /// Weights kept.
    pub kept: usize,
    /// Weights to keep.
    pub target: usize,
}
