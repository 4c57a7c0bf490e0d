//! `phew init`: the initial weights of an architecture.

use clap::Args;
use phew_graph::{Init as Initialiser, Network};
use serde::Serialize;

use crate::args::{ArchArgs, OutputArgs};
use crate::interrupt;
use crate::output::{grouped, json, text};

/// Draws initial weights and writes them as safetensors.
///
/// Biases start at 0 and batch normalisation at its neutral values. Each tensor has a random stream of its
/// own: the same seed gives the same tensor whatever else the network has.
#[derive(Debug, Args)]
pub(crate) struct Init {
    #[command(flatten)]
    arch: ArchArgs,

    /// kaiming-normal, kaiming-uniform (each also -fan-out), xavier-normal, xavier-uniform, normal:STD,
    /// orthogonal
    #[arg(long, value_name = "NAME", default_value = "kaiming-normal")]
    init: Initialiser,

    /// Seed of the weights
    #[arg(long, default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    output: OutputArgs,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    arch: &'a str,
    init: String,
    seed: u64,
    prunable: usize,
    weights: String,
    output: &'a std::path::Path,
}

impl Init {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        self.output.check()?;
        let arch = self.arch.load()?;
        let network = interrupt::at_once(|| Network::initialise(arch, self.init, self.seed))??;
        network.save(&self.output.output, self.output.overwrite())?;
        let report = Report {
            arch: network.arch().name(),
            init: self.init.to_string(),
            seed: self.seed,
            prunable: network.arch().prunable_len(),
            weights: network.fingerprint(),
            output: &self.output.output,
        };
        if self.json {
            return json(&report);
        }
        let (arch, prunable) = (report.arch, grouped(report.prunable));
        let file = report.output.display();
        text(&format!(
            "{arch}: {prunable} prunable weights ({}, seed {}) in {file}\n",
            self.init, self.seed
        ))
    }
}
