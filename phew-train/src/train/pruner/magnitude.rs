//! The pruner by magnitude.

use std::collections::BTreeMap;

use phew_baselines::{Magnitude, Plan};
use phew_graph::{Mask, Network};

use super::keep::keep;
use super::{Pruner, PrunerInfo};
use crate::error::Result;

/// The weights of greatest magnitude, all tensors together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MagnitudePruner;

impl Pruner for MagnitudePruner {
    fn info(&self) -> PrunerInfo {
        PrunerInfo { method: "magnitude".to_owned(), seed: 0, parameters: BTreeMap::new() }
    }

    fn prune(&self, network: &Network, mask: &Mask, density: f64) -> Result<Mask> {
        keep(&mut Magnitude, &Plan::new(density)?, network, mask)
    }
}
