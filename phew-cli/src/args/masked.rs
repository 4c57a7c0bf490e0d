//! A network and its mask.

use std::path::{Path, PathBuf};

use clap::Args;
use phew_graph::{Mask, Network, Provenance};

use super::{ArchArgs, WeightArgs, load_mask};

/// A network and its mask.
#[derive(Debug, Args)]
pub(crate) struct MaskedArgs {
    #[command(flatten)]
    arch: ArchArgs,

    /// Mask of the architecture
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    mask: PathBuf,

    #[command(flatten)]
    weights: WeightArgs,
}

/// What they name.
#[derive(Debug)]
pub(crate) struct Masked {
    /// The architecture, weights included.
    pub(crate) network: Network,
    /// In the order of the architecture.
    pub(crate) mask: Mask,
    /// Where the mask comes from.
    pub(crate) made_by: Option<Provenance>,
}

impl MaskedArgs {
    /// The network and its mask; weights that are drawn have seed 0 unless told otherwise.
    pub(crate) fn load(&self) -> anyhow::Result<Masked> {
        let arch = self.arch.load()?;
        let (mask, made_by) = load_mask(&self.mask, &arch)?;
        let (network, _) = self.weights.load(arch, self.arch.own_weights(), 0)?;
        Ok(Masked { network, mask, made_by })
    }

    /// The mask's file.
    pub(crate) fn mask_file(&self) -> &Path {
        &self.mask
    }
}
