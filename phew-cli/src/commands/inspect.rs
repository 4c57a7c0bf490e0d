//! `phew inspect`: an architecture, and what a mask leaves of it.

mod explicit;
mod metrics;
mod per_weight;
mod singular_values;
mod spectrum;
mod theory;
mod walks;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use phew_graph::{Arch, Compaction, Mask, PathGraph, Provenance, kept_at};
use phew_metrics::{NeuronSparsity, neuron_sparsity};
use serde::Serialize;

use super::compact::Savings;
use crate::args::{ModelArgs, load_mask};
use crate::command::{Command, Example, Report};
use crate::failure::usage;
use crate::layers::{LayerRow, Layers, beyond_the_papers, layer_table};
use crate::output::{self, grouped, percent};
use metrics::MetricArgs;
pub use metrics::Metrics;

/// Show a network or a mask: layers, widths, dead units.
///
/// Layers, shapes, density, units alive and dead units, of a mask or of the dense network; with further options the
/// numbers of the theory.
#[derive(Debug, Args)]
pub struct Inspect {
    #[command(flatten)]
    arch: ModelArgs,

    /// Mask to inspect; the dense network without one
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    mask: Option<PathBuf>,

    #[command(flatten)]
    metrics: MetricArgs,

    /// Print the architecture as TOML, to start a network of one's own from
    #[arg(long, conflicts_with = "mask", help_heading = "Output")]
    toml: bool,
}

/// A network, or what a mask leaves of it.
#[derive(Debug, Serialize)]
pub struct InspectReport {
    /// Name of the architecture.
    pub arch: String,
    /// Shape of an input.
    pub input: Vec<usize>,
    /// Shape of an output.
    pub output: Vec<usize>,
    /// Weights kept.
    pub kept: usize,
    /// Prunable weights.
    pub prunable: usize,
    /// Weights kept over prunable weights.
    pub density: f64,
    /// Weights kept on a surviving path.
    pub effective: usize,
    /// Weights kept beyond the density that the mask was made for, where it says so.
    pub overshoot: Option<i64>,
    /// Units that weights lead to and no surviving path passes.
    pub dead_units: usize,
    /// Input units that a surviving path leaves.
    pub inputs_alive: usize,
    /// Input units.
    pub inputs: usize,
    /// Output units that a surviving path enters.
    pub outputs_alive: usize,
    /// Output units.
    pub outputs: usize,
    /// Operators whose paths the papers do not define.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<String>,
    /// What the mask's file says of it.
    pub made_by: Option<Provenance>,
    /// The prunable tensors.
    pub layers: Vec<LayerRow>,
    /// What `phew compact` would leave, of a network whose biases and shifts are 0.
    pub compact: Savings,
    /// Shares of the hidden units by what they have lost of their incoming weights.
    pub neurons: NeuronSparsity,
    /// What was measured, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
}

impl Inspect {
    /// Refuses options that would do nothing beside --toml.
    fn check_toml(&self, json: bool) -> anyhow::Result<()> {
        match (self.metrics.asked(), json) {
            (true, _) => Err(usage("--toml prints the architecture and measures nothing")),
            (_, true) => Err(usage("--toml prints no JSON; `phew archs NAME --json` has both")),
            _ => Ok(()),
        }
    }

    fn report(&self, arch: &Arc<Arch>) -> anyhow::Result<InspectReport> {
        let (mask, info) = match &self.mask {
            None => (Mask::dense(arch), None),
            Some(path) => load_mask(path, arch)?,
        };
        let graph = PathGraph::new(arch);
        let layers = Layers::new(&graph, &mask);
        let measured = self.mask.is_some().then_some(&mask);
        // A mask of another program does not say.
        let made_from = info.as_ref().map(|i| i.weights.as_str()).filter(|hash| !hash.is_empty());
        let target = info.as_ref().and_then(|i| kept_at(i.density?, mask.len()).ok());
        Ok(InspectReport {
            arch: arch.name().to_owned(),
            input: arch.input_shape().sizes(),
            output: arch.output_shape().sizes(),
            kept: mask.kept(),
            prunable: mask.len(),
            density: mask.density(),
            effective: layers.effective,
            overshoot: target.map(|t| mask.kept() as i64 - t as i64),
            dead_units: layers.dead_units(),
            inputs_alive: layers.inputs.0,
            inputs: layers.inputs.1,
            outputs_alive: layers.outputs.0,
            outputs: layers.outputs.1,
            metrics: self.metrics.measure(
                (arch.clone(), self.arch.own_weights()),
                measured,
                made_from,
            )?,
            compact: Savings::new(arch, &Compaction::of_mask(arch, &mask)?.arch()?),
            extensions: arch.extensions(),
            made_by: info,
            layers: layers.rows,
            neurons: neuron_sparsity(&graph, &mask),
        })
    }
}

impl Command for Inspect {
    const NAME: &'static str = "inspect";
    const EXAMPLES: &'static [Example] = &[
        ("what a mask leaves of each layer", "phew inspect --arch lenet-5 --mask m.safetensors"),
        (
            "paths, objectives, path kernel trace, degrees, FLOPs, of these weights under it",
            "phew inspect --arch lenet-5 --mask m.safetensors --weights w.safetensors --metrics",
        ),
        (
            "what each weight has of the path kernel's trace, for prune --scores",
            "phew inspect --arch lenet-5 --per-weight trace=trace.safetensors",
        ),
    ];
    type Report = InspectReport;

    fn run(&self) -> anyhow::Result<InspectReport> {
        self.metrics.check()?;
        self.report(&self.arch.load()?)
    }

    fn print(&self, json: bool) -> anyhow::Result<()> {
        if !self.toml {
            return self.run()?.print(json);
        }
        self.check_toml(json)?;
        output::text(&self.arch.load()?.to_toml())
    }
}

/// Where a mask comes from, in a line.
fn made_by(from: &Provenance) -> String {
    let Provenance { method, density, seed, version, weights, .. } = from;
    let density = density.map(|density| format!(" at density {density}")).unwrap_or_default();
    let seed = seed.map(|seed| format!(" with seed {seed}")).unwrap_or_default();
    let method = method.as_deref().unwrap_or("an unknown method");
    let weights = weights.get(..12).unwrap_or(weights);
    format!("made by {method}{density}{seed} (phew {version}), from weights {weights}…\n")
}

impl Report for InspectReport {
    fn text(&self) -> String {
        let mut out = layer_table(&self.layers);
        out += &format!(
            "\n{}: input {:?}, output {:?}\n{} of {} weights kept ({})",
            self.arch,
            self.input,
            self.output,
            grouped(self.kept),
            grouped(self.prunable),
            percent(self.density),
        );
        if let Some(overshoot) = self.overshoot {
            out += &format!(", {overshoot:+} against the target");
        }
        out += &format!(
            "\n{} on a surviving path ({} of the kept)\n",
            grouped(self.effective),
            percent(self.effective as f64 / self.kept.max(1) as f64),
        );
        out += &format!(
            "alive: {} of {} inputs, {} of {} outputs; {} dead units in all layers\n",
            self.inputs_alive,
            self.inputs,
            self.outputs_alive,
            self.outputs,
            grouped(self.dead_units),
        );
        if self.kept < self.prunable {
            out += &format!("phew compact leaves {}\n", self.compact.text());
        }
        out += &beyond_the_papers(&self.extensions);
        if let Some(info) = &self.made_by {
            out += &made_by(info);
        }
        if let Some(metrics) = &self.metrics {
            out += &metrics.text();
        }
        out
    }
}
