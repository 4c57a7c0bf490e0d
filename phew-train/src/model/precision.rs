//! The numbers that layers compute with.

use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

/// The numbers that convolutions and linear layers compute with, and that flow between layers.
///
/// Parameters and buffers, gradients, normalisation and the loss stay in single precision, as
/// with PyTorch's autocast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Precision {
    /// Those of the weights: single precision in training.
    #[default]
    #[serde(rename = "f32")]
    Full,
    /// Eight bits of significand and the range of single precision: nothing under- or overflows that did not before.
    #[serde(rename = "bf16")]
    Bf16,
    /// Eleven bits of significand and a small range: the trainer scales the loss so that gradients stay inside.
    #[serde(rename = "f16")]
    F16,
}

impl Precision {
    /// A tensor in these numbers.
    pub(super) fn of(self, tensor: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::Full => Ok(tensor.shallow_clone()),
            Self::Bf16 => tensor.f_to_kind(Kind::BFloat16),
            Self::F16 => tensor.f_to_kind(Kind::Half),
        }
    }
}

impl std::str::FromStr for Precision {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "f32" => Ok(Self::Full),
            "bf16" => Ok(Self::Bf16),
            "f16" => Ok(Self::F16),
            _ => Err("expected f32, bf16 or f16".to_owned()),
        }
    }
}
