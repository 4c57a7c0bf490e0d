//! What computes gradients.

use serde::{Deserialize, Serialize};

/// What goes forward and back through the network in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// libtorch, which computes with the zeros of a mask, on any device.
    #[default]
    Libtorch,
    /// [`phew_graph::execute::Training`], which computes with the kept weights alone, on the processor.
    Sparse,
}

phew_graph::choice! {
    Backend, "backend":
    Libtorch => "libtorch", "Of all weights, on any device",
    Sparse => "sparse", "Of the kept weights alone, on the processor in single precision",
}

impl Backend {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
