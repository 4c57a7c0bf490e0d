//! `phew inspect`: an architecture, and what a mask leaves of it.

use std::path::PathBuf;

use clap::Args;
use phew_graph::{Mask, MaskInfo, PathGraph, kept_at};
use serde::Serialize;

use crate::args::{ArchArgs, load_mask};
use crate::failure::usage;
use crate::layers::{LayerRow, Layers};
use crate::metrics::{MetricArgs, Metrics};
use crate::output::{grouped, json, percent, text};

/// Shows layers, shapes, density, units alive and dead units, of a mask or of the dense network.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    #[command(flatten)]
    arch: ArchArgs,

    /// Mask to inspect; the dense network without one
    #[arg(long, value_name = "FILE")]
    mask: Option<PathBuf>,

    #[command(flatten)]
    metrics: MetricArgs,

    /// Print the architecture as TOML, to start a network of one's own from
    #[arg(long, conflicts_with_all = ["mask", "json"])]
    toml: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    arch: &'a str,
    input: Vec<usize>,
    output: Vec<usize>,
    kept: usize,
    prunable: usize,
    density: f64,
    effective: usize,
    /// Against the density that the mask was made for, where it says so.
    overshoot: Option<i64>,
    dead_units: usize,
    inputs_alive: usize,
    inputs: usize,
    outputs_alive: usize,
    outputs: usize,
    made_by: Option<&'a MaskInfo>,
    layers: &'a [LayerRow],
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<Metrics>,
}

impl Inspect {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let arch = self.arch.load()?;
        if self.toml {
            if self.metrics.asked() {
                return Err(usage("--toml prints the architecture and measures nothing"));
            }
            return text(&arch.to_toml());
        }
        let (mask, info) = match &self.mask {
            None => (Mask::dense(&arch), None),
            Some(path) => load_mask(path, &arch)?,
        };
        let layers = Layers::new(&PathGraph::new(&arch), &mask);
        let measured = self.mask.is_some().then_some(&mask);
        let made_from = info.as_ref().map(|i| i.weights.as_str());
        let target = info.as_ref().and_then(|i| kept_at(i.density, mask.len()).ok());
        let report = Report {
            arch: arch.name(),
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
            made_by: info.as_ref(),
            layers: &layers.rows,
            metrics: self.metrics.measure(arch.clone(), measured, made_from)?,
        };
        if self.json { json(&report) } else { text(&report.text(&layers)) }
    }
}

impl Report<'_> {
    fn text(&self, layers: &Layers) -> String {
        let mut out = layers.table();
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
            "; {} on a surviving path ({} of the kept)\n",
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
        if let Some(info) = self.made_by {
            out += &format!(
                "made by {} {} at density {} with seed {}, from weights {}…\n",
                info.method,
                info.version,
                info.density,
                info.seed,
                info.weights.get(..12).unwrap_or(&info.weights),
            );
        }
        if let Some(metrics) = &self.metrics {
            out += &metrics.text();
        }
        out
    }
}
