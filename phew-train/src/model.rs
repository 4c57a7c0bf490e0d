//! A libtorch model of any architecture.

mod activate;
mod attend;
mod forward;
mod layout;
mod mask;
mod mode;
mod operators;
mod precision;
mod predict;
mod state_dict;

use std::sync::Arc;

use phew_graph::{Arch, Network};
use tch::{Device, Kind, Tensor};

use crate::error::Result;
use layout::Layout;

pub(crate) use mask::mask_vector;
pub use mode::Mode;
pub(crate) use operators::inputs_first;
pub use precision::Precision;
pub(crate) use state_dict::{StateDict, values_of};

/// A network on a libtorch device.
///
/// All parameters lie in one vector, prunable weights first, in the order of [`Arch::prunable`] and then of
/// [`Arch::auxiliary`]; the tensors of the operators are parts of it. A step of an optimiser or a mask is then a few
/// operations on one tensor, whatever the number of layers, and a gradient is one tensor as well.
#[derive(Debug)]
pub struct Model {
    arch: Arc<Arch>,
    layout: Layout,
    /// All parameters; a leaf of the graph of gradients.
    parameters: Tensor,
    /// The operators' parts of it as leaves of their own, in its memory.
    leaves: Vec<Tensor>,
    /// Buffers: the running statistics, in the order of the layout.
    buffers: Vec<Tensor>,
    precision: Precision,
}

impl Model {
    /// Puts a network on a device, with numbers of `kind` (`Kind::Float` to train).
    ///
    /// # Errors
    /// [`TrainError::Torch`](crate::TrainError::Torch) if the device has no room.
    pub fn new(network: &Network, device: Device, kind: Kind) -> Result<Self> {
        let arch = Arc::clone(network.arch());
        let layout = Layout::new(&arch);
        let values: Vec<(&str, &[f32])> =
            network.tensors().map(|(spec, values)| (spec.name.as_str(), values)).collect();
        let find = |name: &str| {
            values.iter().find(|(n, _)| *n == name).map_or(&[][..], |(_, values)| *values)
        };
        let mut parameters = Vec::with_capacity(layout.parameters_len());
        for spec in layout.parameters() {
            parameters.extend_from_slice(find(&spec.name));
        }
        let parameters = Tensor::f_from_slice(&parameters)?.f_to_device(device)?.f_to_kind(kind)?;
        let buffers = layout
            .buffers()
            .iter()
            .map(|spec| {
                Tensor::f_from_slice(find(&spec.name))?.f_to_device(device)?.f_to_kind(kind)
            })
            .collect::<std::result::Result<_, _>>()?;
        let leaves = layout.split(&parameters)?;
        let leaves = leaves.iter().map(|leaf| leaf.detach().set_requires_grad(true)).collect();
        let (parameters, precision) = (parameters.set_requires_grad(true), Precision::Full);
        Ok(Self { arch, layout, parameters, leaves, buffers, precision })
    }

    /// Sets the numbers that convolutions and linear layers compute with; parameters keep their own.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The architecture.
    #[must_use]
    pub fn arch(&self) -> &Arc<Arch> {
        &self.arch
    }

    /// The device that it is on.
    #[must_use]
    pub fn device(&self) -> Device {
        self.parameters.device()
    }

    /// All parameters as one vector: prunable weights, then biases and normalisation, each in the order of memory
    /// ([`phew_graph::TensorShape`]).
    pub fn parameters(&self) -> &Tensor {
        &self.parameters
    }

    /// The same numbers as tensors of their own, in the same memory and order: what the operators read.
    ///
    /// A gradient by them is one tensor for each, where one by [`Model::parameters`] must be put together.
    pub fn leaves(&self) -> &[Tensor] {
        &self.leaves
    }

    /// The buffers: running statistics of the normalisations, in the order of [`Arch::auxiliary`].
    pub fn buffers(&self) -> &[Tensor] {
        &self.buffers
    }

    /// How many scalars of [`Model::parameters`], from the first, are prunable.
    #[must_use]
    pub fn prunable_len(&self) -> usize {
        self.arch.prunable_len()
    }

    /// The output for a batch `[n, …input shape]` (any shape with as many scalars will do).
    ///
    /// # Errors
    /// [`TrainError::Torch`](crate::TrainError::Torch) if the batch does not fit the input or the device has no room.
    pub fn forward(&self, input: &Tensor, mode: Mode) -> Result<Tensor> {
        self.run(&self.leaves, input, mode)
    }

    /// As [`Model::forward`], with other values of all parameters, in the order of [`Model::parameters`].
    ///
    /// # Errors
    /// As [`Model::forward`].
    pub fn forward_with(&self, parameters: &Tensor, input: &Tensor, mode: Mode) -> Result<Tensor> {
        self.run(&self.layout.split(parameters)?, input, mode)
    }

    /// As [`Model::forward_with`], with other buffers, in the order of [`Model::buffers`].
    pub(crate) fn forward_at(
        &self,
        parameters: &Tensor,
        buffers: &[Tensor],
        input: &Tensor,
        mode: Mode,
    ) -> Result<Tensor> {
        let parts = self.layout.split(parameters)?;
        Ok(forward::Pass { buffers, ..self.pass(&parts, mode) }.run(input)?)
    }

    /// The value of every operator, in the order of the architecture's nodes.
    pub(crate) fn values(
        &self,
        parameters: &Tensor,
        input: &Tensor,
        mode: Mode,
    ) -> Result<Vec<Tensor>> {
        Ok(self.pass(&self.layout.split(parameters)?, mode).all(input)?)
    }

    fn run(&self, parts: &[Tensor], input: &Tensor, mode: Mode) -> Result<Tensor> {
        Ok(self.pass(parts, mode).run(input)?)
    }

    /// Which scalar of each window the maximum pooling of a node takes, as an index into its channel.
    pub(crate) fn chosen(&self, node: usize, input: &Tensor) -> Result<Tensor> {
        Ok(forward::chosen(&self.arch, node, input)?)
    }

    /// What the average pooling of a node makes of an input.
    pub(crate) fn averaged(&self, node: usize, input: &Tensor) -> Result<Tensor> {
        Ok(forward::averaged(&self.arch, node, input)?)
    }

    /// What an operator that reads one value and has no weights makes of another, if it only moves values or computes the
    /// same with each.
    pub(crate) fn rearranged(&self, node: usize, input: &Tensor) -> Option<Result<Tensor>> {
        Some(operators::rearrange(&self.arch.nodes()[node].op, input)?.map_err(Into::into))
    }

    fn pass<'a>(&'a self, parts: &'a [Tensor], mode: Mode) -> forward::Pass<'a> {
        let Self { arch, layout, buffers, precision, .. } = self;
        forward::Pass { arch, layout, parts, buffers, mode, precision: *precision }
    }

    /// Splits a vector like [`Model::parameters`] into the prunable tensors, as values in their order.
    ///
    /// # Errors
    /// [`TrainError::Torch`](crate::TrainError::Torch) if it cannot be copied from the device.
    pub fn prunable_values(&self, vector: &Tensor) -> Result<Vec<Vec<f64>>> {
        let prunable = self.arch.prunable();
        let part = vector.f_narrow(0, 0, self.prunable_len() as i64)?;
        let all = Vec::<f64>::try_from(part.f_to_kind(Kind::Double)?.f_to_device(Device::Cpu)?)?;
        let mut rest = all.as_slice();
        Ok(prunable
            .iter()
            .map(|spec| {
                let (head, tail) = rest.split_at(spec.len());
                rest = tail;
                head.to_vec()
            })
            .collect())
    }
}
