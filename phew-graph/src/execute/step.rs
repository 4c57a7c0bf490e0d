//! A fused step of a plan.

use super::packed::Packed;
use crate::arch::Activation;
use crate::arch::op::Window;

/// One step: what it computes, of which values, and what is done to each number before it is stored.
///
/// Values are named by the node whose result they are.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) work: Work,
    pub(super) inputs: Vec<usize>,
    pub(super) output: usize,
    /// A value that is added: the other branch of a skip connection.
    pub(super) add: Option<usize>,
    pub(super) activation: Activation,
}

/// What a step computes.
#[derive(Debug)]
pub(super) enum Work {
    /// Kept weights of a convolution or a linear layer.
    Weighted(Packed),
    /// The maps parted by a stride.
    Part([usize; 2]),
    /// A scale and a shift for each unit.
    Affine(Vec<[f32; 2]>),
    /// The maximum over windows.
    MaxPool(Window),
    /// The mean over windows, padding counted.
    AvgPool(Window),
    /// The sum of all inputs.
    Sum,
    /// The units of one input after those of the other.
    Concat,
    /// A map's positions as features.
    Flatten,
}
