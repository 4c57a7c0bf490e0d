//! A network in memory: an architecture, and the checked values of each of its tensors.

use std::sync::Arc;

#[cfg(feature = "random")]
use rayon::prelude::*;

#[cfg(feature = "random")]
use super::Init;
use super::check::check_values;
#[cfg(feature = "random")]
use super::norm_scale::NormScale;
use super::storage::Values;
use crate::arch::{Arch, Role, TensorSpec};
use crate::by_id::ByTensor;
use crate::error::GraphError;
#[cfg(feature = "files")]
use crate::hash;

/// An architecture with the values of its tensors: f32, row-major, under PyTorch's names.
///
/// Flat slices ([`Network::weights`], [`Network::new`]) are in the order of memory, arrays and files have PyTorch's shapes:
/// [`TensorShape`](crate::TensorShape) says where the two differ.
///
/// Cloning is cheap: tensors are shared until replaced.
#[derive(Clone, Debug)]
pub struct Network {
    arch: Arc<Arch>,
    weights: Vec<Values>,
    auxiliary: Vec<Values>,
}

impl Network {
    /// Draws fresh weights; biases start at 0 and normalisation at its neutral values.
    ///
    /// # Errors
    /// [`GraphError::Parameter`] if the standard deviation of [`Init::Normal`] is not positive and finite,
    /// [`GraphError::NotFinite`] if a draw by it is beyond what f32 can hold.
    #[cfg(feature = "random")]
    pub fn initialise(
        arch: impl Into<Arc<Arch>>,
        init: Init,
        seed: u64,
    ) -> Result<Self, GraphError> {
        if let Init::Normal { std } = init
            && !(std > 0.0 && std.is_finite())
        {
            let found = std.to_string();
            let (name, expected) = ("standard deviation", "a positive number");
            return Err(GraphError::Parameter { name, found, expected });
        }
        let arch = arch.into();
        let draw =
            |spec: &TensorSpec| Values::drawn(spec.len(), |values| init.fill(spec, seed, values));
        let weights = arch.prunable().par_iter().map(draw).collect();
        let auxiliary = arch.auxiliary().iter().map(initial).collect();
        Self::checked(arch, &format!("weights drawn by {init}"), weights, auxiliary)
    }

    /// A network of given values in the order of memory: prunable weights in the order of [`Arch::prunable`], then biases, normalisation and
    /// statistics in the order of [`Arch::auxiliary`], as training left them, say.
    ///
    /// # Errors
    /// As [`Network::with_weights`]; [`GraphError::Variance`] if a variance is negative.
    pub fn new(
        arch: impl Into<Arc<Arch>>,
        weights: Vec<Vec<f32>>,
        auxiliary: Vec<Vec<f32>>,
    ) -> Result<Self, GraphError> {
        let values = |tensors: Vec<Vec<f32>>| tensors.into_iter().map(Values::from).collect();
        Self::checked(arch.into(), "new values", values(weights), values(auxiliary))
    }

    /// The same network with initial scales of its normalisations: those that [`Network::initialise`] gives are 1.
    ///
    /// # Examples
    /// ```
    /// use phew_graph::{Init, Network, NormScale, zoo};
    ///
    /// let arch = zoo::by_name("resnet20")?.build()?;
    /// let network = Network::initialise(arch, Init::default(), 0)?.with_norm_scale(NormScale::Uniform, 0);
    /// # Ok::<(), phew_graph::GraphError>(())
    /// ```
    #[cfg(feature = "random")]
    #[must_use]
    pub fn with_norm_scale(mut self, scale: NormScale, seed: u64) -> Self {
        for (spec, values) in self.arch.auxiliary().iter().zip(&mut self.auxiliary) {
            if spec.role == Role::NormScale {
                *values = scale.sample(spec, seed).into();
            }
        }
        self
    }

    /// The same network with other prunable weights, in the order of [`Arch::prunable`].
    ///
    /// # Errors
    /// [`GraphError::Parameter`] if there are too few or too many tensors, [`GraphError::TensorShape`] if one has the
    /// wrong number of scalars, [`GraphError::NotFinite`] if a value is not finite.
    pub fn with_weights(&self, weights: Vec<Vec<f32>>) -> Result<Self, GraphError> {
        self.replaced("new values", weights.into_iter().map(Values::from).collect())
    }

