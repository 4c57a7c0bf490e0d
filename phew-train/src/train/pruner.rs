//! What a pruning in the course of training keeps.

mod keep;
mod magnitude;
mod scored;

use std::collections::BTreeMap;

use phew_graph::{Mask, Network};
use serde::{Deserialize, Serialize};

use crate::error::Result;

pub use magnitude::MagnitudePruner;
pub use scored::{ScoredPruner, ScoredPrunerBuilder};

/// What a pruner says of itself, for the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrunerInfo {
    /// Name of the method.
    pub method: String,
    /// Seed of its random choices.
    pub seed: u64,
    /// All else that decides what it keeps.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
}

/// Chooses what to keep of a network that is being trained.
pub trait Pruner {
    /// What it is.
    fn info(&self) -> PrunerInfo;

    /// What to keep at a density, among what the mask keeps, of a network with its values as they are now (0 where it
    /// is pruned). The same question gets the same answer. What the mask prunes stays pruned: [`PrunedTraining`] refuses
    /// an answer that keeps any of it.
    ///
    /// [`PrunedTraining`]: crate::PrunedTraining
    ///
    /// # Errors
    /// What it runs into.
    fn prune(&self, network: &Network, mask: &Mask, density: f64) -> Result<Mask>;
}
