//! Options of the walks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use phew_graph::{Choice, SkipPolicy};
use phew_walk::{Bias, Engine, Granularity, Starts, WalkParams};
use serde_json::Value;

use crate::args::choice;

/// Options of the walks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of phew")]
pub(crate) struct WalkArgs {
    /// Connections that walks may take where there are skips; uniform by default
    #[arg(long, value_parser = choice::<SkipPolicy>())]
    skips: Option<SkipPolicy>,

    /// What the walks are drawn by; magnitude by default
    #[arg(long, value_parser = choice::<Bias>())]
    bias: Option<Bias>,

    /// Draw the walks by these scores instead of the weights: safetensors of F32 or F64, at least 0,
    /// under the weights' names
    #[arg(long, value_name = "FILE", conflicts_with = "bias")]
    pub(crate) scores: Option<PathBuf>,

    /// Where walks start; balanced by default
    #[arg(long, value_parser = choice::<Starts>())]
    starts: Option<Starts>,

    /// What is kept of a kernel that a walk passes; weight by default
    #[arg(long, value_parser = choice::<Granularity>())]
    granularity: Option<Granularity>,

    /// Walk by walk, or in batches of the same law, which are faster at high densities; auto by default
    #[arg(long, value_parser = choice::<Engine>())]
    engine: Option<Engine>,

    /// Keep exactly the target, by dropping what the last walk added and no path needs
    #[arg(long)]
    exact: bool,
}

impl WalkArgs {
    pub(crate) fn apply(&self, params: WalkParams) -> WalkParams {
        params
            .skips(self.skips.unwrap_or_default())
            .bias(self.bias.unwrap_or_default())
            .starts(self.starts.unwrap_or_default())
            .granularity(self.granularity.unwrap_or_default())
            .engine(self.engine.unwrap_or_default())
            .exact(self.exact)
    }

    pub(crate) fn parameters(&self) -> BTreeMap<String, Value> {
        BTreeMap::from([
            ("exact".into(), self.exact.into()),
            ("bias".into(), self.bias.unwrap_or_default().name().into()),
            ("granularity".into(), self.granularity.unwrap_or_default().name().into()),
            ("skips".into(), self.skips.unwrap_or_default().name().into()),
            ("starts".into(), self.starts.unwrap_or_default().name().into()),
        ])
    }
}
