//! A fused step of a plan.

use super::packed::Packed;
use super::windows::Windows;
use crate::arch::Activation;
use crate::arch::op::Attention;

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
    /// The maps whose parts by a stride are there, one part after the other.
    Join([usize; 2]),
    /// A scale and a shift for each unit.
    Affine(Vec<[f32; 2]>),
    /// A summand for each unit at each position.
    Shift(Vec<f32>),
    /// The maximum over windows.
    MaxPool(Windows),
    /// The mean over windows.
    AvgPool(Windows),
    /// The sum of all inputs.
    Sum,
    /// The product of all inputs.
    Product,
    /// Some units, from a first one on.
    Slice(usize),
    /// The units as a matrix of so many rows, transposed.
    Shuffle(usize),
    /// So many rows and columns of zeros before a map, and what there is room for behind it.
    Pad([usize; 2]),
    /// The units of one input after those of the other.
    Concat,
    /// A map's positions as features.
    Flatten,
    /// The positions as units, and the units as positions.
    Turn,
    /// Some positions, from a first one on.
    Crop(usize),
    /// Learnt positions beside those of the input.
    Tokens { learnt: Vec<f32>, behind: bool },
    /// Normalisation of each input by itself, and a scale and a shift for each unit.
    Normalise { groups: Option<usize>, eps: f64, each: Vec<[f32; 2]> },
    /// Softmax over the units, or its logarithm.
    Softmax { log: bool },
    /// The mean over the units.
    ChannelMean,
    /// Attention of queries, keys and values.
    Attention(Attention),
}
