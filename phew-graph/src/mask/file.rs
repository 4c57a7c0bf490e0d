//! Mask files: safetensors of BOOL with the weights' names and shapes, and one JSON note in the metadata.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, View};
use serde::{Deserialize, Serialize};

use super::{LayerMask, Mask};
use crate::atomic::Overwrite;
use crate::error::GraphError;
use crate::weights::{map, parse, write_safetensors};

/// How a mask was made: stored as canonical JSON under the metadata key `phew`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaskInfo {
    /// Name of the architecture.
    pub arch: String,
    /// Density that was asked for.
    pub density: f64,
    /// Name of the method.
    pub method: String,
    /// The method's other parameters.
    #[serde(default)]
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Seed of the method's random choices.
    pub seed: u64,
    /// Version of phew.
    pub version: String,
    /// [`crate::Network::fingerprint`] of the weights.
    pub weights: String,
}

impl Mask {
    /// Writes the mask; PyTorch reads it with `safetensors.torch.load_file`.
    ///
    /// # Errors
    /// [`GraphError::Exists`] and [`GraphError::Io`]; nothing half-written remains.
    pub fn save(
        &self,
        path: &Path,
        info: &MaskInfo,
        overwrite: Overwrite,
    ) -> Result<(), GraphError> {
        // The fields stand in alphabetical order and maps are sorted: the note is canonical.
        let note = serde_json::to_string(info)
            .unwrap_or_else(|e| unreachable!("string keys and finite numbers serialise: {e}"));
        let tensors = self.layers.iter().map(|l| (l.name().to_owned(), Bytes(l))).collect();
        write_safetensors(path, tensors, Some(note), overwrite)
    }

    /// Reads a mask and, where phew wrote it, how it was made.
    ///
    /// The tensors come in the file's order: [`Mask::in_order_of`] puts them into an architecture's.
    ///
    /// # Errors
    /// [`GraphError::Io`], [`GraphError::Safetensors`], [`GraphError::Dtype`] if a tensor is not BOOL,
    /// [`GraphError::NotBinary`] if a byte is neither 0 nor 1.
    pub fn load(path: &Path) -> Result<(Self, Option<MaskInfo>), GraphError> {
        let map = map(path)?;
        let file = parse(path, &map)?;
        let origin = path.display().to_string();
        let mut names = file.names();
        names.sort_unstable();
        let mut layers = Vec::with_capacity(names.len());
        for name in names {
            let Ok(view) = file.tensor(name) else { continue };
            if view.dtype() != Dtype::BOOL {
                let (name, found) = (name.to_owned(), view.dtype().to_string());
                return Err(GraphError::Dtype { origin, name, found, expected: "BOOL" });
            }
            let bytes = view.data();
            if let Some(index) = bytes.iter().position(|&b| b > 1) {
                let (name, value) = (name.to_owned(), f32::from(bytes[index]));
                return Err(GraphError::NotBinary { origin, name, index, value });
            }
            layers.push(LayerMask::from_fn(name, view.shape(), |i| bytes[i] == 1));
        }
        if layers.is_empty() {
            let reason = "it holds no tensor".to_owned();
            return Err(GraphError::Safetensors { path: path.to_path_buf(), reason });
        }
        Ok((Self { layers }, info(path, &map)?))
    }
}

fn info(path: &Path, bytes: &[u8]) -> Result<Option<MaskInfo>, GraphError> {
    let wrong = |reason: String| GraphError::Safetensors { path: path.to_path_buf(), reason };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| wrong(e.to_string()))?;
    let note = header.metadata().as_ref().and_then(|m| m.get("phew"));
    note.map(|n| serde_json::from_str(n).map_err(|e| wrong(format!("metadata `phew`: {e}"))))
        .transpose()
}

/// One byte for each bit, as the format wants it.
struct Bytes<'a>(&'a LayerMask);

impl View for Bytes<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::BOOL
    }
    fn shape(&self) -> &[usize] {
        self.0.shape()
    }
    fn data(&self) -> Cow<'_, [u8]> {
        let mut bytes = Vec::with_capacity(self.0.len());
        for &word in self.0.words() {
            let count = (self.0.len() - bytes.len()).min(64);
            bytes.extend((0..count).map(|b| (word >> b & 1) as u8));
        }
        bytes.into()
    }
    fn data_len(&self) -> usize {
        self.0.len()
    }
}
