//! `phew prune` with any other method: scores, an allocation, a schedule.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use clap::Args;
use phew_baselines::{Allocation, Method, Options, Parameters, Schedule, method, prune_with};
use phew_graph::{Mask, Network, PathGraph};
use serde::Serialize;
use serde_json::Value;

use super::{Job, served};
use crate::args::first_given;
use crate::failure::of_baseline;
use crate::interrupt;
use crate::layers::{LayerRow, Layers};
use crate::output::{counted, grouped, json, percent, text};
use crate::progress;

/// Options of the methods that score.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of the other methods")]
pub(super) struct RivalArgs {
    /// Steps: one-shot, linear:N, exponential:N or given:DENSITY,…; +revive after it lets pruned weights come back
    #[arg(long, value_name = "STEPS")]
    schedule: Option<Schedule>,

    /// Shares of the layers: global, uniform, er, erk, igq or given:DENSITY,… with one for each tensor
    #[arg(long, value_name = "NAME")]
    allocation: Option<Allocation>,

    /// Keep the weights with the worst scores instead of the best
    #[arg(long)]
    invert: bool,

    /// GraSP: what the outputs are divided by before the loss; 200 by default, which is meant for logits
    #[arg(long, value_name = "T")]
    temperature: Option<f64>,

    /// GraSP: what gradient and Hessian run over: weights (by default), or all with biases and normalisation
    #[arg(long, value_name = "SET")]
    parameters: Option<Parameters>,

    /// NTK-SAP: batches of random inputs in each step; 1 by default
    #[arg(long, value_name = "N")]
    draws: Option<usize>,

    /// NTK-SAP: standard deviation of the perturbation of the weights; 0.01 by default
    #[arg(long, value_name = "X")]
    epsilon: Option<f64>,
}

impl RivalArgs {
    /// The first option that was given, for the method that takes none of them.
    pub(super) fn given(&self) -> Option<&'static str> {
        first_given([
            ("--schedule", self.schedule.is_some()),
            ("--allocation", self.allocation.is_some()),
            ("--invert", self.invert),
            ("--temperature", self.temperature.is_some()),
            ("--parameters", self.parameters.is_some()),
            ("--draws", self.draws.is_some()),
            ("--epsilon", self.epsilon.is_some()),
        ])
    }

    fn options(&self) -> Options {
        Options {
            schedule: self.schedule.clone(),
            allocation: self.allocation.clone(),
            invert: self.invert,
            draws: self.draws,
            epsilon: self.epsilon,
            temperature: self.temperature,
            parameters: self.parameters,
        }
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
    prunable: usize,
    effective: usize,
    steps: usize,
    seconds: f64,
    phases: Phases,
    output: &'a Path,
    layers: &'a [LayerRow],
}

/// Seconds by phase.
#[derive(Serialize)]
struct Phases {
    load: f64,
    prune: f64,
    write: f64,
}

impl Job {
    pub(super) fn rival(&self, density: f64) -> anyhow::Result<()> {
        let options = self.rival.options();
        let build = |oracle| {
            method(&self.method, density, self.seed, &options, oracle).map_err(of_baseline)
        };
        // What is wrong with the request shows before anything is read; an oracle needs the network first.
        let early = if served(self.needs()) { None } else { Some(build(None)?) };
        self.output.check()?;
        let whole = Instant::now();
        let (network, source) = self.weights.load(self.arch.load()?, self.seed)?;
        let mut method = match early {
            Some(method) => method,
            None => build(self.oracle(&network)?)?,
        };
        let steps = method.plan.counts(network.arch().prunable_len()).map_err(of_baseline)?.len();
        let load = whole.elapsed().as_secs_f64();

        let clock = Instant::now();
        let mask = score(&network, &mut method, steps)?;
        let prune = clock.elapsed().as_secs_f64();
        interrupt::check()?;

        let clock = Instant::now();
        let given = method.parameters.iter();
        let mut parameters: BTreeMap<String, Value> =
            given.map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
        parameters.insert("engine".into(), "scores".into());
        let info = self.info(&network, &source, density, parameters);
        mask.save(&self.output.output, &info, self.output.overwrite())?;
        let write = clock.elapsed().as_secs_f64();

        let layers = Layers::new(&PathGraph::new(network.arch()), &mask);
        let report = Report {
            method: &info.method,
            arch: &info.arch,
            density,
            seed: self.seed,
            parameters: &info.parameters,
            weights: source.to_string(),
            kept: mask.kept(),
            prunable: mask.len(),
            effective: layers.effective,
            steps,
            seconds: whole.elapsed().as_secs_f64(),
            phases: Phases { load, prune, write },
            output: &self.output.output,
            layers: &layers.rows,
        };
        if self.json { json(&report) } else { text(&report.text(&layers)) }
    }
}

/// Prunes under a progress bar; Ctrl-C stops between two steps.
fn score(network: &Network, method: &mut Method<'_>, steps: usize) -> anyhow::Result<Mask> {
    let bar = progress::bar(steps as u64, "pruning", "steps");
    let mask = prune_with(network, &mut method.scorer, &method.plan, &mut |p| {
        bar.set_position(p.done as u64);
        bar.set_message(format!("· {} weights kept", grouped(p.kept)));
        interrupt::flow()
    });
    bar.finish_and_clear();
    mask.map_err(of_baseline)
}

impl Report<'_> {
    fn text(&self, layers: &Layers) -> String {
        let (kept, prunable) = (grouped(self.kept), grouped(self.prunable));
        let density = percent(self.kept as f64 / self.prunable as f64);
        let mut out = layers.table();
        out += &format!(
            "\n{}: {} keeps {kept} of {prunable} weights ({density}) in {}, {} of them on a surviving path; \
             {} dead units\n",
            self.arch,
            self.method,
            counted(self.steps, "step"),
            grouped(self.effective),
            grouped(layers.dead_units()),
        );
        let Phases { load, prune, write } = self.phases;
        out += &format!(
            "weights {}; {:.2} s: load {load:.3}, prune {prune:.3}, write {write:.3}\n",
            self.weights, self.seconds,
        );
        out + &format!("mask {}\n", self.output.display())
    }
}
