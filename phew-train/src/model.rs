//! A libtorch model of any architecture.

mod forward;
mod layout;
mod precision;

use std::path::Path;
use std::sync::Arc;

use phew_graph::{Arch, Network, Overwrite, TensorSpec};
use tch::{Device, Kind, Tensor};

use crate::error::{Result, TrainError};
use crate::tensor_file::{Named, save_tensors};
use layout::Layout;
pub use precision::Precision;

/// How batch normalisation behaves in a forward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Statistics of the batch, which also move the running ones: training.
    Train,
    /// Statistics of the batch; the running ones stay as they are: scoring in training mode.
    TrainFrozen,
    /// The running statistics: testing.
    Eval,
    /// Statistics of the batch, which take the place of the running ones.
    Record,
}

/// A network on a libtorch device.
///
/// All that is learnt lies in one vector, prunable weights first, in the order of [`Arch::prunable`] and then of
/// [`Arch::auxiliary`]; the tensors of the operators are parts of it. A step of an optimiser or a mask is then a few
/// operations on one tensor, whatever the number of layers, and a gradient is one tensor as well.
#[derive(Debug)]
pub struct Model {
    arch: Arc<Arch>,
    layout: Layout,
    /// All that is learnt; a leaf of the graph of gradients.
    learnt: Tensor,
    /// The operators' parts of it as leaves of their own, in its memory.
    leaves: Vec<Tensor>,
    /// Running statistics, in the order of the layout.
    running: Vec<Tensor>,
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
        let mut learnt = Vec::with_capacity(layout.learnt_len());
        for spec in layout.learnt() {
            learnt.extend_from_slice(find(&spec.name));
        }
        let learnt = Tensor::f_from_slice(&learnt)?.f_to_device(device)?.f_to_kind(kind)?;
        let running = layout
            .running()
            .iter()
            .map(|spec| {
                Tensor::f_from_slice(find(&spec.name))?.f_to_device(device)?.f_to_kind(kind)
            })
            .collect::<std::result::Result<_, _>>()?;
        let leaves = layout.split(&learnt)?;
        let leaves = leaves.iter().map(|leaf| leaf.detach().set_requires_grad(true)).collect();
        let (learnt, precision) = (learnt.set_requires_grad(true), Precision::Full);
        Ok(Self { arch, layout, learnt, leaves, running, precision })
    }

    /// Sets the numbers that convolutions and linear layers compute with; what is learnt keeps its own.
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
        self.learnt.device()
    }

    /// All that is learnt, as one vector: prunable weights, then biases and normalisation.
    pub fn learnt(&self) -> &Tensor {
        &self.learnt
    }

    /// The same numbers as tensors of their own, in the same memory and order: what the operators read.
    ///
    /// A gradient by them is one tensor for each, where one by [`Model::learnt`] must be put together.
    pub fn leaves(&self) -> &[Tensor] {
        &self.leaves
    }

    /// The running statistics of the normalisations, in the order of [`Arch::auxiliary`].
    pub fn running(&self) -> &[Tensor] {
        &self.running
    }

    /// How many scalars of [`Model::learnt`], from the first, are prunable.
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

    /// As [`Model::forward`], with other values of all that is learnt, in the order of [`Model::learnt`].
    ///
    /// # Errors
    /// As [`Model::forward`].
    pub fn forward_with(&self, learnt: &Tensor, input: &Tensor, mode: Mode) -> Result<Tensor> {
        self.run(&self.layout.split(learnt)?, input, mode)
    }

    /// As [`Model::forward_with`], with other running statistics, in the order of [`Model::running`].
    pub(crate) fn forward_at(
        &self,
        learnt: &Tensor,
        running: &[Tensor],
        input: &Tensor,
        mode: Mode,
    ) -> Result<Tensor> {
        let parts = self.layout.split(learnt)?;
        Ok(forward::Pass { running, ..self.pass(&parts, mode) }.run(input)?)
    }

    /// The value of every operator, in the order of the architecture's nodes.
    pub(crate) fn values(
        &self,
        learnt: &Tensor,
        input: &Tensor,
        mode: Mode,
    ) -> Result<Vec<Tensor>> {
        Ok(self.pass(&self.layout.split(learnt)?, mode).all(input)?)
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

    fn pass<'a>(&'a self, parts: &'a [Tensor], mode: Mode) -> forward::Pass<'a> {
        let Self { arch, layout, running, precision, .. } = self;
        forward::Pass { arch, layout, parts, running, mode, precision: *precision }
    }

    /// Splits a vector like [`Model::learnt`] into the prunable tensors, as values in their order.
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

    /// The network with all values as they are now.
    ///
    /// # Errors
    /// [`TrainError::Graph`](crate::TrainError::Graph) if a value is not finite.
    pub fn to_network(&self) -> Result<Network> {
        let tensors = self.tensors()?;
        let values = |spec: &TensorSpec| {
            let found = tensors.iter().find(|tensor| tensor.name == spec.name);
            found.map(|tensor| tensor.values.clone()).unwrap_or_default()
        };
        let weights = self.arch.prunable().iter().map(values).collect();
        let auxiliary = self.arch.auxiliary().iter().map(values).collect();
        Ok(Network::new(Arc::clone(&self.arch), weights, auxiliary)?)
    }

    /// Takes all values of a network of the same architecture.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] if it is of another.
    pub fn take(&self, network: &Network) -> Result<()> {
        let find = |name: &str| network.tensors().find(|(spec, _)| spec.name == name);
        self.restore(|name| Ok(find(name).map(|(_, values)| values).unwrap_or_default()))
    }

    /// Every tensor under its state-dict name.
    pub(crate) fn tensors(&self) -> Result<Vec<Named>> {
        let flat = |tensor: &Tensor| -> Result<Vec<f32>> {
            let tensor = tensor.f_detach()?.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?;
            Ok(Vec::<f32>::try_from(tensor)?)
        };
        let learnt = flat(&self.learnt)?;
        let mut rest = learnt.as_slice();
        let mut tensors = Vec::new();
        for spec in self.layout.learnt() {
            let (head, tail) = rest.split_at(spec.len());
            rest = tail;
            tensors.push(Named::new(&spec.name, &spec.shape, head.to_vec()));
        }
        for (spec, tensor) in self.layout.running().iter().zip(&self.running) {
            tensors.push(Named::new(&spec.name, &spec.shape, flat(tensor)?));
        }
        Ok(tensors)
    }

    /// Takes the values of every tensor from `find`, by its state-dict name.
    pub(crate) fn restore<'a>(&self, find: impl Fn(&str) -> Result<&'a [f32]>) -> Result<()> {
        let _guard = tch::no_grad_guard();
        let mut learnt = Vec::with_capacity(self.layout.learnt_len());
        for spec in self.layout.learnt() {
            learnt.extend_from_slice(expect_len(find(&spec.name)?, &spec.name, spec.len())?);
        }
        copy_into(&self.learnt, &learnt)?;
        for (spec, tensor) in self.layout.running().iter().zip(&self.running) {
            copy_into(tensor, expect_len(find(&spec.name)?, &spec.name, spec.len())?)?;
        }
        Ok(())
    }

    /// Writes every tensor to a safetensors file under its state-dict name.
    ///
    /// # Errors
    /// [`TrainError::Graph`](crate::TrainError::Graph) if the file cannot be written.
    pub fn save(&self, path: &Path, overwrite: Overwrite) -> Result<()> {
        save_tensors(path, &self.tensors()?, None, overwrite)
    }
}

fn expect_len<'a>(values: &'a [f32], name: &str, len: usize) -> Result<&'a [f32]> {
    if values.len() == len {
        return Ok(values);
    }
    Err(TrainError::Parameter {
        what: "values of a tensor",
        found: format!("{} for `{name}`", values.len()),
        expected: len.to_string(),
    })
}

/// Overwrites a tensor's values in place.
fn copy_into(tensor: &Tensor, values: &[f32]) -> Result<()> {
    let values = Tensor::f_from_slice(values)?.f_view(tensor.size().as_slice())?;
    tensor.shallow_clone().f_copy_(&values)?;
    Ok(())
}
