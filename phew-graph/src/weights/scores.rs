//! One number for each prunable weight, in safetensors files under the weights' names and shapes.

use std::borrow::Cow;
use std::path::Path;

use safetensors::tensor::{Dtype, View};

use super::file::{check_header, map, parse, write_safetensors};
use crate::arch::{Arch, TensorSpec};
use crate::atomic::Overwrite;
use crate::error::{GraphError, list};

/// Reads one non-negative score for each prunable weight: F32 or F64 tensors under the weights' names and shapes.
///
/// Other tensors of the file are passed over, so a whole state dict of scores will do. F64 scores are divided by the
/// greatest of their tensor, so that f32 has room for them: walks compare scores within a tensor only.
///
/// # Returns
/// The scores in the order of [`Arch::prunable`].
///
/// # Errors
/// [`GraphError::Io`], [`GraphError::Safetensors`], [`GraphError::Missing`], [`GraphError::Dtype`],
/// [`GraphError::TensorShape`], [`GraphError::NotFinite`], and [`GraphError::Negative`] for a negative score.
pub fn read_scores(path: &Path, arch: &Arch) -> Result<Vec<Vec<f32>>, GraphError> {
    let map = map(path)?;
    let file = parse(path, &map)?;
    let origin = path.display().to_string();
    let missing: Vec<&str> = arch
        .prunable()
        .iter()
        .map(|s| s.name.as_str())
        .filter(|name| file.tensor(name).is_err())
        .collect();
    if !missing.is_empty() {
        let names = list(&missing);
        return Err(GraphError::Missing { origin, names, arch: arch.name().to_owned() });
    }
    let tensor = |spec: &TensorSpec| {
        let view = file.tensor(&spec.name).map_err(|e| GraphError::Safetensors {
            path: path.to_path_buf(),
            reason: e.to_string(),
        })?;
        let double = view.dtype() == Dtype::F64;
        let dtype = if double { Dtype::F64 } else { Dtype::F32 };
        check_header(&origin, &spec.name, &view, &spec.shape, dtype, "F32 or F64")?;
        if !double {
            let values: Vec<f32> = bytemuck::allocation::pod_collect_to_vec(view.data());
            check(&origin, &spec.name, &values)?;
            return Ok(values);
        }
        let values: Vec<f64> = bytemuck::allocation::pod_collect_to_vec(view.data());
        check(&origin, &spec.name, &values)?;
        let greatest = values.iter().copied().fold(0.0, f64::max);
        let scale = if greatest > 0.0 { greatest } else { 1.0 };
        Ok(values.into_iter().map(|v| (v / scale) as f32).collect())
    };
    arch.prunable().iter().map(tensor).collect()
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
/// memory. `note` becomes the metadata entry `phew`, as in masks. [`read_scores`] reads the file.
///
/// # Errors
/// [`GraphError::Exists`] and [`GraphError::Io`]; nothing half-written remains.
///
/// # Panics
/// If a tensor's values are not as many as its weights.
pub fn write_scores(
    path: &Path,
    arch: &Arch,
    values: impl Fn(usize) -> Vec<f64>,
    note: String,
    overwrite: Overwrite,
) -> Result<(), GraphError> {
    let specs = arch.prunable().iter().enumerate();
    let tensors = specs
        .map(|(tensor, spec)| (spec.name.clone(), Lazy { tensor, spec, values: &values }))
        .collect();
    write_safetensors(path, tensors, Some(note), overwrite)
}

/// The values of a tensor, computed when they are written.
struct Lazy<'a, F> {
    tensor: usize,
    spec: &'a TensorSpec,
    values: &'a F,
}

impl<F: Fn(usize) -> Vec<f64>> View for Lazy<'_, F> {
    fn dtype(&self) -> Dtype {
        Dtype::F64
    }
    fn shape(&self) -> &[usize] {
        &self.spec.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        let values = (self.values)(self.tensor);
        assert_eq!(
            values.len(),
            self.spec.len(),
            "one value for each weight of `{}`",
            self.spec.name
        );
        let mut bytes = Vec::with_capacity(values.len() * 8);
        values.iter().for_each(|v| bytes.extend_from_slice(&v.to_le_bytes()));
        bytes.into()
    }
    fn data_len(&self) -> usize {
        self.spec.len() * 8
    }
}
