//! One number for each prunable weight, in safetensors files under the weights' names and shapes.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

use ndarray::ArrayD;
use safetensors::tensor::Dtype;

use crate::arch::{Arch, TensorShape, TensorSpec};
use crate::atomic::Overwrite;
use crate::error::{GraphError, list};
use crate::ids::TensorId;
use crate::safetensors::{Stored, Tensor, TensorFile, write_tensors};

/// Reads one non-negative score for each prunable weight: F32 or F64 tensors under the weights' names and shapes.
///
/// Other tensors of the file are passed over, so a whole state dict of scores will do. F64 scores are divided by the
/// greatest of their tensor, so that f32 has room for them: walks compare scores within a tensor only.
///
/// # Returns
/// The scores in the order of [`Arch::prunable`], each in the shape of its tensor in files, as
/// [`Network::with_arrays`](crate::Network::with_arrays) takes them.
///
/// # Errors
/// [`GraphError::Io`], [`GraphError::Safetensors`], [`GraphError::Missing`], [`GraphError::Dtype`],
/// [`GraphError::TensorShape`], [`GraphError::NotFinite`], and [`GraphError::Negative`] for a negative score.
pub fn read_scores(path: &Path, arch: &Arch) -> Result<Vec<ArrayD<f32>>, GraphError> {
    let file = TensorFile::open(path)?;
    let origin = file.origin();
    let names = || arch.prunable().iter().map(|spec| spec.name.as_str());
    let missing: Vec<&str> = names().filter(|name| !file.contains(name)).collect();
    if !missing.is_empty() {
        let names = list(&missing);
        return Err(GraphError::Missing {
            origin,
            names,
            arch: arch.name().to_owned(),
            has: Box::default(),
        });
    }
    let stored = names().filter_map(|name| file.stored(name));
    let tensor = |(spec, stored): (&TensorSpec, Stored<'_>)| {
        let double = stored.f64s();
        stored.expect_shape(&spec.shape)?;
        // Arrays are as files have them.
        let values = match double {
            None => {
                let values = stored.f32s()?.into_owned();
                check(&origin, &spec.name, &values)?;
                values
            }
            Some(values) => {
                check(&origin, &spec.name, &values)?;
                let greatest = values.iter().copied().fold(0.0, f64::max);
                let scale = if greatest > 0.0 { greatest } else { 1.0 };
                values.into_iter().map(|v| (v / scale) as f32).collect()
            }
        };
        let array = ArrayD::from_shape_vec(stored.shape(), values);
        array.map_err(|e| file.wrong(format!("tensor `{}`: {e}", spec.name)))
    };
    arch.prunable().iter().zip(stored).map(tensor).collect()
}

/// Refuses what is not a finite number of at least 0.
fn check<T: Copy + Into<f64>>(origin: &str, name: &str, values: &[T]) -> Result<(), GraphError> {
    let good = |v: f64| v.is_finite() && v >= 0.0;
    let Some(index) = values.iter().position(|&v| !good(v.into())) else { return Ok(()) };
    let value = values[index].into() as f32;
    let (origin, name) = (origin.to_owned(), name.to_owned());
    Err(if value.is_finite() {
        GraphError::Negative { origin, name, index, value }
    } else {
        GraphError::NotFinite { origin, name, index, value }
    })
}

/// Writes one number for each prunable weight as F64 tensors under the weights' names and shapes.
///
/// `values(tensor)` is asked for one tensor at a time, in the names' lexicographic order, so no more than one is in
/// memory: a vector, in the order of weights in memory, or an array, as files have it. `note` becomes the metadata entry `phew`, as in masks.
/// [`read_scores`] reads the file.
///
/// # Errors
/// [`GraphError::Exists`] and [`GraphError::Io`]; nothing half-written remains.
///
/// # Panics
/// If a tensor's values are not as many as its weights.
///
/// # Examples
/// ```
/// use phew_graph::{
///     ByTensor, Init, Network, Overwrite, ndarray::ArrayD, read_scores, write_scores, zoo,
/// };
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("scores.safetensors");
/// let network = Network::initialise(zoo::mlp(&[4, 3, 2]).build()?, Init::default(), 0)?;
/// let arch = network.arch();
/// let squares: ByTensor<ArrayD<f64>> = (arch.prunable().iter())
///     .map(|spec| network.view(&spec.name).unwrap().mapv(|w| f64::from(w).powi(2)))
///     .collect();
/// write_scores(&path, arch, |tensor| squares[tensor].clone(), "{}".into(), Overwrite::Refuse)?;
/// assert_eq!(read_scores(&path, arch)?[0].shape(), [3, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_scores<V: Into<ScoreValues>>(
    path: &Path,
    arch: &Arch,
    values: impl Fn(TensorId) -> V,
    note: String,
    overwrite: Overwrite,
) -> Result<(), GraphError> {
    let specs = arch.prunable().with_ids();
    let tensors = specs
        .map(|(tensor, spec)| (spec.name.clone(), Lazy { tensor, spec, values: &values }))
        .collect();
    write_tensors(path, tensors, Some(note), overwrite)
}

/// One number for each weight of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum ScoreValues {
    /// In the order of the weights in memory, as [`Network::weights`](crate::Network::weights) has them.
    Held(Vec<f64>),
    /// In the shape that files and arrays have, as of [`Network::view`](crate::Network::view).
    Array(ArrayD<f64>),
}

impl From<Vec<f64>> for ScoreValues {
    fn from(values: Vec<f64>) -> Self {
        Self::Held(values)
    }
}

impl From<ArrayD<f64>> for ScoreValues {
    fn from(array: ArrayD<f64>) -> Self {
        Self::Array(array)
    }
}

impl ScoreValues {
    /// The numbers in the order of memory.
    fn held(self, spec: &TensorSpec) -> Vec<f64> {
        match self {
            Self::Held(values) => values,
            Self::Array(array) => {
                let filed: Vec<f64> = array.into_iter().collect();
                match filed.len() == spec.len() {
                    true => spec.shape.to_memory(&filed).into_owned(),
                    // The caller counts them.
                    false => filed,
                }
            }
        }
    }
}

/// The values of a tensor, computed when they are written.
struct Lazy<'a, F> {
    tensor: TensorId,
    spec: &'a TensorSpec,
    values: &'a F,
}

impl<V: Into<ScoreValues>, F: Fn(TensorId) -> V> Tensor for Lazy<'_, F> {
    fn dtype(&self) -> Dtype {
        Dtype::F64
    }
    fn shape(&self) -> Cow<'_, TensorShape> {
        Cow::Borrowed(&self.spec.shape)
    }
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let values: ScoreValues = (self.values)(self.tensor).into();
        let values = values.held(self.spec);
        assert_eq!(
            values.len(),
            self.spec.len(),
            "one value for each weight of `{}`",
            self.spec.name
        );
        values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
    }
}
