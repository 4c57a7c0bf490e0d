//! What makes two runs the same.

use serde::{Deserialize, Serialize};

use crate::train::{PrunerInfo, Pruning, Recipe};

/// `config.toml`: what makes two runs the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunConfig {
    /// Version of phew.
    pub phew: String,
    /// Name of the architecture.
    pub arch: String,
    /// Hash of the initial weights.
    pub weights: String,
    /// Hash of the mask; none for a dense run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<String>,
    /// How the mask was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// What the data set calls itself.
    pub data: String,
    /// Seed.
    pub seed: u64,
    /// When it is pruned in the course of training.
    #[serde(default, skip_serializing_if = "Pruning::is_never")]
    pub pruning: Pruning,
    /// What such a pruning keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruner: Option<PrunerInfo>,
    /// Hash of the file of an early step that it begins from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The recipe.
    pub recipe: Recipe,
}
