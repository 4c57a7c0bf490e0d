//! Weights in safetensors files: mapped, checked against the architecture, never copied when aligned.

use std::path::Path;
use std::sync::Arc;

use super::Network;
use super::check::{Extra, check_names};
use super::network::initial;
use super::storage::Values;
use crate::arch::{Arch, TensorSpec};
use crate::atomic::Overwrite;
use crate::error::GraphError;
use crate::safetensors::{Stored, TensorFile, write_arrays};

impl Network {
    /// Maps a safetensors file and checks every tensor: name, dtype (F32), shape, finite values.
    ///
    /// A batch normalisation of which the file has no tensor at all takes its initial values; PyTorch's
    /// `num_batches_tracked` is passed over.
    ///
    /// # Errors
    /// [`GraphError::Io`], [`GraphError::Safetensors`], [`GraphError::Missing`], [`GraphError::Extra`],
    /// [`GraphError::TensorShape`], [`GraphError::Dtype`], [`GraphError::NotFinite`]: each with the file and
    /// the tensor.
    ///
    /// # Complexity
    /// One parallel pass over the file, which stays on disk: tensors are windows onto it. Do not truncate
    /// the file while the network lives.
    pub fn load(path: &Path, arch: impl Into<Arc<Arch>>, extra: Extra) -> Result<Self, GraphError> {
        let arch = arch.into();
        let file = TensorFile::open(path)?;
        check_names(&file.origin(), &arch, file.names().iter().map(String::as_str), extra)?;
        let tensor = |spec: &TensorSpec| match file.stored(&spec.name) {
            Some(stored) => values(spec, &stored),
            None => Ok(initial(spec)),
        };
        let weights = arch.prunable().iter().map(tensor).collect::<Result<_, _>>()?;
        let auxiliary = arch.auxiliary().iter().map(tensor).collect::<Result<_, _>>()?;
        Self::checked(arch, &file.origin(), weights, auxiliary)
    }

    /// Writes every tensor to a safetensors file that PyTorch opens under the same names.
    ///
    /// # Errors
    /// [`GraphError::Exists`] and [`GraphError::Io`]; nothing half-written remains.
    pub fn save(&self, path: &Path, overwrite: Overwrite) -> Result<(), GraphError> {
        write_arrays(path, self.arrays(), None, overwrite)
    }
}

/// The values of a stored tensor: a window onto the file, or a copy where they do not begin as an f32 may.
pub(super) fn values(spec: &TensorSpec, stored: &Stored<'_>) -> Result<Values, GraphError> {
    // The number type first: a tensor of another one is the likelier mistake.
    let window = stored.window()?;
    stored.expect_shape(&spec.shape)?;
    Ok(match window {
        Some(window) => Values::Mapped(window),
        None => stored.f32s()?.into_owned().into(),
    })
}
