//! The tensors of a state dict, and what each is for.

use std::collections::BTreeMap;

use super::tensor_shape::TensorShape;

/// Names in the state dict of an operator's tensors, by what they are to it (`weight`, `bias`, …), where they are not
/// `<operator>.weight` and so on.
///
/// A tensor is known by its name: operators that name the same one share it.
pub type TensorNames = BTreeMap<String, String>;

/// What a tensor of the state dict is for, in the order in which an operator has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A convolution's or linear layer's weight: prunable.
    Weight,
    /// A bias: never pruned.
    Bias,
    /// Scale of a normalisation.
    NormScale,
    /// Shift of a normalisation.
    NormShift,
    /// Learnt factors of units or positions that are no normalisation's: never pruned.
    Scale,
    /// Learnt summands of units or positions that are no layer's bias: never pruned.
    Shift,
    /// Running mean of a normalisation.
    RunningMean,
    /// Running variance of a normalisation.
    RunningVar,
}

impl Role {
    /// Whether it is a buffer, which batches move, and not a parameter, which gradients do.
    #[must_use]
    pub fn is_buffer(self) -> bool {
        match self {
            Role::RunningMean | Role::RunningVar => true,
            Role::Weight
            | Role::Bias
            | Role::NormScale
            | Role::NormShift
            | Role::Scale
            | Role::Shift => false,
        }
    }

    /// The value that a fresh network has here, except for [`Role::Weight`].
    pub(crate) fn initial(self) -> f32 {
        match self {
            Role::NormScale | Role::Scale | Role::RunningVar => 1.0,
            Role::Weight | Role::Bias | Role::NormShift | Role::Shift | Role::RunningMean => 0.0,
        }
    }

    pub(crate) fn is_norm(self) -> bool {
        match self {
            Role::NormScale | Role::NormShift | Role::RunningMean | Role::RunningVar => true,
            Role::Weight | Role::Bias | Role::Scale | Role::Shift => false,
        }
    }
}

/// A tensor of the state dict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Name, as in PyTorch's state dict: `<operator>.weight` and so on.
    pub name: String,
    /// Shape, row-major: in memory, and in files.
    pub shape: TensorShape,
    /// What it is for.
    pub role: Role,
    /// Indices of the nodes that use it, in their order: one, unless several share it.
    pub nodes: Vec<usize>,
}

impl TensorSpec {
    /// Number of scalars.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a checked tensor is never empty")]
    pub fn len(&self) -> usize {
        self.shape.scalars()
    }

    /// Whether several operators use it.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.nodes.len() > 1
    }
}
