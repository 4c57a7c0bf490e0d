//! `phew prune --method phew`: walks, and what they report.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use phew_graph::{MaskInfo, Network, PathGraph, SkipPolicy, read_scores};
use phew_walk::{Bias, Engine, Granularity, Starts, WalkError, WalkParams, Walked, prune_nested};
use serde::Serialize;
use serde_json::Value;

use super::Job;
use crate::args::WeightSource;
use crate::failure::{Interrupted, usage};
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

    /// Draw the walks by these scores instead of the weights: safetensors of F32 or F64, at least 0,
    /// under the weights' names
    #[arg(long, value_name = "FILE", conflicts_with = "bias")]
    scores: Option<PathBuf>,

    /// Where walks start; balanced by default
    #[arg(long, value_enum)]
    starts: Option<WalkStarts>,

    /// What is kept of a kernel that a walk passes; weight by default
    #[arg(long, value_enum)]
    granularity: Option<WalkGranularity>,

    /// Walk by walk, or in batches of the same law, which are faster at high densities; auto by default
    #[arg(long, value_enum)]
    engine: Option<WalkEngine>,

    /// Keep exactly the target, by dropping what the last walk added and no path needs
    #[arg(long)]
    exact: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum WalkEngine {
    /// Batches from 200,000 weights on, if these are at least as many as the kernels or 30 % of all
    #[default]
    Auto,
    /// Walk by walk: masks of one seed are nested between calls too
    Walk,
    /// In batches
    Bulk,
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
            .engine(match self.engine.unwrap_or_default() {
                WalkEngine::Auto => Engine::Auto,
                WalkEngine::Walk => Engine::Walk,
                WalkEngine::Bulk => Engine::Bulk,
            })
            .exact(self.exact)
    }

    fn parameters(&self) -> BTreeMap<String, Value> {
        let name = |v: Option<clap::builder::PossibleValue>| {
            Value::from(v.map(|v| v.get_name().to_owned()).unwrap_or_default())
        };
        BTreeMap::from([
            ("exact".into(), self.exact.into()),
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
    /// Of the walks, those drawn in batches.
    bulk_walks: u64,
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
        let params = self.walk.apply(WalkParams::nested(&self.density)?.seed(self.seed));
        let outputs: Vec<(f64, PathBuf)> = self.outputs();
        if let Some(twice) = outputs.windows(2).find(|w| w[0].1 == w[1].1) {
            return Err(usage(format!("density {} is given twice", twice[0].0)));
        }
        for (_, path) in &outputs {
            self.output.check_path(path)?;
        }
        let whole = Instant::now();
        let (network, source) = self.weights.load(self.arch.load()?, self.seed)?;
        let load = whole.elapsed().as_secs_f64();
        let walked = match &self.walk.scores {
            None => walk(&network, &params)?,
            // Walks look at nothing but the weights' magnitudes: scores take their place.
            Some(path) => {
                let scores = read_scores(path, network.arch())?;
                walk(&network.with_arrays(scores)?, &params)?
            }
        };
        interrupt::check()?;
        for ((density, path), walked) in outputs.iter().zip(&walked) {
            let clock = Instant::now();
            let info = self.info(&network, &source, *density, self.recorded(walked.report.engine));
            walked.mask.save(path, &info, self.output.overwrite())?;
            let write = clock.elapsed().as_secs_f64();
            self.print(&network, &source, walked, &info, path, load, write)?;
        }
        Ok(())
    }

    /// The densities in ascending order, each with its file: the one named, or one for each density.
    fn outputs(&self) -> Vec<(f64, PathBuf)> {
        let output = &self.output.output;
        let mut densities = self.density.clone();
        densities.sort_by(f64::total_cmp);
        if let [density] = densities[..] {
            return vec![(density, output.clone())];
        }
        let part = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let (stem, extension) = (part(output.file_stem()), part(output.extension()));
        let dot = if extension.is_empty() { "" } else { "." };
        let name = |d: f64| output.with_file_name(format!("{stem}-{d}{dot}{extension}"));
        densities.into_iter().map(|d| (d, name(d))).collect()
    }

    /// The walks' parameters, as the mask records them.
    fn recorded(&self, engine: Engine) -> BTreeMap<String, Value> {
        let mut parameters = self.walk.parameters();
        let engine = if engine == Engine::Bulk { "bulk" } else { "walk" };
        parameters.insert("engine".into(), engine.into());
        if let Some(path) = &self.walk.scores {
            parameters.insert("bias".into(), "scores".into());
            parameters.insert("scores".into(), path.display().to_string().into());
        }
        if self.density.len() > 1 {
            // In batches the smaller densities shape what is drawn for the greater ones.
            parameters.insert("densities".into(), self.density.clone().into());
        }
        parameters
    }

    #[allow(clippy::too_many_arguments, reason = "what one summary shows")]
    fn print(
        &self,
        network: &Network,
        source: &WeightSource,
        walked: &Walked,
        info: &MaskInfo,
        output: &Path,
        load: f64,
        write: f64,
    ) -> anyhow::Result<()> {
        let layers = Layers::new(&PathGraph::new(network.arch()), &walked.mask);
        let Walked { mask, report } = walked;
        let (tables, walks) = (report.tables.as_secs_f64(), report.sampling.as_secs_f64());
        let summary = Report {
            method: &info.method,
            arch: &info.arch,
            density: info.density,
            seed: self.seed,
            parameters: &info.parameters,
            weights: source.to_string(),
            kept: mask.kept(),
            target: report.target,
            prunable: mask.len(),
            walks: report.walks,
            bulk_walks: report.bulk_walks,
            overshoot: report.overshoot,
            seconds: load + tables + walks + write,
            phases: Phases { load, tables, walks, write },
            walks_per_second: report.walks as f64 / walks,
            weights_per_second: mask.kept() as f64 / walks,
            output,
            layers: &layers.rows,
        };
        if self.json { json(&summary) } else { text(&summary.text(&layers)) }
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
            grouped(layers.dead_units()),
        );
        let Phases { load, tables, walks, write } = self.phases;
        out += &format!(
            "weights {}; {:.2} s: load {load:.3}, tables {tables:.3}, walks {walks:.3}, write {write:.3}\n\
             {} walks and {} weights a second\n",
            self.weights,
            self.seconds,
            grouped(self.walks_per_second as u64),
            grouped(self.weights_per_second as u64),
        );
        out + &format!("mask {}\n", self.output.display())
    }
}
