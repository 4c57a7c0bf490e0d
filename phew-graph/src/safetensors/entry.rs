//! A tensor of a file: its number type, its shape, and where its bytes are.

use std::ops::Range;
use std::sync::Arc;

use safetensors::tensor::Dtype;

use super::bytes::Bytes;
use crate::error::GraphError;

/// A tensor of a file: as many bytes, row-major and little-endian, as its type and shape say.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Data,
    /// What is kept, a byte for each scalar, if the tensor was packed.
    pub(crate) kept: Option<Arc<Vec<u8>>>,
}

/// The bytes of a tensor.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    /// As they lie in a file.
    Window(Window),
    /// Put together from a file in which they do not lie one after the other.
    Owned(Arc<Vec<u8>>),
}

impl Data {
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Window(window) => window.bytes(),
            Self::Owned(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Data {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl From<Window> for Data {
    fn from(window: Window) -> Self {
        Self::Window(window)
    }
}

/// A part of a file.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    file: Arc<Bytes>,
    range: Range<usize>,
}

impl Window {
    /// Bytes of a file, which must hold them.
    pub(crate) fn new(file: Arc<Bytes>, range: Range<usize>) -> Self {
        debug_assert!(range.start <= range.end && range.end <= file.len());
        Self { file, range }
    }

    /// Refuses a mapped file that has changed.
    pub(crate) fn check_unchanged(&self) -> Result<(), GraphError> {
        self.file.check_unchanged()
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.file[self.range.clone()]
    }

    /// Its numbers, of a window that begins where an f32 may begin.
    pub(crate) fn values(&self) -> &[f32] {
        bytemuck::cast_slice(self.bytes())
    }
}
