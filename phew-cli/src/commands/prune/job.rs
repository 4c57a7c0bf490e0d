//! What a pruning is asked for, and what all methods have in common.

use std::collections::BTreeMap;

use clap::Args;
use phew_baselines::Oracle;
use phew_graph::{MaskInfo, Network};
use serde_json::Value;

use super::options::paths::PathArgs;
use super::options::scored::{OwnArgs, ScoreArgs};
use super::options::walk::WalkArgs;
#[cfg(feature = "train")]
use super::samples::SampleArgs;
use crate::args::{ArchArgs, OutputArgs, WeightArgs, WeightSource};
use crate::methods::{DEFAULT, Method, by_name};

/// Where the options that all methods have stand in the help.
pub(super) const HEADING: &str = "Pruning";

/// Chooses the weights to keep and writes them as a mask.
///
/// The mask is a safetensors file of BOOL tensors with the weights' names and shapes; its metadata says how it
/// was made.
#[derive(Debug, Args)]
pub struct Job {
    #[command(flatten)]
    pub(super) arch: ArchArgs,

    #[command(flatten)]
    pub(super) weights: WeightArgs,

    /// Method; --list-methods says what each is
    #[arg(long, help_heading = HEADING, default_value = DEFAULT, value_parser = by_name(|_| true), hide_possible_values = true)]
    pub(super) method: &'static Method,

    /// Options of methods that were given, as the command line spells them.
    #[arg(skip)]
    pub(super) given: Vec<String>,

    /// Share of the prunable weights to keep, above 0 and at most 1. Method phew takes several, as in
    /// 0.01,0.05,0.2: the masks are nested, and each file's name ends in its density. Walks and paths are kept whole
    #[arg(long, help_heading = HEADING, value_name = "SHARE", value_delimiter = ',')]
    pub(super) density: Vec<f64>,

    /// Seed of the method's random choices
    #[arg(long, help_heading = HEADING, default_value_t = 0)]
    pub(super) seed: u64,

    #[command(flatten)]
    pub(super) output: OutputArgs,

    #[command(flatten)]
    pub(super) walk: WalkArgs,

    #[command(flatten)]
    pub(super) path: PathArgs,

    #[command(flatten)]
    pub(super) score: ScoreArgs,

    #[command(flatten)]
    pub(super) own: OwnArgs,

    #[cfg(feature = "train")]
    #[command(flatten)]
    pub(super) samples: SampleArgs,
}

impl Job {
    /// What answers the method's questions about data, if this build has it.
    #[cfg(feature = "train")]
    pub(super) fn oracle(&self, network: &Network) -> anyhow::Result<Option<Box<dyn Oracle>>> {
        self.samples.oracle(self.method.needs, network)
    }

    /// Nothing: this build runs no networks.
    #[cfg(not(feature = "train"))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "as with the feature `train`"
    )]
    pub(super) fn oracle(&self, _: &Network) -> anyhow::Result<Option<Box<dyn Oracle>>> {
        Ok(None)
    }

    pub(super) fn info(
        &self,
        network: &Network,
        source: &WeightSource,
        density: f64,
        mut parameters: BTreeMap<String, Value>,
    ) -> MaskInfo {
        #[cfg(feature = "train")]
        if self.method.needs.data() {
            parameters.extend(self.samples.parameters());
        }
        if let WeightSource::Drawn { init, seed } = source {
            parameters.insert("init".into(), init.to_string().into());
            parameters.insert("init_seed".into(), (*seed).into());
        }
        MaskInfo {
            arch: network.arch().name().to_owned(),
            density,
            method: self.method.name.to_owned(),
            parameters,
            seed: self.seed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            weights: network.fingerprint(),
        }
    }
}
