//! `phew prune --method phew`: walks, and what they report.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use clap::{Args, ValueEnum};
use phew_graph::{Network, PathGraph, SkipPolicy};
use phew_walk::{Bias, Granularity, Starts, WalkError, WalkParams, Walked, prune_with};
use serde::Serialize;
use serde_json::Value;

use super::Job;
use crate::failure::Interrupted;
use crate::interrupt;
use crate::layers::{LayerRow, Layers};
use crate::output::{grouped, json, percent, text};
use crate::progress;

/// Options of the walks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of phew")]
pub(super) struct WalkArgs {
    /// Connections that walks may take where there are skips; uniform by default
    #[arg(long, value_enum)]
    skips: Option<Skips>,

    /// What the walks are drawn by; magnitude by default
    #[arg(long, value_enum)]
    bias: Option<WalkBias>,

    /// Where walks start; balanced by default
    #[arg(long, value_enum)]
    starts: Option<WalkStarts>,

    /// What is kept of a kernel that a walk passes; weight by default
    #[arg(long, value_enum)]
    granularity: Option<WalkGranularity>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Skips {
    /// All; at a layer with several onward connections one is chosen uniformly
    #[default]
    Uniform,
    /// Only main branches
    Main,
    /// Main branches and projections, not identities
    Projection,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum WalkBias {
    /// By |w|: PHEW
    #[default]
    Magnitude,
    /// By w²
    Square,
    /// Every weight alike
    Uniform,
    /// By 1/|w|
    Inverse,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum WalkStarts {
    /// Forward and reverse in turn, round robin
    #[default]
    Balanced,
    /// Inputs only
    Forward,
    /// Outputs only
    Reverse,
    /// Forward and reverse in turn, from a random unit
    Random,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum WalkGranularity {
    /// One weight
    #[default]
    Weight,
    /// The whole kernel
    Kernel,
}

impl WalkArgs {
    /// The first option that was given, for methods that do not walk.
    pub(super) fn given(&self) -> Option<&'static str> {
        [
            ("--skips", self.skips.is_some()),
            ("--bias", self.bias.is_some()),
            ("--starts", self.starts.is_some()),
            ("--granularity", self.granularity.is_some()),
        ]
        .into_iter()
        .find_map(|(name, given)| given.then_some(name))
    }

    fn apply(&self, params: WalkParams) -> WalkParams {
        params
            .skips(match self.skips.unwrap_or_default() {
                Skips::Uniform => SkipPolicy::Uniform,
                Skips::Main => SkipPolicy::Main,
                Skips::Projection => SkipPolicy::Projection,
            })
            .bias(match self.bias.unwrap_or_default() {
                WalkBias::Magnitude => Bias::Magnitude,
                WalkBias::Square => Bias::Square,
                WalkBias::Uniform => Bias::Uniform,
                WalkBias::Inverse => Bias::Inverse,
            })
            .starts(match self.starts.unwrap_or_default() {
                WalkStarts::Balanced => Starts::Balanced,
                WalkStarts::Forward => Starts::Forward,
                WalkStarts::Reverse => Starts::Reverse,
                WalkStarts::Random => Starts::Random,
            })
            .granularity(match self.granularity.unwrap_or_default() {
                WalkGranularity::Weight => Granularity::Weight,
                WalkGranularity::Kernel => Granularity::Kernel,
            })
    }

    fn parameters(&self) -> BTreeMap<String, Value> {
        let name = |v: Option<clap::builder::PossibleValue>| {
            Value::from(v.map(|v| v.get_name().to_owned()).unwrap_or_default())
        };
        BTreeMap::from([
            ("bias".into(), name(self.bias.unwrap_or_default().to_possible_value())),
            ("granularity".into(), name(self.granularity.unwrap_or_default().to_possible_value())),
            ("skips".into(), name(self.skips.unwrap_or_default().to_possible_value())),
            ("starts".into(), name(self.starts.unwrap_or_default().to_possible_value())),
        ])
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    method: &'a str,
    arch: &'a str,
    density: f64,
    seed: u64,
    parameters: &'a BTreeMap<String, Value>,
    weights: String,
    kept: usize,
    target: usize,
    prunable: usize,
    walks: u64,
    overshoot: usize,
    seconds: f64,
    phases: Phases,
    walks_per_second: f64,
    weights_per_second: f64,
    output: &'a Path,
    layers: &'a [LayerRow],
}

/// Seconds by phase.
#[derive(Serialize)]
struct Phases {
    load: f64,
    tables: f64,
    walks: f64,
    write: f64,
}

impl Job {
    pub(super) fn walk(&self) -> anyhow::Result<()> {
        let params = self.walk.apply(WalkParams::new(self.density)?.seed(self.seed));
        self.output.check()?;
        let whole = Instant::now();
        let (network, source) = self.weights.load(self.arch.load()?, self.seed)?;
        let load = whole.elapsed().as_secs_f64();
        let walked = walk(&network, &params)?;
        interrupt::check()?;

        let clock = Instant::now();
        let mut parameters = self.walk.parameters();
        parameters.insert("engine".into(), "walk".into());
        let info = self.info(&network, &source, parameters);
        walked.mask.save(&self.output.output, &info, self.output.overwrite())?;
        let write = clock.elapsed().as_secs_f64();
        let seconds = whole.elapsed().as_secs_f64();

        let layers = Layers::new(&PathGraph::new(network.arch()), &walked.mask);
        let Walked { mask, report } = &walked;
        let (tables, walks) = (report.tables.as_secs_f64(), report.sampling.as_secs_f64());
        let summary = Report {
            method: &info.method,
            arch: &info.arch,
            density: self.density,
            seed: self.seed,
            parameters: &info.parameters,
            weights: source.to_string(),
            kept: mask.kept(),
            target: report.target,
            prunable: mask.len(),
            walks: report.walks,
            overshoot: report.overshoot,
            seconds,
            phases: Phases { load, tables, walks, write },
            walks_per_second: report.walks as f64 / walks,
            weights_per_second: mask.kept() as f64 / walks,
            output: &self.output.output,
            layers: &layers.rows,
        };
        if self.json { json(&summary) } else { text(&summary.text(&layers)) }
    }
}

/// Walks under a progress bar; Ctrl-C stops between two rounds.
fn walk(network: &Network, params: &WalkParams) -> anyhow::Result<Walked> {
    let bar = progress::bar(0, "walking", "weights kept");
    let walked = prune_with(network, params, |p| {
        bar.set_length(p.target as u64);
        bar.set_position(p.kept as u64);
        bar.set_message(format!("· {} walks", grouped(p.walks)));
        if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.finish_and_clear();
    walked.map_err(|e| match e {
        WalkError::Stopped { .. } => Interrupted.into(),
        other => other.into(),
    })
}

impl Report<'_> {
    fn text(&self, layers: &Layers) -> String {
        let (kept, prunable) = (grouped(self.kept), grouped(self.prunable));
        let density = percent(self.kept as f64 / self.prunable as f64);
        let mut out = layers.table();
        out += &format!(
            "\n{}: {kept} of {prunable} weights kept ({density}) by {} walks, {} over the target; \
             {} dead units\n",
            self.arch,
            grouped(self.walks),
            self.overshoot,
            layers.dead_units(),
        );
        let Phases { load, tables, walks, write } = self.phases;
        out += &format!(
            "weights {}; {:.2} s: load {load:.3}, tables {tables:.3}, walks {walks:.3}, write {write:.3}\n",
            self.weights, self.seconds,
        );
        out + &format!("mask {}\n", self.output.display())
    }
}
