//! Named F32 tensors in safetensors files, whole or not at all.

use std::io::Write;
use std::path::Path;

use phew_graph::{GraphError, Overwrite, write_atomically};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::error::{Result, TrainError};

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
}

/// Writes tensors, and a note under the metadata key `phew`.
pub(crate) fn save_tensors(
    path: &Path,
    tensors: &[Named],
    note: Option<String>,
    overwrite: Overwrite,
) -> Result<()> {
    let wrong = |e: safetensors::SafeTensorError| TrainError::corrupt(path, e.to_string());
    let views = tensors
        .iter()
        .map(|tensor| {
            let bytes = bytemuck::cast_slice(&tensor.values);
            let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)?;
            Ok((tensor.name.as_str(), view))
        })
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(wrong)?;
    let note = note.map(|note| [("phew".to_owned(), note)].into());
    let bytes = safetensors::serialize(views, note).map_err(wrong)?;
    write_atomically(path, overwrite, |writer| {
        let io = |source| GraphError::Io { path: path.to_owned(), source };
        writer.write_all(&bytes).map_err(io)
    })?;
    Ok(())
}

/// Reads all tensors and the note, sorted by name.
pub(crate) fn load_tensors(path: &Path) -> Result<(Vec<Named>, Option<String>)> {
    let bytes = std::fs::read(path).map_err(TrainError::io(path))?;
    let wrong = |e: safetensors::SafeTensorError| TrainError::corrupt(path, e.to_string());
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(wrong)?;
    let note = header.metadata().as_ref().and_then(|notes| notes.get("phew").cloned());
    let file = SafeTensors::deserialize(&bytes).map_err(wrong)?;
    let mut tensors = Vec::new();
    for (name, view) in file.tensors() {
        if view.dtype() != Dtype::F32 {
            let problem = format!("`{name}` is {}, expected F32", view.dtype());
            return Err(TrainError::corrupt(path, problem));
        }
        let values = bytemuck::allocation::pod_collect_to_vec(view.data());
        tensors.push(Named::new(name, view.shape(), values));
    }
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((tensors, note))
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
        assert!(matches!(load_tensors(&path), Err(TrainError::Corrupt { .. })));
    }
}
