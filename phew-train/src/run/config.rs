//! What makes two runs the same.

use serde::{Deserialize, Serialize};

use crate::train::{Backend, PrunerInfo, Pruning, Recipe};

/// Hexadecimal digits of a run's identity.
const ID: usize = 16;

/// `config.toml`: what makes two runs the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunConfig {
    /// Version of phew.
    pub phew: String,
    /// Name of the architecture.
    pub arch: String,
    /// Hash of its description, operator by operator.
    pub network: String,
    /// Hash of the initial weights.
    pub weights: String,
    /// Hash of the other initial values: biases, scales and statistics of normalisations.
    pub auxiliary: String,
    /// Hash of the mask; none for a dense run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<String>,
    /// How the mask was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// What the data set calls itself.
    pub data: String,
    /// Hash of its images and labels.
    pub images: String,
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
    /// What computes the gradients.
    #[serde(default, skip_serializing_if = "Backend::is_default")]
    pub backend: Backend,
    /// The recipe.
    pub recipe: Recipe,
}

impl RunConfig {
    /// What `config.toml` says.
    pub(super) fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_else(|e| unreachable!("plain data: {e}"))
    }

    /// The run's identity: the hash of its whole configuration, which every file of the run that is trusted bears.
    ///
    /// # Examples
    /// ```no_run
    /// # fn id(run: phew_train::Run<'_>) {
    /// println!("{}", run.config().id());
    /// # }
    /// ```
    #[must_use]
    pub fn id(&self) -> String {
        phew_graph::content_hash(self.to_toml().as_bytes())[..ID].to_owned()
    }
}
