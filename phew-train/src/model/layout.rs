//! Where each tensor of an architecture lies in the model.

use phew_graph::{Arch, Role, TensorSpec};
use tch::{TchError, Tensor};

/// What the operators of an architecture read, by index into the parts of the model.
#[derive(Debug)]
pub(super) struct Layout {
    parameters: Vec<TensorSpec>,
    buffers: Vec<TensorSpec>,
    /// By node.
    parts: Vec<Parts>,
    /// By node: how many others read it.
    readers: Vec<usize>,
}

/// The tensors of one operator, as indices into the parameters (`weight`, `bias`) and into the buffers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Parts {
    /// Weight, or scale of a normalisation.
    pub weight: Option<usize>,
    /// Bias, or shift of a normalisation.
    pub bias: Option<usize>,
    /// Running mean.
    pub mean: Option<usize>,
    /// Running variance.
    pub variance: Option<usize>,
}

impl Layout {
    pub(super) fn new(arch: &Arch) -> Self {
        let all = || arch.prunable().iter().chain(arch.auxiliary());
        let parameters: Vec<TensorSpec> = all().filter(|s| !s.role.is_buffer()).cloned().collect();
        let buffers: Vec<TensorSpec> = all().filter(|s| s.role.is_buffer()).cloned().collect();
        let mut parts = vec![Parts::default(); arch.nodes().len()];
        for (index, spec) in parameters.iter().enumerate() {
            for &node in &spec.nodes {
                let parts = &mut parts[node];
                match spec.role {
                    Role::Bias | Role::NormShift | Role::Shift => parts.bias = Some(index),
                    _ => parts.weight = Some(index),
                }
            }
        }
        for (index, spec) in buffers.iter().enumerate() {
            for &node in &spec.nodes {
                let parts = &mut parts[node];
                match spec.role {
                    Role::RunningMean => parts.mean = Some(index),
                    _ => parts.variance = Some(index),
                }
            }
        }
        let mut readers = vec![0; arch.nodes().len()];
        for &input in arch.nodes().iter().flat_map(|node| &node.inputs) {
            readers[input] += 1;
        }
        Self { parameters, buffers, parts, readers }
    }

    pub(super) fn parameters(&self) -> &[TensorSpec] {
        &self.parameters
    }

    pub(super) fn buffers(&self) -> &[TensorSpec] {
        &self.buffers
    }

    pub(super) fn parameters_len(&self) -> usize {
        self.parameters.iter().map(TensorSpec::len).sum()
    }

    /// The parts of a vector of all parameters, each in its shape. One operation, so that the gradient of all of
    /// them is one concatenation.
    pub(super) fn split(&self, parameters: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let sizes: Vec<i64> = self.parameters.iter().map(|spec| spec.len() as i64).collect();
        let shape = |spec: &TensorSpec| spec.shape.iter().map(|&n| n as i64).collect::<Vec<_>>();
        let parts = parameters.f_split_with_sizes(sizes, 0)?;
        parts
            .iter()
            .zip(&self.parameters)
            .map(|(part, spec)| part.f_view(shape(spec).as_slice()))
            .collect()
    }

    pub(super) fn parts(&self, node: usize) -> Parts {
        self.parts[node]
    }

    pub(super) fn readers(&self, node: usize) -> usize {
        self.readers[node]
    }
}
