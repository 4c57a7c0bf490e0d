//! Mask files: safetensors of BOOL with the weights' names and shapes, and one JSON note in the metadata.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

use safetensors::tensor::Dtype;

use super::{LayerMask, Mask};
use crate::arch::TensorShape;
use crate::atomic::Overwrite;
use crate::error::GraphError;
use crate::provenance::Provenance;
use crate::safetensors::{Tensor, TensorFile, write_tensors};

impl Mask {
    /// Writes the mask and, in its metadata under `phew`, where it comes from; PyTorch reads it with `safetensors.torch.load_file`.
    ///
    /// # Errors
    /// [`GraphError::Exists`] and [`GraphError::Io`]; nothing half-written remains.
    pub fn save(
        &self,
        path: &Path,
        from: &Provenance,
        overwrite: Overwrite,
    ) -> Result<(), GraphError> {
        let tensors = self.layers.iter().map(|l| (l.name().to_owned(), Bytes(l))).collect();
        write_tensors(path, tensors, Some(from.to_json()), overwrite)
    }

    /// Reads a mask and, where phew wrote it, how it was made. Packed weights ([`crate::Network::save_packed`]) are read as
    /// the mask that they were packed with.
    ///
    /// The tensors and their bits come in the file's order: [`Mask::in_order_of`] puts both into an architecture's.
    ///
    /// # Errors
    /// [`GraphError::Io`], [`GraphError::Safetensors`], [`GraphError::Dtype`] if a tensor holds neither BOOL nor numbers,
    /// [`GraphError::NotBinary`] if a value is neither 0 nor 1. A mask that a later version of phew described is
    /// [`GraphError::Safetensors`].
    pub fn load(path: &Path) -> Result<(Self, Option<Provenance>), GraphError> {
        let file = TensorFile::open(path)?;
        let names = file.names();
        if names.is_empty() {
            return Err(file.wrong("it holds no tensor".to_owned()));
        }
        let mut layers = Vec::with_capacity(names.len());
        let packed = file.is_packed();
        let tensors = names.iter().filter_map(|name| file.stored(name));
        for stored in tensors.filter(|stored| !packed || stored.is_packed()) {
            let kept = stored.bools()?;
            layers.push(LayerMask::from_fn(stored.name(), stored.shape(), |i| kept[i] == 1));
        }
        let from = |note| {
            Provenance::from_json(note).map_err(|e| file.wrong(format!("metadata `phew`: {e}")))
        };
        Ok((Self::from_layers(layers), file.note().map(from).transpose()?))
    }
}

/// One byte for each bit, as the format wants it.
struct Bytes<'a>(&'a LayerMask);

impl Tensor for Bytes<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::BOOL
    }
    fn shape(&self) -> Cow<'_, TensorShape> {
        Cow::Borrowed(self.0.shape())
    }
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut rest = self.0.len();
        self.0.words().iter().try_for_each(|word| {
            let bytes: [u8; 64] = std::array::from_fn(|bit| (word >> bit & 1) as u8);
            let count = rest.min(64);
            rest -= count;
            out.write_all(&bytes[..count])
        })
    }
}
