//! Safetensors files: read into memory or through a map, written tensor by tensor.
//!
//! Weights, masks, scores and the checkpoints of a training all come and go here. A file holds named tensors and, where
//! phew wrote it, one note: a JSON text under the metadata key `phew`.
//!
//! This room knows shapes, number types and bytes. What a tensor is for is its caller's to know.

mod bytes;
mod entry;
mod packed;
mod positions;
mod reader;
mod shards;
mod writer;

pub(crate) use bytes::Bytes;
pub use bytes::map_files_above;
pub(crate) use entry::{Data, Entry, Window};
pub(crate) use packed::{Header, Parts};
pub(crate) use positions::Positions;
pub(crate) use reader::Stored;
pub use reader::TensorFile;
pub use writer::write_arrays;
pub(crate) use writer::{Tensor, write_packed, write_tensors};

/// The key of the metadata under which the note stands.
const NOTE: &str = "phew";
