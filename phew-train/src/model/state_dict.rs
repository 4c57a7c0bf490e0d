//! The values of a model by their state-dict names: as networks have them, in the order of memory, and as files do.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use phew_graph::ndarray::{ArrayD, IxDyn};
use phew_graph::{Network, Overwrite, TensorSpec, write_arrays};
use tch::{Device, Kind, Tensor};

use super::Model;
use crate::error::{Result, TrainError};

/// Parameters and buffers by name, row-major in the shapes that files have.
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
        let held = self.held()?;
        let mut held: BTreeMap<&str, Vec<f32>> =
            held.into_iter().map(|(spec, values)| (spec.name.as_str(), values)).collect();
        let mut values = |specs: &[TensorSpec]| {
            let taken = |spec: &TensorSpec| held.remove(spec.name.as_str()).unwrap_or_default();
            specs.iter().map(taken).collect()
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
        self.set(|spec| {
            let values = find(&spec.name).map(|(_, values)| values).unwrap_or_default();
            Ok(expect_len(values, spec)?.into())
        })
    }

    /// Every tensor, in the order of memory.
    fn held(&self) -> Result<Vec<(&TensorSpec, Vec<f32>)>> {
        let flat = |tensor: &Tensor| -> Result<Vec<f32>> {
            let tensor = tensor.f_detach()?.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?;
            Ok(Vec::<f32>::try_from(tensor.f_flatten(0, -1)?)?)
        };
        let parameters = flat(&self.parameters)?;
        let mut rest = parameters.as_slice();
        let mut held = Vec::new();
        for spec in self.layout.parameters() {
            let (head, tail) = rest.split_at(spec.len());
            rest = tail;
            held.push((spec, head.to_vec()));
        }
        for (spec, tensor) in self.layout.buffers().iter().zip(&self.buffers) {
            held.push((spec, flat(tensor)?));
        }
        Ok(held)
    }

    /// Every tensor under its state-dict name, as files have it.
    pub(crate) fn state_dict(&self) -> Result<StateDict> {
        let named = |(spec, values): (&TensorSpec, Vec<f32>)| {
            let values = spec.shape.to_files(&values).into_owned();
            let array = ArrayD::from_shape_vec(IxDyn(&spec.shape.in_files()), values);
            let array = array.unwrap_or_else(|e| unreachable!("as many values as its shape: {e}"));
            (spec.name.clone(), array)
        };
        Ok(self.held()?.into_iter().map(named).collect())
    }

    /// Takes the values of every tensor from `find`, by its state-dict name, as [`Model::state_dict`] has them.
    pub(crate) fn restore<'a>(&self, find: impl Fn(&str) -> Result<&'a [f32]>) -> Result<()> {
        self.set(|spec| Ok(spec.shape.to_memory(expect_len(find(&spec.name)?, spec)?)))
    }

    /// Takes the values of every tensor from `find`, in the order of memory.
    fn set<'a>(&self, find: impl Fn(&TensorSpec) -> Result<Cow<'a, [f32]>>) -> Result<()> {
        let _guard = tch::no_grad_guard();
        let mut parameters = Vec::with_capacity(self.layout.parameters_len());
        for spec in self.layout.parameters() {
            parameters.extend_from_slice(&find(spec)?);
        }
        copy_into(&self.parameters, &parameters)?;
        for (spec, tensor) in self.layout.buffers().iter().zip(&self.buffers) {
            copy_into(tensor, &find(spec)?)?;
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

fn expect_len<'a>(values: &'a [f32], spec: &TensorSpec) -> Result<&'a [f32]> {
    if values.len() == spec.len() {
        return Ok(values);
    }
    Err(TrainError::Parameter {
        what: "values of a tensor",
        found: format!("{} for `{}`", values.len(), spec.name),
        expected: spec.len().to_string(),
    })
}

/// Overwrites a tensor's values in place.
fn copy_into(tensor: &Tensor, values: &[f32]) -> Result<()> {
    let values = Tensor::f_from_slice(values)?.f_view(tensor.size().as_slice())?;
    tensor.shallow_clone().f_copy_(&values)?;
    Ok(())
}
