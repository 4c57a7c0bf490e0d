//! Writing: a header, then one tensor after the other, so that no second copy of a network is ever in memory.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use ndarray::{CowArray, IxDyn};
use safetensors::tensor::Dtype;

use super::NOTE;
use super::packed::Header;
use crate::arch::TensorShape;
use crate::atomic::{Overwrite, write_atomically};
use crate::error::GraphError;

/// A tensor that can be written.
pub(crate) trait Tensor {
    /// The type of its numbers.
    fn dtype(&self) -> Dtype;
    /// Its shape: whatever its order in memory, the file has the other.
    fn shape(&self) -> Cow<'_, TensorShape>;
    /// Writes its numbers, little-endian and in the order of memory: as many as its shape says.
    fn write(&self, out: &mut dyn Write) -> io::Result<()>;
}

/// An array is as files have it.
impl Tensor for CowArray<'_, f32, IxDyn> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }
    fn shape(&self) -> Cow<'_, TensorShape> {
        Cow::Owned((**self).shape().into())
    }
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        match self.as_slice() {
            Some(values) => out.write_all(bytemuck::cast_slice(values)),
            None => self.iter().try_for_each(|value| out.write_all(&value.to_le_bytes())),
        }
    }
}

/// Writes named arrays as F32 tensors, and a note under the metadata key `phew`; [`TensorFile`](super::TensorFile)
/// reads them back.
///
/// The names are in lexicographic order, so the same arrays give the same bytes.
///
/// # Errors
/// [`GraphError::Exists`] and [`GraphError::Io`]; nothing half-written remains.
pub fn write_arrays<'a, N: Into<String>, A: Into<CowArray<'a, f32, IxDyn>>>(
    path: &Path,
    arrays: impl IntoIterator<Item = (N, A)>,
    note: Option<String>,
    overwrite: Overwrite,
) -> Result<(), GraphError> {
    let tensors: BTreeMap<String, CowArray<'a, f32, IxDyn>> =
        arrays.into_iter().map(|(name, array)| (name.into(), array.into())).collect();
    write_tensors(path, tensors, note, overwrite)
}

/// An entry of the header. Fields are written in the order in which they stand here.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Entry<'a> {
    Metadata(BTreeMap<&'a str, String>),
    Tensor { dtype: Dtype, shape: Vec<usize>, data_offsets: [usize; 2] },
}

/// Writes a safetensors file tensor by tensor.
///
/// The names are in lexicographic order and the header is padded to eight bytes: the same tensors give the
/// same bytes.
pub(crate) fn write_tensors<T: Tensor>(
    path: &Path,
    tensors: BTreeMap<String, T>,
    note: Option<String>,
    overwrite: Overwrite,
) -> Result<(), GraphError> {
    write(path, &tensors, note.map(|note| (NOTE, note)).into_iter().collect(), overwrite)
}

/// Writes the parts of packed tensors, and tensors that are not packed, as [`write_tensors`] does.
pub(crate) fn write_packed<T: Tensor>(
    path: &Path,
    tensors: &BTreeMap<String, T>,
    packed: &Header,
    note: Option<String>,
    overwrite: Overwrite,
) -> Result<(), GraphError> {
    let note = note.map(|note| (NOTE, note));
    write(path, tensors, note.into_iter().chain([packed.metadata()]).collect(), overwrite)
}

fn write<T: Tensor>(
    path: &Path,
    tensors: &BTreeMap<String, T>,
    metadata: BTreeMap<&str, String>,
    overwrite: Overwrite,
) -> Result<(), GraphError> {
    let header = header(tensors, metadata);
    write_atomically(path, overwrite, |out| {
        let io = |e| GraphError::io(path, e);
        out.write_all(&(header.len() as u64).to_le_bytes()).map_err(io)?;
        out.write_all(&header).map_err(io)?;
        tensors.values().try_for_each(|tensor| write_one(tensor, out)).map_err(io)
    })
}

/// Writes the numbers of a tensor in the order of files.
fn write_one(tensor: &impl Tensor, out: &mut dyn Write) -> io::Result<()> {
    let shape = tensor.shape();
    if shape.is_plain() {
        return tensor.write(out);
    }
    let mut held = Vec::new();
    tensor.write(&mut held)?;
    match tensor.dtype().bitsize() / 8 {
        1 => write_exchanged::<1>(&shape, &held, out),
        2 => write_exchanged::<2>(&shape, &held, out),
        4 => write_exchanged::<4>(&shape, &held, out),
        8 => write_exchanged::<8>(&shape, &held, out),
        size => unreachable!("numbers of {size} bytes"),
    }
}

