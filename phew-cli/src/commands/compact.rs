//! `phew compact`: the smaller dense network that a mask leaves.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use phew_graph::{Arch, Compaction, GraphError, Mask, Provenance, write_atomically};
use phew_metrics::Cost;
use serde::Serialize;

use crate::args::{Masked, MaskedArgs, OutputArgs};
use crate::command::{Command, Example, Report};
use crate::failure::usage;
use crate::interrupt;
use crate::output::{grouped, percent, table};
use crate::stderr;

/// Write the smaller dense network that a mask leaves.
///
/// Units that reach no output are left out, and those whose value does not depend on the input: what they add goes into
/// the biases of the units that read them. Through residual connections a channel goes where all that is added agrees.
/// The outputs stay the same, in evaluation, up to rounding. Convolutions in groups keep all their channels, unless they
/// are depthwise.
#[derive(Debug, Args)]
pub struct Compact {
    #[command(flatten)]
    network: MaskedArgs,

    #[command(flatten)]
    output: OutputArgs,

    /// File for the smaller architecture; by default that of the weights, with the ending .toml
    #[arg(long, value_name = "FILE.toml", help_heading = "Output")]
    arch_out: Option<PathBuf>,
}

/// What is left of a network, and what that saves.
#[derive(Clone, Debug, Serialize)]
pub struct Savings {
    /// Weights, biases, scales and shifts.
    pub parameters: usize,
    /// The same of the whole network.
    pub parameters_before: usize,
    /// Floating-point operations of a forward pass in convolutions and fully connected layers.
    pub flops: u64,
    /// The same of the whole network.
    pub flops_before: u64,
}

impl Savings {
    /// Of an architecture and the smaller one.
    pub(crate) fn new(before: &Arch, after: &Arch) -> Self {
        let [before, after] = [before, after].map(|arch| Cost::new(arch, None));
        Self {
            parameters: after.parameters(),
            parameters_before: before.parameters(),
            flops: after.flops(),
            flops_before: before.flops(),
        }
    }

    /// In two lines.
    pub(crate) fn text(&self) -> String {
        let Self { parameters, parameters_before, flops, flops_before } = *self;
        format!(
            "{} of {} parameters ({})\nand {} of {} FLOPs ({})",
            grouped(parameters),
            grouped(parameters_before),
            percent(parameters as f64 / parameters_before.max(1) as f64),
            grouped(flops),
            grouped(flops_before),
            percent(flops as f64 / flops_before.max(1) as f64),
        )
    }
}

/// The smaller network.
#[derive(Clone, Debug, Serialize)]
pub struct CompactReport {
    /// Name of the architecture.
    pub arch: String,
    /// What that saves.
    #[serde(flatten)]
    pub savings: Savings,
    /// Where the mask comes from.
    pub made_by: Option<Provenance>,
    /// The prunable tensors, before and after.
    pub layers: Vec<CompactLayer>,
    /// The weights' file.
    pub output: PathBuf,
    /// The architecture's file.
    pub arch_output: PathBuf,
}

/// A prunable tensor, before and after.
#[derive(Clone, Debug, Serialize)]
pub struct CompactLayer {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape_before: Vec<usize>,
    /// Its shape in the smaller network.
    pub shape: Vec<usize>,
    /// Weights kept by the mask.
    pub kept: usize,
}

impl Compact {
    fn arch_file(&self) -> anyhow::Result<PathBuf> {
        let file = match &self.arch_out {
            Some(file) => file.clone(),
            None => self.output.output.with_extension("toml"),
        };
        if file.extension().is_none_or(|extension| extension != "toml") {
            return Err(usage(format!("{}: expected a name that ends in .toml", file.display())));
        }
        self.output.check_path(&file)?;
        Ok(file)
    }
}

impl Command for Compact {
    const NAME: &'static str = "compact";
    const EXAMPLES: &'static [Example] = &[
        (
            "the network that is left of these weights under a mask",
            "phew compact --arch lenet-5 --mask m.safetensors --weights w.safetensors -o small.safetensors",
        ),
        (
            "its architecture elsewhere",
            "phew compact --arch lenet-5 --mask m.safetensors --weights w.safetensors -o a.safetensors \\\n      --arch-out b.toml",
        ),
    ];
    type Report = CompactReport;

    fn run(&self) -> anyhow::Result<CompactReport> {
        self.output.check()?;
        let arch_output = self.arch_file()?;
        let Masked { network, mask, made_by } = self.network.load()?;
        let arch = network.arch();
        if made_by.as_ref().is_some_and(|from| from.weights != network.fingerprint()) {
            // Those of a training are others, as they should be.
            stderr::warn(format_args!(
                "{}: made from other weights than those of the network",
                self.network.mask_file().display()
            ));
        }
        let small =
            interrupt::at_once(|| Compaction::of(&network, &mask)?.network(&network, &mask))??;
        small.save(&self.output.output, self.output.overwrite())?;
        write_toml(small.arch(), &arch_output, self.output.overwrite())?;
        Ok(CompactReport {
            arch: arch.name().to_owned(),
            savings: Savings::new(arch, small.arch()),
            made_by,
            layers: layers(arch, small.arch(), &mask),
            output: self.output.output.clone(),
            arch_output,
        })
    }
}

fn write_toml(
    arch: &Arc<Arch>,
    path: &Path,
    overwrite: phew_graph::Overwrite,
) -> Result<(), GraphError> {
    use std::io::Write;
    write_atomically(path, overwrite, |out| {
        let io = |source| GraphError::Io { path: path.to_owned(), source };
        out.write_all(arch.to_toml().as_bytes()).map_err(io)
    })
}

fn layers(before: &Arch, after: &Arch, mask: &Mask) -> Vec<CompactLayer> {
    let pairs = before.prunable().iter().zip(after.prunable()).zip(mask.layers());
    let layer =
        |((before, after), layer): ((_, &phew_graph::TensorSpec), &phew_graph::LayerMask)| {
            let before: &phew_graph::TensorSpec = before;
            CompactLayer {
                name: before.name.clone(),
                shape_before: before.shape.in_files(),
                shape: after.shape.in_files(),
                kept: layer.kept(),
            }
        };
    pairs.map(layer).collect()
}

impl Report for CompactReport {
    fn text(&self) -> String {
        let shape =
            |sizes: &[usize]| sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("×");
        let row = |layer: &CompactLayer| {
            let len: usize = layer.shape.iter().product();
            vec![
                layer.name.clone(),
                shape(&layer.shape_before),
                shape(&layer.shape),
                grouped(layer.kept),
                percent(layer.kept as f64 / len as f64),
            ]
        };
        let rows: Vec<Vec<String>> = self.layers.iter().map(row).collect();
        let head = ["layer", "shape", "now", "kept by the mask", "of what is left"];
        format!(
            "{}\n{}: {}\nweights {}\narchitecture {}\n",
            table(&head, &rows, 3),
            self.arch,
            self.savings.text(),
            self.output.display(),
            self.arch_output.display()
        )
    }
}
