//! A network in memory: each tensor owned, or a window onto a mapped file.

use std::sync::Arc;

use memmap2::{Mmap, MmapMut};
use ndarray::ArrayViewD;
use rayon::prelude::*;

use super::Init;
use super::drawn::drawn;
use crate::arch::{Arch, Role, TensorSpec};
use crate::error::GraphError;

/// An architecture with the values of its tensors: f32, row-major, PyTorch's names and layout.
///
/// Cloning is cheap: tensors are shared until replaced.
#[derive(Clone, Debug)]
pub struct Network {
    arch: Arc<Arch>,
    weights: Vec<Data>,
    auxiliary: Vec<Data>,
}

/// One tensor's values.
#[derive(Clone)]
pub(super) enum Data {
    Owned(Arc<Vec<f32>>),
    Drawn(Arc<MmapMut>),
    Mapped { map: Arc<Mmap>, start: usize, end: usize },
}

impl std::fmt::Debug for Data {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = if matches!(self, Data::Mapped { .. }) { "mapped" } else { "owned" };
        write!(f, "{kind} [f32; {}]", self.values().len())
    }
}

impl Data {
    pub(super) fn values(&self) -> &[f32] {
        match self {
            Data::Owned(values) => values,
            Data::Drawn(map) => bytemuck::cast_slice(map),
            // The loader maps only ranges that are aligned and whole: see `file.rs`.
            Data::Mapped { map, start, end } => bytemuck::cast_slice(&map[*start..*end]),
        }
    }
}

impl Network {
    /// Draws fresh weights; biases start at 0 and normalisation at its neutral values.
    ///
    /// # Errors
    /// [`GraphError::Parameter`] if the standard deviation of [`Init::Normal`] is not positive and finite.
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
        let draw = |spec: &TensorSpec| drawn(spec.len(), |values| init.fill(spec, seed, values));
        let weights = arch.prunable().par_iter().map(draw).collect();
        let auxiliary = arch.auxiliary().iter().map(initial).collect();
        Ok(Self { arch, weights, auxiliary })
    }

    pub(super) fn from_parts(arch: Arc<Arch>, weights: Vec<Data>, auxiliary: Vec<Data>) -> Self {
        Self { arch, weights, auxiliary }
    }

    /// A network of given values: prunable weights in the order of [`Arch::prunable`], then biases, normalisation and
    /// statistics in the order of [`Arch::auxiliary`], as training left them, say.
    ///
    /// # Errors
    /// As [`Network::with_weights`]; [`GraphError::Field`] if a variance is negative.
    pub fn new(
        arch: impl Into<Arc<Arch>>,
        weights: Vec<Vec<f32>>,
        auxiliary: Vec<Vec<f32>>,
    ) -> Result<Self, GraphError> {
        let arch = arch.into();
        let weights = checked("number of weight tensors", arch.prunable(), weights)?;
        let auxiliary = checked("number of other tensors", arch.auxiliary(), auxiliary)?;
        for (spec, data) in arch.auxiliary().iter().zip(&auxiliary) {
            check_variance(spec, data.values())?;
        }
        Ok(Self { arch, weights, auxiliary })
    }

    /// The same network with other prunable weights, in the order of [`Arch::prunable`].
    ///
    /// # Errors
    /// [`GraphError::TensorShape`] if a tensor has the wrong number of scalars, [`GraphError::NotFinite`] if
    /// a value is not finite.
    pub fn with_weights(&self, weights: Vec<Vec<f32>>) -> Result<Self, GraphError> {
        let weights = checked("number of weight tensors", self.arch.prunable(), weights)?;
        Ok(Self { arch: self.arch.clone(), weights, auxiliary: self.auxiliary.clone() })
    }

    /// The architecture.
    #[must_use]
    pub fn arch(&self) -> &Arc<Arch> {
        &self.arch
    }

    /// The prunable tensors' values, in the order of [`Arch::prunable`].
    #[must_use]
    pub fn weights(&self) -> Vec<&[f32]> {
        self.weights.iter().map(Data::values).collect()
    }

    /// Values of biases and normalisation, in the order of [`Arch::auxiliary`].
    #[must_use]
    pub fn auxiliary(&self) -> Vec<&[f32]> {
        self.auxiliary.iter().map(Data::values).collect()
    }

    /// Every tensor with its specification: the prunable ones first.
    pub fn tensors(&self) -> impl Iterator<Item = (&TensorSpec, &[f32])> {
        let weights = self.arch.prunable().iter().zip(&self.weights);
        let others = self.arch.auxiliary().iter().zip(&self.auxiliary);
        weights.chain(others).map(|(spec, data)| (spec, data.values()))
    }

    /// A tensor by its state-dict name, in its shape.
    #[must_use]
    pub fn view(&self, name: &str) -> Option<ArrayViewD<'_, f32>> {
        let (spec, values) = self.tensors().find(|(spec, _)| spec.name == name)?;
        ArrayViewD::from_shape(spec.shape.as_slice(), values).ok()
    }

    /// BLAKE3 hash of the prunable weights with their names and shapes, in hexadecimal: it ties a mask to the
    /// weights that it was made from.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (spec, data) in self.arch.prunable().iter().zip(&self.weights) {
            hasher.update(format!("{}{:?}\n", spec.name, spec.shape).as_bytes());
            hasher.update_rayon(bytemuck::cast_slice(data.values()));
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// What a fresh network has in a tensor that is not a weight.
pub(super) fn initial(spec: &TensorSpec) -> Data {
    debug_assert_ne!(spec.role, Role::Weight);
    Data::Owned(vec![spec.role.initial(); spec.len()].into())
}

