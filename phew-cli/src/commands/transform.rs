//! `phew transform`: ablations and repairs, a mask to a mask or weights to weights, after any method.

mod masks;
mod weights;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use phew_graph::{Arch, Mask, MaskInfo};

use crate::args::{ArchArgs, OutputArgs, load_mask};

/// Transforms a mask, or the weights under one, and writes a new file.
///
/// Scores are inverted by `phew prune --invert`; N(0, 1) in every layer and orthogonal weights are initialisers, of
/// `phew init` and of `phew transform reinit --init`.
#[derive(Debug, Args)]
pub(crate) struct Transform {
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

impl Transform {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match &self.what {
            What::Shuffle(job) => job.run(),
            What::Widen(job) => job.run(),
            What::Repair(job) => job.run(),
            What::Reinit(job) => job.run(),
            What::Isometry(job) => job.run(),
        }
    }
}

/// What all transformations take.
#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    arch: ArchArgs,

    /// Mask of the architecture
    #[arg(long, value_name = "FILE")]
    mask: PathBuf,

    #[command(flatten)]
    output: OutputArgs,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Common {
    fn load(&self) -> anyhow::Result<(Arc<Arch>, Mask, Option<MaskInfo>)> {
        self.output.check()?;
        let arch = self.arch.load()?;
        let (mask, info) = load_mask(&self.mask, &arch)?;
        Ok((arch, mask, info))
    }

    fn file(&self) -> &Path {
        &self.output.output
    }
}
