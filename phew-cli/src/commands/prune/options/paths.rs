//! Options of the path methods.

use std::num::NonZeroUsize;

use clap::Args;

/// Options of the path methods.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of top-paths, bottom-paths and gradient-paths")]
pub(crate) struct PathArgs {
    /// So many paths instead of a density
    #[arg(long, value_name = "N", conflicts_with = "density")]
    pub(crate) paths: Option<NonZeroUsize>,
}
