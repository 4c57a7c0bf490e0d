//! What a pruning in the course of training keeps.

use std::collections::BTreeMap;

use phew_baselines::{
    Entry, Magnitude, Method, Options, Oracle, Plan, Scored, Scorer, State, keep_highest,
    prune_by_scores,
};
use phew_graph::{Mask, Network, PathGraph, kept_at};
use serde::{Deserialize, Serialize};

use crate::data::Dataset;
use crate::device::Device;
use crate::error::Result;
use crate::score::{OracleMode, SampleSpec, TorchOracle};

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

/// A method of `phew-baselines` as a pruner: magnitude, SNIP, GraSP, SynFlow, random and all others.
#[derive(Debug, Clone)]
pub struct ScoredPruner<'a> {
    /// Its entry in the registry.
    pub method: Entry<Scored>,
    /// Seed of its random choices.
    pub seed: u64,
    /// Its options.
    pub options: Options,
    /// Where the images of a method that looks at data come from.
    pub data: &'a Dataset,
    /// Which of them.
    pub samples: SampleSpec,
    /// Where scores are computed.
    pub device: Device,
}

impl ScoredPruner<'_> {
    /// The method, asking about the network as it is now.
    fn method(&self, network: &Network, density: f64) -> Result<Method<'static>> {
        let oracle: Option<Box<dyn Oracle>> = if self.method.needs.oracle() {
            let (samples, mode) = (self.samples, OracleMode::Train);
            Some(Box::new(TorchOracle::of_data(network, self.data, samples, self.device, mode)?))
        } else {
            None
        };
        Ok(self.method.method(density, self.seed, &self.options, oracle)?)
    }
}

impl Pruner for ScoredPruner<'_> {
    fn info(&self) -> PrunerInfo {
        let mut parameters = BTreeMap::new();
        if self.method.needs.oracle() {
            let SampleSpec { per_class, batch, seed } = self.samples;
            let numbers = [
                ("per_class", per_class as u64),
                ("score_batch", batch as u64),
                ("data_seed", seed),
            ];
            parameters.extend(numbers.map(|(name, value)| (name.to_owned(), value.to_string())));
        }
        if let Some(schedule) = &self.options.schedule {
            parameters.insert("schedule".to_owned(), schedule.to_string());
        }
        if let Some(allocation) = &self.options.allocation {
            parameters.insert("allocation".to_owned(), allocation.to_string());
        }
        PrunerInfo { method: self.method.name.to_owned(), seed: self.seed, parameters }
    }

    fn prune(&self, network: &Network, mask: &Mask, density: f64) -> Result<Mask> {
        let mut method = self.method(network, density)?;
        keep(&mut method.scorer, &method.plan, network, mask)
    }
}

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

/// The first pruning runs the method's whole schedule; a later one scores once and keeps the best of what is left.
fn keep(
    scorer: &mut (impl Scorer + ?Sized),
    plan: &Plan,
    network: &Network,
    mask: &Mask,
) -> Result<Mask> {
    if mask.kept() == mask.len() {
        return Ok(prune_by_scores(network, scorer, plan)?);
    }
    let (arch, weights) = (network.arch(), network.weights());
    let counts = plan.allocation().counts(arch, mask, kept_at(plan.density(), mask.len())?)?;
    let graph = PathGraph::new(arch);
    let state = State { network, weights: &weights, graph: &graph, mask, step: 0, steps: 1 };
    Ok(keep_highest(&scorer.score(&state)?, mask, &counts)?)
}
