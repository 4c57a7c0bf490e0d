//! `phew transform`: ablations and repairs, a mask to a mask or weights to weights, after any method.

mod common;
mod masks;
mod weights;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::command::{Command, Example, Report};
pub use masks::MaskChange;
pub use weights::{Corrected, CorrectedLayer, Drawn, DrawnLayer};

/// Transform a mask, or the weights under one: ablations and repairs.
///
/// Each transformation writes a new file. Scores are inverted by `phew prune --invert`; N(0, 1) in every layer and orthogonal weights are initialisers, of
/// `phew init` and of `phew transform reinit --init`.
#[derive(Debug, Args)]
pub struct Transform {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Move each layer's kept weights to uniformly random places of the layer (Frankle et al. 2021)
    Shuffle(masks::Shuffle),
    /// Rewire each layer at random over a growing number of units (Patil & Dovrolis 2021, figure 3)
    Widen(masks::Widen),
    /// Drop the weights that lie on no path, and optionally refill
    Repair(masks::Repair),
    /// Draw the prunable weights anew, with variances that answer to the mask
    Reinit(weights::Reinitialise),
    /// Move the kept weights towards approximate isometry, without data (Lee et al. 2020)
    Isometry(weights::Isometric),
}

/// What was transformed.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum TransformReport {
    /// A mask, to a mask.
    Mask(MaskChange),
    /// Weights, drawn anew.
    Drawn(Drawn),
    /// Weights, moved towards isometry.
    Corrected(Corrected),
}

impl Command for Transform {
    const NAME: &'static str = "transform";
    const EXAMPLES: &'static [Example] = &[
        (
            "the same number of weights in every layer, at random places",
            "phew transform shuffle --arch lenet-5 --mask m.safetensors -o shuffled.safetensors",
        ),
        (
            "on half of the units that the layers have to spare",
            "phew transform widen --arch lenet-5 --mask m.safetensors --factor 0.5 -o wide.safetensors",
        ),
        (
            "without weights that lie on no path, others in their place",
            "phew transform repair --arch lenet-5 --mask other.safetensors --refill -o whole.safetensors",
        ),
        (
            "new weights whose variance makes up for what is pruned",
            "phew transform reinit --arch lenet-5 --mask m.safetensors --weights w.safetensors \\\n      --how layerwise-sparse -o drawn.safetensors",
        ),
        (
            "weights that keep the length of what passes them",
            "phew transform isometry --arch lenet-5 --mask m.safetensors --weights w.safetensors \\\n      --iterations 20 -o isometric.safetensors",
        ),
    ];
    type Report = TransformReport;

    fn run(&self) -> anyhow::Result<TransformReport> {
        Ok(match &self.what {
            What::Shuffle(job) => TransformReport::Mask(job.run()?),
            What::Widen(job) => TransformReport::Mask(job.run()?),
            What::Repair(job) => TransformReport::Mask(job.run()?),
            What::Reinit(job) => TransformReport::Drawn(job.run()?),
            What::Isometry(job) => TransformReport::Corrected(job.run()?),
        })
    }
}

impl Report for TransformReport {
    fn text(&self) -> String {
        match self {
            TransformReport::Mask(change) => change.text(),
            TransformReport::Drawn(drawn) => drawn.text(),
            TransformReport::Corrected(corrected) => corrected.text(),
        }
    }
}