/// New values for the tensors of `specs`, if there is one of the right length for each.
fn checked(
    name: &'static str,
    specs: &[TensorSpec],
    tensors: Vec<Vec<f32>>,
) -> Result<Vec<Data>, GraphError> {
    if tensors.len() != specs.len() {
        return Err(GraphError::Parameter {
            name,
            found: tensors.len().to_string(),
            expected: "one for each tensor of the architecture",
        });
    }
    for (spec, values) in specs.iter().zip(&tensors) {
        if values.len() != spec.len() {
            return Err(GraphError::TensorShape {
                origin: "new values".into(),
                name: spec.name.clone(),
                found: vec![values.len()],
                expected: spec.shape.clone(),
            });
        }
        check_finite("new values", &spec.name, values)?;
    }
    Ok(tensors.into_iter().map(|values| Data::Owned(values.into())).collect())
}

/// Refuses negative variances.
pub(super) fn check_variance(spec: &TensorSpec, values: &[f32]) -> Result<(), GraphError> {
    let negative = values.iter().position(|&v| v < 0.0);
    match negative.filter(|_| spec.role == Role::RunningVar) {
        None => Ok(()),
        Some(index) => Err(GraphError::Field {
            operator: spec.name.clone(),
            field: "variance",
            found: format!("{} at index {index}", values[index]),
            expected: "at least 0".into(),
        }),
    }
}

/// Refuses NaN and infinities. One pass, parallel; the index named is the first.
pub(super) fn check_finite(origin: &str, name: &str, values: &[f32]) -> Result<(), GraphError> {
    let bad = |block: &[f32]| block.iter().any(|v| !v.is_finite());
    let block = 1 << 16;
    let Some(first) = values.par_chunks(block).position_first(bad) else {
        return Ok(());
    };
    let from = first * block;
    match values[from..].iter().position(|v| !v.is_finite()) {
        Some(at) => Err(GraphError::NotFinite {
            origin: origin.to_owned(),
            name: name.to_owned(),
            index: from + at,
            value: values[from + at],
        }),
        None => Ok(()),
    }
}
