//! A number for each scalar of a network's tensors.

use crate::arch::{Arch, TensorSpec};
use crate::error::GraphError;
use crate::weights::Network;

/// A number for each scalar of a network's tensors, in the order of memory: their values, or a gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorValues<T = f32> {
    /// In the order of [`Arch::prunable`].
    pub weights: Vec<Vec<T>>,
    /// In the order of [`Arch::auxiliary`].
    pub auxiliary: Vec<Vec<T>>,
}

impl<T: Clone + Default> TensorValues<T> {
    /// All zero.
    #[must_use]
    pub fn zeros(arch: &Arch) -> Self {
        let zeros = |spec: &TensorSpec| vec![T::default(); spec.len()];
        Self {
            weights: arch.prunable().iter().map(zeros).collect(),
            auxiliary: arch.auxiliary().iter().map(zeros).collect(),
        }
    }
}

impl<T> TensorValues<T> {
    /// Refuses another architecture's.
    pub(super) fn check(&self, arch: &Arch) -> Result<(), GraphError> {
        let fit = |specs: &[TensorSpec], tensors: &[Vec<T>]| {
            let lengths = specs.iter().map(TensorSpec::len);
            lengths.eq(tensors.iter().map(Vec::len))
        };
        if fit(arch.prunable(), &self.weights) && fit(arch.auxiliary(), &self.auxiliary) {
            return Ok(());
        }
        Err(GraphError::Parameter {
            name: "values of the tensors",
            found: "other numbers of them".to_owned(),
            expected: "one for each scalar of the architecture's tensors",
        })
    }
}

impl<T: From<f32>> From<&Network> for TensorValues<T> {
    fn from(network: &Network) -> Self {
        let all = |values: &[f32]| values.iter().map(|&value| value.into()).collect();
        Self {
            weights: network.weights().iter().map(|values| all(values)).collect(),
            auxiliary: network.auxiliary().iter().map(|values| all(values)).collect(),
        }
    }
}
