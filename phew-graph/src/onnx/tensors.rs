//! The weights: which bytes of which file are which tensor.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use safetensors::tensor::Dtype;

use super::model::{Entry as Pair, Tensor};
use crate::arch::MAX_SCALARS;
use crate::error::GraphError;
use crate::safetensors::{Bytes, Data, Entry, Window};

/// How a tensor is to be read, so that it is what PyTorch has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Change {
    /// As it is.
    #[default]
    None,
    /// A matrix with its axes swapped: `[in, out]` as `[out, in]`.
    Transposed,
    /// The first of several equal parts along the first axis: what was repeated over a batch.
    First,
}

impl Change {
    pub(super) fn shape(self, shape: &[usize]) -> Vec<usize> {
        match self {
            Self::None => shape.to_vec(),
            Self::Transposed => shape.iter().rev().copied().collect(),
            Self::First => std::iter::once(1).chain(shape[1..].iter().copied()).collect(),
        }
    }
}

/// Reads tensors, in the file itself and in those beside it that it names.
#[derive(Debug)]
pub(super) struct Tensors<'a> {
    pub(super) path: &'a Path,
    pub(super) map: &'a Arc<Bytes>,
    read: fn(&Path) -> Result<Bytes, GraphError>,
    /// Files beside it that were opened, by name.
    pub(super) others: BTreeMap<String, Arc<Bytes>>,
}

impl<'a> Tensors<'a> {
    pub(super) fn new(
        path: &'a Path,
        map: &'a Arc<Bytes>,
        read: fn(&Path) -> Result<Bytes, GraphError>,
    ) -> Self {
        Self { path, map, read, others: BTreeMap::new() }
    }

    fn wrong(&self, tensor: &Tensor, reason: &str) -> GraphError {
        let reason = format!("its tensor `{}` {reason}", tensor.name);
        GraphError::Archive { path: self.path.to_path_buf(), reason }
    }

    /// A tensor of the file, changed.
    pub(super) fn entry(&mut self, tensor: &Tensor, change: Change) -> Result<Entry, GraphError> {
        let plain = self.plain(tensor)?;
        let size = plain.dtype.bitsize() / 8;
        let shape = change.shape(&plain.shape);
        let data = match change {
            Change::None => plain.data,
            Change::Transposed => Data::Owned(
                transposed(plain.data.as_slice(), plain.shape[0], plain.shape[1], size).into(),
            ),
            Change::First => {
                let len = shape.iter().product::<usize>() * size;
                Data::Owned(plain.data.as_slice()[..len].to_vec().into())
            }
        };
        Ok(Entry { dtype: plain.dtype, shape, data, kept: None })
    }

    fn plain(&mut self, tensor: &Tensor) -> Result<Entry, GraphError> {
        let shape = shape(tensor).ok_or_else(|| self.wrong(tensor, "has no sensible shape"))?;
        let (dtype, typed) =
            numbers(tensor).ok_or_else(|| self.wrong(tensor, "is of an unknown number type"))?;
        let len = shape.iter().try_fold(dtype.bitsize() / 8, |len, &n| len.checked_mul(n));
        let data = if tensor.location == 1 {
            self.external(tensor)?.into()
        } else if !tensor.raw.is_empty() {
            // Decoding gave a part of the map.
            let start = tensor.raw.as_ptr().addr().checked_sub(self.map.as_ptr().addr());
            match start.filter(|start| start + tensor.raw.len() <= self.map.len()) {
                Some(start) => {
                    Window::new(self.map.clone(), start..start + tensor.raw.len()).into()
                }
                None => Data::Owned(tensor.raw.to_vec().into()),
            }
        } else {
            Data::Owned(typed.into())
        };
        if len != Some(data.as_slice().len()) {
            let found = data.as_slice().len();
            let reason = format!("has {found} bytes, which its shape {shape:?} does not");
            return Err(self.wrong(tensor, &reason));
        }
        Ok(Entry { dtype, shape, data, kept: None })
    }

