//! Named F32 tensors in safetensors files, whole or not at all.

use std::path::Path;

use phew_graph::ndarray::{ArrayD, ArrayViewD};
use phew_graph::{Overwrite, TensorFile, write_arrays};

use crate::error::Result;

/// A tensor with its name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Named {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl Named {
    pub(crate) fn new(name: impl Into<String>, shape: &[usize], values: Vec<f32>) -> Self {
        Self { name: name.into(), shape: shape.to_vec(), values }
    }

    fn view(&self) -> ArrayViewD<'_, f32> {
        ArrayViewD::from_shape(self.shape.as_slice(), &self.values)
            .unwrap_or_else(|e| unreachable!("as many values as the shape says: {e}"))
    }
}

/// Writes tensors, and a note under the metadata key `phew`.
pub(crate) fn save_tensors(
    path: &Path,
    tensors: &[Named],
    note: Option<String>,
    overwrite: Overwrite,
) -> Result<()> {
    let views = tensors.iter().map(|tensor| (tensor.name.as_str(), tensor.view()));
    Ok(write_arrays(path, views, note, overwrite)?)
}

/// Reads all tensors and the note, sorted by name.
pub(crate) fn load_tensors(path: &Path) -> Result<(Vec<Named>, Option<String>)> {
    let file = TensorFile::open(path)?;
    let named = |(name, array): (String, ArrayD<f32>)| {
        Named::new(name, array.shape(), array.iter().copied().collect())
    };
    let tensors = file.arrays()?.into_iter().map(named).collect();
    Ok((tensors, file.note().map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_and_the_note_come_back_as_they_were() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.safetensors");
        let tensors =
            [Named::new("a", &[2, 1], vec![1.5, -0.0]), Named::new("b", &[], vec![f32::MIN])];
        save_tensors(&path, &tensors, Some("{}".to_owned()), Overwrite::Refuse).unwrap();
        let (found, note) = load_tensors(&path).unwrap();
        assert_eq!((found.as_slice(), note.as_deref()), (&tensors[..], Some("{}")));
        std::fs::write(&path, "not that").unwrap();
        let error = load_tensors(&path).unwrap_err().to_string();
        assert!(error.contains("x.safetensors"), "{error}");
    }
}
