//! How normalisation behaves while a network is scored.

use serde::{Deserialize, Serialize};

/// How normalisation behaves while a network is scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OracleMode {
    /// By the statistics of the batch, as in the authors' programs; the running ones stay as they are.
    #[default]
    Train,
    /// By the running statistics.
    Eval,
}

phew_graph::choice! {
    OracleMode, "mode":
    Train => "train", "By the statistics of the batch, as in the authors' programs",
    Eval => "eval", "By the running statistics",
}
