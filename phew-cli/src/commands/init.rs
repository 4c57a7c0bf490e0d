//! `phew init`: the initial weights of an architecture.

use std::path::PathBuf;

use clap::Args;
use phew_graph::{Init as Initialiser, Network, NormScale};
use serde::Serialize;

use crate::args::{ModelArgs, OutputArgs, choice, drawn};
use crate::command::{Command, Example, Report};
use crate::interrupt;
use crate::output::grouped;

/// Draw the initial weights of an architecture.
///
/// They are written as safetensors. Biases start at 0 and batch normalisation at its neutral values, but for its scales
/// if --norm-scale draws them. Each tensor has a random stream of its
/// own: the same seed gives the same tensor whatever else the network has.
#[derive(Debug, Args)]
pub struct Init {
    #[command(flatten)]
    arch: ModelArgs,

    /// kaiming-normal, kaiming-uniform (each also -fan-out), xavier-normal, xavier-uniform, normal:STD,
    /// orthogonal
    #[arg(long, value_name = "NAME", default_value = "kaiming-normal", help_heading = "Weights")]
    init: Initialiser,

    /// Scales of batch normalisations
    #[arg(long, value_name = "SCALE", default_value_t, value_parser = choice::<NormScale>(), help_heading = "Weights")]
    norm_scale: NormScale,

    /// Seed of the weights
    #[arg(long, default_value_t = 0, help_heading = "Weights")]
    seed: u64,

    #[command(flatten)]
    output: OutputArgs,
}

/// The weights that were drawn.
#[derive(Clone, Debug, Serialize)]
pub struct InitReport {
    /// Name of the architecture.
    pub arch: String,
    /// The initialiser.
    pub init: String,
    /// What the scales of normalisations are; none if they are 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub norm_scale: Option<NormScale>,
    /// Seed of both.
    pub seed: u64,
    /// Prunable weights.
    pub prunable: usize,
    /// [`Network::fingerprint`] of the weights.
    pub weights: String,
    /// The file.
    pub output: PathBuf,
}

impl Command for Init {
    const NAME: &'static str = "init";
    const EXAMPLES: &'static [Example] = &[
        ("the weights of ResNet-20", "phew init --arch resnet20 -o resnet20.safetensors"),
        (
            "of a smaller one, orthogonal",
            "phew init --arch lenet-5 --init orthogonal --seed 7 -o lenet.safetensors",
        ),
    ];
    type Report = InitReport;

    fn run(&self) -> anyhow::Result<InitReport> {
        self.output.check()?;
        let arch = self.arch.load()?;
        let network = interrupt::at_once(|| Network::initialise(arch, self.init, self.seed))??
            .with_norm_scale(self.norm_scale, self.seed);
        network.save(&self.output.output, self.output.overwrite())?;
        Ok(InitReport {
            arch: network.arch().name().to_owned(),
            init: self.init.to_string(),
            norm_scale: drawn(self.norm_scale),
            seed: self.seed,
            prunable: network.arch().prunable_len(),
            weights: network.fingerprint(),
            output: self.output.output.clone(),
        })
    }
}

impl Report for InitReport {
    fn text(&self) -> String {
        let Self { arch, init, norm_scale, seed, prunable, output, .. } = self;
        let scale = norm_scale.map(|s| format!(", scales {s}")).unwrap_or_default();
        let (prunable, file) = (grouped(*prunable), output.display());
        format!("{arch}: {prunable} prunable weights ({init}{scale}, seed {seed}) in {file}\n")
    }
}
