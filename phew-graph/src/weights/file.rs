//! Weights in safetensors files: read or mapped, checked against the architecture, never copied when aligned.

use std::path::Path;
use std::sync::Arc;

use super::Network;
use super::check::{Extra, check_names};
use super::network::initial;
use super::state_dict::StateDict;
use crate::arch::{Arch, Role, TensorSpec};
use crate::atomic::Overwrite;
use crate::error::{GraphError, list};
use crate::safetensors::{TensorFile, write_tensors};

impl Network {
    /// Reads a safetensors file, or maps a large one, and checks every tensor: name, shape, finite values.
    ///
    /// State dicts are read as people save them: with a prefix before all names (`module.`), as pairs of
    /// `torch.nn.utils.prune` (what the mask prunes is 0), under weight norm, in F16, BF16 or F64 (computed with in F32).
    /// Of a batch normalisation scale and shift, the statistics, or all may be missing: they take their initial values.
    /// PyTorch's `num_batches_tracked` is passed over.
    ///
    /// # Errors
    /// [`GraphError::Io`], [`GraphError::Safetensors`], [`GraphError::Missing`], [`GraphError::Extra`],
    /// [`GraphError::TensorShape`], [`GraphError::Dtype`], [`GraphError::NotFinite`]: each with the file and
    /// the tensor.
    ///
    /// # Complexity
    /// One parallel pass over the file's bytes, onto which tensors are windows. What of a mapped file [`TensorFile`] says
    /// holds while the network lives.
    pub fn load(path: &Path, arch: impl Into<Arc<Arch>>, extra: Extra) -> Result<Self, GraphError> {
        Self::load_with_notes(path, arch, extra).map(|(network, _)| network)
    }

    /// As [`Network::load`], with a sentence for each thing that was read otherwise than as it stands.
    ///
    /// # Errors
    /// As [`Network::load`].
    pub fn load_with_notes(
        path: &Path,
        arch: impl Into<Arc<Arch>>,
        extra: Extra,
    ) -> Result<(Self, Vec<String>), GraphError> {
        let arch = arch.into();
        let file = TensorFile::open(path)?;
        let dict = StateDict::new(&file, &arch);
        let names = dict.names(&arch);
        check_names(&file.origin(), &arch, names.iter().map(String::as_str), extra)?;
        let tensor = |spec: &TensorSpec| Ok(dict.values(spec)?.unwrap_or_else(|| initial(spec)));
        let weights = arch.prunable().iter().map(tensor).collect::<Result<_, GraphError>>()?;
        let auxiliary = arch.auxiliary().iter().map(tensor).collect::<Result<_, GraphError>>()?;
        let notes = dict.notes(&arch);
        Ok((Self::checked(arch, &file.origin(), weights, auxiliary)?, notes))
    }

    /// The same network with the prunable weights of a file, and what else the file has of its tensors; other tensors of the
    /// file are passed over. A sentence for each thing that was read otherwise than as it stands.
    ///
    /// When to use it: where an exporter changed the weights of an architecture and added tensors of its own, and the model's
    /// state dict has the weights as they were.
    ///
    /// # Errors
    /// [`GraphError::Missing`] if a prunable weight is not in the file; otherwise as [`Network::load`].
    pub fn with_weights_of(&self, path: &Path) -> Result<(Self, Vec<String>), GraphError> {
        let arch = self.arch();
        let file = TensorFile::open(path)?;
        let dict = StateDict::new(&file, arch);
        let (mut missing, mut kept, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for (spec, own) in self.tensors() {
            values.push(match dict.values(spec)? {
                Some(values) => values,
                None if spec.role == Role::Weight => {
                    missing.push(spec.name.as_str());
                    continue;
                }
                None => {
                    kept.push(spec.name.as_str());
                    own.to_vec().into()
                }
            });
        }
        if !missing.is_empty() {
            return Err(GraphError::Missing {
                origin: file.origin(),
                names: list(&missing),
                arch: arch.name().to_owned(),
                has: Box::default(),
            });
        }
        let auxiliary = values.split_off(arch.prunable().len());
        let network = Self::checked(Arc::clone(arch), &file.origin(), values, auxiliary)?;
        let own = (!kept.is_empty()).then(|| format!("{} are kept as they were", list(&kept)));
        Ok((network, own.into_iter().collect()))
    }

    /// Writes every tensor to a safetensors file that PyTorch opens under the same names.
    ///
    /// # Errors
    /// [`GraphError::Exists`] and [`GraphError::Io`]; nothing half-written remains.
    pub fn save(&self, path: &Path, overwrite: Overwrite) -> Result<(), GraphError> {
        let tensors = self.held().map(|held| (held.name.to_owned(), held)).collect();
        write_tensors(path, tensors, None, overwrite)
    }
}
