//! A step of a training plan.

use super::layer::TrainedLayer;
use super::norm::Norm;
use crate::arch::Activation;
use crate::execute::windows::Windows;

/// One step: what it computes of which values. Values are named by the node whose result they are.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) work: Work,
    pub(super) inputs: Vec<usize>,
    pub(super) output: usize,
    /// A value that is added after a normalisation: the other branch of a skip connection.
    pub(super) add: Option<usize>,
    /// Whether ReLU comes last.
    pub(super) relu: bool,
}

/// What a step computes.
#[derive(Debug)]
pub(super) enum Work {
    /// Kept weights of a convolution or a linear layer.
    Weighted(TrainedLayer),
    /// Batch normalisation.
    Normalise(Norm),
    /// An activation by itself.
    Activate(Activation),
    /// The maximum over windows.
    MaxPool(Windows),
    /// The mean over windows.
    AvgPool(Windows),
    /// The sum of all inputs.
    Sum,
    /// The units of each input after those of the inputs before.
    Concat,
    /// A map's positions as features.
    Flatten,
}