/// Writes numbers of so many bytes, which come in the order of memory.
fn write_exchanged<const SIZE: usize>(
    shape: &TensorShape,
    held: &[u8],
    out: &mut dyn Write,
) -> io::Result<()> {
    let (numbers, _) = held.as_chunks::<SIZE>();
    out.write_all(shape.to_files(numbers).as_flattened())
}

/// The header: what lies where.
fn header<T: Tensor>(tensors: &BTreeMap<String, T>, metadata: BTreeMap<&str, String>) -> Vec<u8> {
    let mut entries: BTreeMap<&str, Entry<'_>> = BTreeMap::new();
    if !metadata.is_empty() {
        entries.insert("__metadata__", Entry::Metadata(metadata));
    }
    let mut offset = 0;
    for (name, tensor) in tensors {
        let (dtype, shape) = (tensor.dtype(), tensor.shape().in_files());
        let end = offset + shape.iter().product::<usize>() * dtype.bitsize() / 8;
        entries.insert(name, Entry::Tensor { dtype, shape, data_offsets: [offset, end] });
        offset = end;
    }
    let mut header = serde_json::to_vec(&entries)
        .unwrap_or_else(|e| unreachable!("string keys and plain fields serialise: {e}"));
    header.resize(header.len().next_multiple_of(8), b' ');
    header
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use ndarray::{ArrayD, IxDyn};
    use safetensors::tensor::{TensorView, serialize};

    use super::*;
    use crate::safetensors::TensorFile;

    fn arrays() -> BTreeMap<String, ArrayD<f32>> {
        let array = |shape: &[usize], from: f32| {
            let len: usize = shape.iter().product();
            let values = (0..len).map(|i| from * (1.0 + i as f32)).collect();
            ArrayD::from_shape_vec(IxDyn(shape), values).unwrap()
        };
        BTreeMap::from([
            ("model.fc.weight".into(), array(&[3, 2], 0.5)),
            ("model.conv.weight".into(), array(&[2, 1, 3, 3], -4.0)),
            ("early".into(), array(&[], -0.0)),
            ("none".into(), array(&[0, 2], 0.0)),
        ])
    }

    #[test]
    fn the_bytes_are_those_of_the_safetensors_crate() {
        let folder = tempfile::tempdir().unwrap();
        let arrays = arrays();
        for note in [None, Some(r#"{"a":"ü \" 1"}"#.to_owned())] {
            let path = folder.path().join("x");
            let views = arrays.iter().map(|(name, array)| (name.as_str(), array.view()));
            write_arrays(&path, views, note.clone(), Overwrite::Replace).unwrap();
            let views = arrays.iter().map(|(name, array)| {
                let bytes = bytemuck::cast_slice(array.as_slice().unwrap());
                (name, TensorView::new(Dtype::F32, array.shape().to_vec(), bytes).unwrap())
            });
            let metadata = note.map(|note| HashMap::from([("phew".to_owned(), note)]));
            assert_eq!(std::fs::read(&path).unwrap(), serialize(views, metadata).unwrap());
        }
    }

    #[test]
    fn arrays_and_the_note_come_back_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let arrays = arrays();
        let views = || arrays.iter().map(|(name, array)| (name.as_str(), array.view()));
        write_arrays(&path, views(), Some("{}".to_owned()), Overwrite::Refuse).unwrap();
        let file = TensorFile::open(&path).unwrap();
        assert_eq!(file.note(), Some("{}"));
        assert_eq!(file.arrays().unwrap(), arrays);
        assert!(file.arrays().unwrap()["early"][[]].is_sign_negative());
        assert!(matches!(file.array("late"), Err(GraphError::Absent { .. })));
        let twice = write_arrays(&path, views(), None, Overwrite::Refuse);
        assert!(matches!(twice, Err(GraphError::Exists { .. })));
    }

    #[test]
    fn an_array_in_any_memory_order_is_written_row_by_row() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let turned = ndarray::array![[1.0_f32, 2.0], [3.0, 4.0], [5.0, 6.0]].reversed_axes();
        write_arrays(&path, [("w", turned.view().into_dyn())], None, Overwrite::Refuse).unwrap();
        let back = TensorFile::open(&path).unwrap().array("w").unwrap();
        assert_eq!(back, turned.into_dyn());
        assert_eq!(back.as_slice().unwrap(), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
    }
}