    /// The part of another file in which a tensor's numbers lie.
    fn external(&mut self, tensor: &Tensor) -> Result<Window, GraphError> {
        let find = |key: &str| {
            let pair = tensor.external.iter().find(|pair: &&Pair| pair.key == key);
            pair.map(|pair| pair.value.as_str())
        };
        let name = find("location").unwrap_or_default();
        // Files are named, not paths: one that leads elsewhere is none of phew's.
        if Path::new(name).file_name().is_none_or(|file| file != name) {
            let reason = format!("is to lie in `{name}`, expected a file beside the model");
            return Err(self.wrong(tensor, &reason));
        }
        let number = |key: &str| find(key).map(str::parse::<usize>).transpose();
        let (Ok(offset), Ok(length)) = (number("offset"), number("length")) else {
            return Err(self.wrong(tensor, "lies at no sensible place of its file"));
        };
        let bytes = match self.others.get(name) {
            Some(bytes) => bytes.clone(),
            None => {
                let path: PathBuf = self.path.with_file_name(name);
                let bytes = Arc::new((self.read)(&path)?);
                self.others.insert(name.to_owned(), bytes.clone());
                bytes
            }
        };
        let start = offset.unwrap_or(0);
        let end = match length {
            Some(length) => start.checked_add(length),
            None => Some(bytes.len()),
        };
        match end.filter(|&end| start <= end && end <= bytes.len()) {
            Some(end) => Ok(Window::new(bytes, start..end)),
            None => Err(self.wrong(tensor, &format!("lies outside `{name}`: is that file whole?"))),
        }
    }
}

/// The shape of a tensor, if it is one that a network may have: products of its sizes do not wrap.
pub(super) fn shape(tensor: &Tensor) -> Option<Vec<usize>> {
    let shape = tensor.dims.iter().map(|&size| usize::try_from(size).ok());
    shape.collect::<Option<_>>().filter(|shape: &Vec<usize>| is_bounded(shape))
}

/// Whether a value of this shape has no more scalars than a network may have, whichever of its axes are looked at.
pub(super) fn is_bounded(shape: &[usize]) -> bool {
    let scalars = shape.iter().try_fold(1_u64, |n, &size| n.checked_mul(size.max(1) as u64));
    scalars.is_some_and(|scalars| scalars <= MAX_SCALARS)
}

/// The number type of a tensor, and its numbers where they do not lie as bytes.
fn numbers(tensor: &Tensor) -> Option<(Dtype, Vec<u8>)> {
    let ints = |bytes: fn(i32) -> Vec<u8>| tensor.ints.iter().flat_map(|&n| bytes(n)).collect();
    Some(match tensor.data_type {
        1 => (Dtype::F32, tensor.floats.iter().flat_map(|n| n.to_le_bytes()).collect()),
        2 => (Dtype::U8, ints(|n| vec![n as u8])),
        3 => (Dtype::I8, ints(|n| vec![n as u8])),
        5 => (Dtype::I16, ints(|n| (n as i16).to_le_bytes().to_vec())),
        6 => (Dtype::I32, ints(|n| n.to_le_bytes().to_vec())),
        7 => (Dtype::I64, tensor.longs.iter().flat_map(|n| n.to_le_bytes()).collect()),
        9 => (Dtype::BOOL, ints(|n| vec![n as u8])),
        // Bit by bit in the lower half of an integer.
        10 => (Dtype::F16, ints(|n| (n as u16).to_le_bytes().to_vec())),
        11 => (Dtype::F64, tensor.doubles.iter().flat_map(|n| n.to_le_bytes()).collect()),
        16 => (Dtype::BF16, ints(|n| (n as u16).to_le_bytes().to_vec())),
        _ => return None,
    })
}

/// A matrix with its axes swapped.
fn transposed(bytes: &[u8], rows: usize, columns: usize, size: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for column in 0..columns {
        for row in 0..rows {
            let at = (row * columns + column) * size;
            out.extend_from_slice(&bytes[at..at + size]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_is_transposed_number_by_number() {
        assert_eq!(transposed(&[0, 1, 2, 3, 4, 5], 2, 3, 1), [0, 3, 1, 4, 2, 5]);
        assert_eq!(transposed(&[0, 1, 2, 3, 4, 5, 6, 7], 2, 2, 2), [0, 1, 4, 5, 2, 3, 6, 7]);
        assert_eq!(Change::First.shape(&[3, 1, 8]), [1, 1, 8]);
    }
}
