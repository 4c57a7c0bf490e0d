//! `phew pack`: a network and its mask as a small file.

use std::path::PathBuf;

use clap::Args;
use phew_graph::{PackedType, Provenance};
use serde::Serialize;

use crate::args::{Masked, MaskedArgs, OutputArgs, choice};
use crate::command::{Command, Example, Report};
use crate::output::{grouped, percent};

/// Write a network and its mask as a small file: the kept weights, and where they stand.
///
/// Every command takes the file as --weights, in which pruned weights are 0, and as --mask. It is safetensors;
/// docs/formats.md shows how Python reads it in ten lines.
#[derive(Debug, Args)]
pub struct Pack {
    #[command(flatten)]
    network: MaskedArgs,

    /// What the kept weights are written in; biases and normalisation stay f32
    #[arg(long = "type", value_name = "TYPE", value_parser = choice::<PackedType>(),
        default_value = "f32", help_heading = "Output")]
    kind: PackedType,

    #[command(flatten)]
    output: OutputArgs,
}

/// What was written.
#[derive(Clone, Debug, Serialize)]
pub struct PackReport {
    /// Name of the architecture.
    pub arch: String,
    /// What the kept weights are written in.
    #[serde(rename = "type")]
    pub kind: String,
    /// Weights kept.
    pub kept: usize,
    /// Prunable weights.
    pub prunable: usize,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of the values of all tensors, as f32.
    pub bytes_whole: u64,
    /// Where the mask comes from.
    pub made_by: Option<Provenance>,
    /// The file.
    pub output: PathBuf,
}

impl Command for Pack {
    const NAME: &'static str = "pack";
    const EXAMPLES: &'static [Example] = &[
        (
            "trained weights under their mask",
            "phew pack --arch lenet-5 --weights w.safetensors --mask m.safetensors -o packed.safetensors",
        ),
        (
            "in half precision",
            "phew pack --arch lenet-5 --weights w.safetensors --mask m.safetensors --type bf16 \\\n      -o halves.safetensors",
        ),
    ];
    type Report = PackReport;

    fn run(&self) -> anyhow::Result<PackReport> {
        self.output.check()?;
        let Masked { network, mask, made_by } = self.network.load()?;
        let arch = network.arch();
        let path = &self.output.output;
        network.save_packed(&mask, path, self.kind, made_by.as_ref(), self.output.overwrite())?;
        Ok(PackReport {
            arch: arch.name().to_owned(),
            kind: self.kind.to_string(),
            kept: mask.kept(),
            prunable: arch.prunable_len(),
            bytes: std::fs::metadata(path)?.len(),
            bytes_whole: network.bytes(),
            made_by,
            output: path.clone(),
        })
    }
}

impl Report for PackReport {
    fn text(&self) -> String {
        format!(
            "{}: {} of {} weights, in {}\n{} bytes in place of {} ({})\n{}\n",
            self.arch,
            grouped(self.kept),
            grouped(self.prunable),
            self.kind,
            grouped(self.bytes),
            grouped(self.bytes_whole),
            percent(self.bytes as f64 / self.bytes_whole.max(1) as f64),
            self.output.display()
        )
    }
}
