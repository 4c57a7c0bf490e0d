//! Archives of `torch.export.save` (`.pt2`): a zip of uncompressed entries, with the exported program as JSON and the
//! weights as raw bytes.
//!
//! `models/NAME.json` is the program ([`Program`]), `data/weights/NAME_weights_config.json` says where each tensor of the
//! state dict lies among the files `data/weights/weight_0`, `weight_1`, …. This room knows the layout of the archive and
//! of the program; what its operators mean is `import`'s to know.
//!
//! # References
//! PyTorch's "PT2 Archive Spec", and the schema of exported programs, major version 8.

mod archive;
mod payload;
mod program;

pub(crate) use archive::Archive;
pub(crate) use payload::{shared, weights};
pub(crate) use program::{Argument, Node, Program, TensorMeta};