    /// The same network with other prunable weights.
    pub(super) fn replaced(&self, origin: &str, weights: Vec<Values>) -> Result<Self, GraphError> {
        check("number of weight tensors", origin, self.arch.prunable(), &weights)?;
        Ok(Self { arch: self.arch.clone(), weights, auxiliary: self.auxiliary.clone() })
    }

    /// The one door: whatever weights are made of, they come in through the same check.
    pub(super) fn checked(
        arch: Arc<Arch>,
        origin: &str,
        weights: Vec<Values>,
        auxiliary: Vec<Values>,
    ) -> Result<Self, GraphError> {
        check("number of weight tensors", origin, arch.prunable(), &weights)?;
        check("number of other tensors", origin, arch.auxiliary(), &auxiliary)?;
        Ok(Self { arch, weights, auxiliary })
    }

    /// The architecture.
    #[must_use]
    pub fn arch(&self) -> &Arc<Arch> {
        &self.arch
    }

    /// The prunable tensors' values, in the order of memory.
    #[must_use]
    pub fn weights(&self) -> ByTensor<&[f32]> {
        self.weights.iter().map(|values| &**values).collect()
    }

    /// Values of biases and normalisation, in the order of [`Arch::auxiliary`].
    #[must_use]
    pub fn auxiliary(&self) -> Vec<&[f32]> {
        self.auxiliary.iter().map(|values| &**values).collect()
    }

    /// Every tensor with its specification: the prunable ones first.
    pub fn tensors(&self) -> impl Iterator<Item = (&TensorSpec, &[f32])> {
        let weights = self.arch.prunable().iter().zip(&self.weights);
        let others = self.arch.auxiliary().iter().zip(&self.auxiliary);
        weights.chain(others).map(|(spec, values)| (spec, &**values))
    }

    /// Refuses weights of a mapped file that somebody has written to since: what was made of them is worth nothing.
    ///
    /// # Errors
    /// [`GraphError::Io`], naming the file.
    pub fn check_unchanged(&self) -> Result<(), GraphError> {
        self.weights.iter().chain(&self.auxiliary).try_for_each(Values::check_unchanged)
    }

    /// BLAKE3 hash of the prunable weights with their names and shapes, as files have them, in hexadecimal: it ties a mask to the
    /// weights that it was made from.
    #[cfg(feature = "files")]
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hash_of(self.arch.prunable(), &self.weights)
    }

    /// The same of biases, normalisation and statistics, which no mask depends on and every training does.
    #[cfg(feature = "files")]
    #[must_use]
    pub fn auxiliary_fingerprint(&self) -> String {
        hash_of(self.arch.auxiliary(), &self.auxiliary)
    }
}

#[cfg(feature = "files")]
fn hash_of(specs: &[TensorSpec], tensors: &[Values]) -> String {
    let filed: Vec<_> = (specs.iter().zip(tensors))
        .map(|(spec, values)| {
            (spec.name.as_str(), spec.shape.in_files(), spec.shape.to_files(values))
        })
        .collect();
    hash::tensors(filed.iter().map(|(name, sizes, values)| {
        (*name, sizes.as_slice(), bytemuck::cast_slice::<f32, u8>(values))
    }))
}

/// What a fresh network has in a tensor that is not a weight.
pub(super) fn initial(spec: &TensorSpec) -> Values {
    debug_assert_ne!(spec.role, Role::Weight);
    vec![spec.role.initial(); spec.len()].into()
}

/// Refuses values unless there is one of the right length for each of `specs`, and all are such as a network may hold.
fn check(
    name: &'static str,
    origin: &str,
    specs: &[TensorSpec],
    tensors: &[Values],
) -> Result<(), GraphError> {
    if tensors.len() != specs.len() {
        return Err(GraphError::Parameter {
            name,
            found: tensors.len().to_string(),
            expected: "one for each tensor of the architecture",
        });
    }
    specs.iter().zip(tensors).try_for_each(|(spec, values)| check_values(origin, spec, values))
}
