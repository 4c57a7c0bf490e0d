//! Multiply-adds and parameters, dense and sparse, layer by layer.

use phew_graph::{Arch, Mask, TensorId, TensorSpec};
use serde::Serialize;

use crate::analysis::Analysis;

/// Arithmetic and parameters of a network for one input.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// The prunable tensors.
    pub layers: Vec<LayerCost>,
    /// Biases and normalisation scales and shifts: never pruned, and counted in neither column.
    pub auxiliary_parameters: usize,
    /// Floating-point operations in which no weight takes part, the same under any mask: attention's, of queries with keys
    /// and with values.
    pub attention_flops: u64,
}

/// Arithmetic and parameters of one prunable tensor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerCost {
    /// Name of the tensor.
    pub name: String,
    /// How often each weight is used: positions of a convolution's output map.
    pub positions: usize,
    /// Scalars.
    pub parameters: usize,
    /// Scalars kept.
    pub sparse_parameters: usize,
    /// Floating-point operations of the dense layer: a multiplication and an addition for each use.
    pub flops: u64,
    /// The same for the kept weights only.
    pub sparse_flops: u64,
}

impl Cost {
    /// Cost of one forward pass over one input of the architecture's shape, whole and with what a mask of it keeps.
    ///
    /// A weight is used once for each position of its output map ([`Arch::positions`]); positions over the border's
    /// padding count. Attention multiplies queries with keys and with values besides. Biases, normalisation, activations and
    /// pooling are left out, as is usual.
    #[must_use]
    pub fn new(arch: &Arch, mask: Option<&Mask>) -> Self {
        let layer = |(tensor, spec): (TensorId, &TensorSpec)| {
            let positions = arch.positions(tensor);
            let kept = mask.map_or(spec.len(), |mask| mask.layer(tensor).kept());
            LayerCost {
                name: spec.name.clone(),
                positions,
                parameters: spec.len(),
                sparse_parameters: kept,
                flops: 2 * spec.len() as u64 * positions as u64,
                sparse_flops: 2 * kept as u64 * positions as u64,
            }
        };
        let auxiliary = arch.auxiliary().iter().filter(|spec| !spec.role.is_buffer());
        Self {
            layers: arch.prunable().with_ids().map(layer).collect(),
            auxiliary_parameters: auxiliary.map(TensorSpec::len).sum(),
            // Within the limit on multiply-adds, 2⁶⁰.
            attention_flops: u64::try_from(2 * arch.attention_multiply_adds()).unwrap_or(u64::MAX),
        }
    }

    /// Weights, biases, scales and shifts.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(|layer| layer.parameters).sum::<usize>() + self.auxiliary_parameters
    }

    /// Floating-point operations, dense.
    #[must_use]
    pub fn flops(&self) -> u64 {
        self.layers.iter().map(|l| l.flops).sum::<u64>() + self.attention_flops
    }

    /// Floating-point operations with the kept weights.
    #[must_use]
    pub fn sparse_flops(&self) -> u64 {
        self.layers.iter().map(|l| l.sparse_flops).sum::<u64>() + self.attention_flops
    }
}

impl Analysis<'_> {
    /// [`Cost::new`] of the network and the mask.
    #[must_use]
    pub fn cost(&self) -> Cost {
        Cost::new(self.network.arch(), self.mask)
    }
}
