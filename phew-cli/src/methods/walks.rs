//! Walks: their options, and masks made of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
#[cfg(feature = "train")]
use phew_graph::Mask;
use phew_graph::{Choice, Network, SkipPolicy, read_scores};
use phew_walk::{Bias, Engine, Granularity, Starts, WalkError, WalkParams, Walked, prune_nested};
use serde_json::Value;

use super::layers::LayerArgs;
use super::made::{How, Made};
use crate::args::choice;
use crate::failure::Interrupted;
use crate::interrupt;
use crate::output::grouped;
use crate::progress;

/// Options of the walks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of phew")]
pub(crate) struct WalkArgs {
    /// Connections that walks may take where there are skips; uniform by default. At a flattened channel a forward walk
    /// picks a position uniformly, and then a weight
    #[arg(long, value_parser = choice::<SkipPolicy>())]
    skips: Option<SkipPolicy>,

    /// What the walks are drawn by; magnitude by default
    #[arg(long, value_parser = choice::<Bias>())]
    bias: Option<Bias>,

    /// Draw the walks by these scores instead of the weights: safetensors of F32 or F64, at least 0,
    /// under the weights' names
    #[arg(long, value_name = "FILE", conflicts_with = "bias")]
    scores: Option<PathBuf>,

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

/// How walks are made: their options, and the layers that have a share of their own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walks<'a> {
    pub(super) options: &'a WalkArgs,
    pub(super) layers: &'a LayerArgs,
}

impl Walks<'_> {
    /// These options on top of densities and a seed.
    pub(crate) fn apply(self, params: WalkParams) -> WalkParams {
        self.options.apply(params).layers(self.layers.shares())
    }

    /// A network whose magnitudes draw the walks where only the weights of a mask may be walked.
    #[cfg(feature = "train")]
    pub(crate) fn drawn_within(self, network: &Network, mask: &Mask) -> anyhow::Result<Network> {
        self.options.drawn_within(network, mask)
    }

    /// The options, as a mask records them.
    pub(crate) fn parameters(self) -> BTreeMap<String, Value> {
        let mut parameters = self.options.parameters();
        let layers = self.layers.shares();
        if !layers.is_empty() {
            parameters.insert("layers".into(), layers.to_string().into());
        }
        parameters
    }

    /// Nested masks of a network, one for each density in ascending order.
    pub(super) fn make(
        self,
        network: &Network,
        densities: &[f64],
        seed: u64,
    ) -> anyhow::Result<Vec<Made>> {
        let params = self.apply(WalkParams::nested(densities)?.seed(seed));
        let scored = self.options.drawn_by(network)?;
        let walked = walk(scored.as_ref().unwrap_or(network), &params)?;
        let mut ascending = densities.to_vec();
        ascending.sort_by(f64::total_cmp);
        let made = |(density, Walked { mask, report }): (f64, Walked)| {
            let mut parameters = self.parameters();
            let engine = if report.engine == Engine::Bulk { "bulk" } else { "walk" };
            parameters.insert("engine".into(), engine.into());
            if densities.len() > 1 {
                // In batches the smaller densities shape what is drawn for the greater ones.
                parameters.insert("densities".into(), densities.into());
            }
            let (tables, walks) = (report.tables.as_secs_f64(), report.sampling.as_secs_f64());
            let how = How::Walks {
                target: report.target,
                walks: report.walks,
                bulk_walks: report.bulk_walks,
                overshoot: report.overshoot,
                walks_per_second: report.walks as f64 / walks,
                weights_per_second: mask.kept() as f64 / walks,
            };
            Made {
                mask,
                density,
                parameters,
                how,
                phases: vec![("tables", tables), ("walks", walks)],
            }
        };
        Ok(ascending.into_iter().zip(walked).map(made).collect())
    }
}

impl WalkArgs {
    /// These options on top of densities and a seed.
    fn apply(&self, params: WalkParams) -> WalkParams {
        params
            .skips(self.skips.unwrap_or_default())
            .bias(self.bias.unwrap_or_default())
            .starts(self.starts.unwrap_or_default())
            .granularity(self.granularity.unwrap_or_default())
            .engine(self.engine.unwrap_or_default())
            .exact(self.exact)
    }

    /// What the walks are drawn by: the network itself, or scores in the place of its weights.
    ///
    /// Walks look at nothing but the weights' magnitudes.
    fn drawn_by(&self, network: &Network) -> anyhow::Result<Option<Network>> {
        let Some(path) = &self.scores else { return Ok(None) };
        Ok(Some(network.with_arrays(read_scores(path, network.arch())?)?))
    }

    /// A network whose magnitudes draw the walks where only the weights of a mask may be walked.
    #[cfg(feature = "train")]
    fn drawn_within(&self, network: &Network, mask: &Mask) -> anyhow::Result<Network> {
        let scores = self.drawn_by(network)?;
        let bias = if scores.is_some() { Bias::Magnitude } else { self.bias.unwrap_or_default() };
        let weights = scores.as_ref().unwrap_or(network).weights();
        let kept = weights.iter().zip(mask.layers()).map(|(values, layer)| {
            let mut kept = vec![0.0; values.len()];
            layer.iter().for_each(|index| kept[index] = bias.score(values[index]));
            kept
        });
        Ok(network.with_weights(kept.collect())?)
    }

    /// The options, as a mask records them.
    fn parameters(&self) -> BTreeMap<String, Value> {
        let bias = match &self.scores {
            Some(_) => "scores",
            None => self.bias.unwrap_or_default().name(),
        };
        let scores =
            self.scores.as_ref().map(|path| ("scores".into(), path.display().to_string().into()));
        let mut parameters = BTreeMap::from([
            ("bias".into(), bias.into()),
            ("exact".into(), self.exact.into()),
            ("granularity".into(), self.granularity.unwrap_or_default().name().into()),
            ("skips".into(), self.skips.unwrap_or_default().name().into()),
            ("starts".into(), self.starts.unwrap_or_default().name().into()),
        ]);
        parameters.extend(scores);
        parameters
    }
}

/// Walks under a progress bar; Ctrl-C stops between two rounds.
fn walk(network: &Network, params: &WalkParams) -> anyhow::Result<Vec<Walked>> {
    let bar = progress::bar(0, "walking", "weights kept");
    let walked = prune_nested(network, params, |p| {
        bar.set_length(p.target as u64);
        bar.set_position(p.kept as u64);
        bar.set_message(format!("· {} walks", grouped(p.walks)));
        interrupt::flow()
    });
    bar.finish_and_clear();
    walked.map_err(|e| match e {
        WalkError::Stopped { .. } => Interrupted.into(),
        other => other.into(),
    })
}
