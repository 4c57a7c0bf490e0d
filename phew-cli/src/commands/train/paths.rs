//! Walks and paths as pruners of a network that is being trained.

use std::collections::BTreeMap;

use phew_graph::{Mask, Network, SkipPolicy, kept_at};
use phew_train::{
    Dataset, Device, OracleMode, Pruner, PrunerInfo, SampleSpec, TorchOracle, TrainError,
};
use phew_walk::{Bias, Order, WalkError, WalkParams, best_paths};
use serde_json::Value;

use crate::methods::{Walks, by_gradient};

/// A method of walks or paths, asked about the weights as they are then: what is pruned has weight 0, where none goes.
pub(super) struct PathPruner<'a> {
    pub(super) method: &'static str,
    pub(super) seed: u64,
    pub(super) ways: Ways<'a>,
}

/// Which paths.
pub(super) enum Ways<'a> {
    /// Drawn, with these options.
    Walks(Walks<'a>),
    /// Ranked by the product of their weights, or of the magnitudes of these gradients.
    Ranked(Order, Option<Gradients<'a>>),
}

/// Where gradients come from.
pub(super) struct Gradients<'a> {
    pub(super) data: &'a Dataset,
    pub(super) samples: SampleSpec,
    pub(super) mode: OracleMode,
    pub(super) device: Device,
}

impl Pruner for PathPruner<'_> {
    fn info(&self) -> PrunerInfo {
        let mut parameters = BTreeMap::new();
        match &self.ways {
            Ways::Walks(options) => {
                let plain = |value: Value| value.as_str().map_or(value.to_string(), str::to_owned);
                let options = options.parameters();
                parameters.extend(options.into_iter().map(|(name, value)| (name, plain(value))));
            }
            Ways::Ranked(_, Some(Gradients { samples, mode, .. })) => {
                parameters.insert("per_class".to_owned(), samples.per_class.to_string());
                parameters.insert("data_seed".to_owned(), samples.seed.to_string());
                if *mode != OracleMode::default() {
                    parameters.insert("mode".to_owned(), mode.to_string());
                }
            }
            Ways::Ranked(_, None) => {}
        }
        PrunerInfo { method: self.method.to_owned(), seed: self.seed, parameters }
    }

    fn prune(&self, network: &Network, mask: &Mask, density: f64) -> Result<Mask, TrainError> {
        let best = |network: &Network, order| {
            best_paths(network, order, SkipPolicy::Uniform, density).map(|found| found.mask)
        };
        let kept = match &self.ways {
            Ways::Walks(options) => {
                let drawn = options.drawn_within(network, mask);
                let drawn = drawn.map_err(|error| TrainError::Pruner(error.into()))?;
                let params = |density| {
                    let params = options.apply(WalkParams::new(density)?.seed(self.seed));
                    // The bias is in what the walks are drawn by.
                    Ok(params.bias(Bias::Magnitude))
                };
                walks_within(mask, &drawn, density, params)
            }
            Ways::Ranked(order, None) => best(network, *order),
            Ways::Ranked(order, Some(Gradients { data, samples, mode, device })) => {
                let mut oracle = TorchOracle::of_data(network, data, *samples, *device, *mode)?;
                best(&by_gradient(network, mask, &mut oracle)?, *order)
            }
        };
        kept.map_err(|error| match error {
            WalkError::Graph(error) => TrainError::Graph(error),
            other => TrainError::Pruner(Box::new(other)),
        })
    }
}

/// Walks until what they keep of a mask comes to the density.
///
/// A walk that has nothing else onwards, as from an input that the mask left without weights, passes pruned ones. They
/// stay pruned, and as many more weights are walked for.
fn walks_within(
    mask: &Mask,
    network: &Network,
    density: f64,
    params: impl Fn(f64) -> Result<WalkParams, WalkError>,
) -> Result<Mask, WalkError> {
    let prunable = mask.len();
    let target = kept_at(density, prunable)?;
    let reachable = mask.kept();
    if reachable < target {
        let reason = " (the mask before keeps no more)";
        return Err(WalkError::Unreachable { density, target, reachable, prunable, reason });
    }
    let mut asked = density;
    loop {
        let walked = phew_walk::prune(network, &params(asked)?)?.mask;
        let kept = walked.and(mask)?;
        if kept.kept() >= target {
            return Ok(kept);
        }
        // Half a weight more than the number that is asked for: a density rounds down.
        let more = walked.kept() + target - kept.kept();
        asked = (more as f64 + 0.5).min(prunable as f64) / prunable as f64;
    }
}
