//! The values of a model by their state-dict names, as networks and files have them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use phew_graph::ndarray::{ArrayD, IxDyn};
use phew_graph::{Network, Overwrite, TensorSpec, write_arrays};
use tch::{Device, Kind, Tensor};

use super::Model;
use crate::error::{Result, TrainError};

/// Parameters and buffers by name, row-major.
pub(crate) type StateDict = BTreeMap<String, ArrayD<f32>>;

/// The values of a tensor of a state dict.
pub(crate) fn values_of(array: &ArrayD<f32>) -> &[f32] {
    array.as_slice().unwrap_or_else(|| unreachable!("a state dict is row-major"))
}

impl Model {
    /// The network with all values as they are now.
    ///
    /// # Errors
    /// [`TrainError::Graph`](crate::TrainError::Graph) if a value is not finite.
    pub fn to_network(&self) -> Result<Network> {
        let mut state = self.state_dict()?;
        let mut values = |specs: &[TensorSpec]| {
            let taken = |spec: &TensorSpec| state.remove(&spec.name).unwrap_or_default();
            specs.iter().map(taken).map(|array| array.into_raw_vec_and_offset().0).collect()
        };
        let (weights, auxiliary) = (values(self.arch.prunable()), values(self.arch.auxiliary()));
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
    pub(crate) fn state_dict(&self) -> Result<StateDict> {
        let flat = |tensor: &Tensor| -> Result<Vec<f32>> {
            let tensor = tensor.f_detach()?.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?;
            Ok(Vec::<f32>::try_from(tensor.f_flatten(0, -1)?)?)
        };
        let named = |spec: &TensorSpec, values: Vec<f32>| {
            let array = ArrayD::from_shape_vec(IxDyn(&spec.shape), values);
            let array = array.unwrap_or_else(|e| unreachable!("as many values as its shape: {e}"));
            (spec.name.clone(), array)
        };
        let parameters = flat(&self.parameters)?;
        let mut rest = parameters.as_slice();
        let mut state = StateDict::new();
        for spec in self.layout.parameters() {
            let (head, tail) = rest.split_at(spec.len());
            rest = tail;
            state.extend([named(spec, head.to_vec())]);
        }
        for (spec, tensor) in self.layout.buffers().iter().zip(&self.buffers) {
            state.extend([named(spec, flat(tensor)?)]);
        }
        Ok(state)
    }

    /// Takes the values of every tensor from `find`, by its state-dict name.
    pub(crate) fn restore<'a>(&self, find: impl Fn(&str) -> Result<&'a [f32]>) -> Result<()> {
        let _guard = tch::no_grad_guard();
        let mut parameters = Vec::with_capacity(self.layout.parameters_len());
        for spec in self.layout.parameters() {
            parameters.extend_from_slice(expect_len(find(&spec.name)?, &spec.name, spec.len())?);
        }
        copy_into(&self.parameters, &parameters)?;
        for (spec, tensor) in self.layout.buffers().iter().zip(&self.buffers) {
            copy_into(tensor, expect_len(find(&spec.name)?, &spec.name, spec.len())?)?;
        }
        Ok(())
    }

    /// Writes every tensor to a safetensors file under its state-dict name.
    ///
    /// # Errors
    /// [`TrainError::Graph`](crate::TrainError::Graph) if the file cannot be written.
    pub fn save(&self, path: &Path, overwrite: Overwrite) -> Result<()> {
        let state = self.state_dict()?;
        let views = state.iter().map(|(name, array)| (name.as_str(), array.view()));
        Ok(write_arrays(path, views, None, overwrite)?)
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
