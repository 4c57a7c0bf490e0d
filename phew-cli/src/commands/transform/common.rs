//! What all transformations take: an architecture, a mask, a file to write.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use phew_graph::{Arch, Mask, Provenance};

use crate::args::{ArchArgs, OutputArgs, load_mask};

/// What all transformations take.
#[derive(Debug, Args)]
pub(super) struct Common {
    #[command(flatten)]
    arch: ArchArgs,

    /// Mask of the architecture
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    mask: PathBuf,

    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl Common {
    pub(super) fn load(&self) -> anyhow::Result<(Arc<Arch>, Mask, Option<Provenance>)> {
        self.output.check()?;
        let arch = self.arch.load()?;
        let (mask, info) = load_mask(&self.mask, &arch)?;
        Ok((arch, mask, info))
    }

    pub(super) fn file(&self) -> &Path {
        &self.output.output
    }
}
