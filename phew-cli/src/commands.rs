//! The subcommands, one file each.

mod compare;
#[cfg(feature = "train")]
mod data;
mod doctor;
mod init;
mod inspect;
#[cfg(feature = "train")]
mod measure;
mod node_path;
mod prune;
#[cfg(feature = "train")]
mod train;
mod transform;
mod verify;

use clap::Subcommand;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Draw the initial weights of an architecture
    Init(init::Init),
    /// Choose the weights to keep, from their initial values
    Prune(prune::Prune),
    /// Show a network or a mask: layers, widths, dead units
    Inspect(inspect::Inspect),
    /// Compare masks with each other
    Compare(compare::Compare),
    /// Transform a mask, or the weights under one: ablations and repairs
    Transform(transform::Transform),
    /// Measure how masks balance nodes and paths
    NodePath(node_path::NodePath),
    /// Train a network, dense or masked
    #[cfg(feature = "train")]
    Train(Box<train::Train>),
    /// Measure a network on data: gradient, tangent kernel, Jacobian
    #[cfg(feature = "train")]
    Measure(Box<measure::Measure>),
    /// Fetch, check and describe data sets
    #[cfg(feature = "train")]
    Data(data::Data),
    /// Check the papers' claims numerically
    Verify(verify::Verify),
    /// Show what this machine has
    Doctor(doctor::Doctor),
}

impl Command {
    /// Whether it computes with libtorch for long.
    #[cfg(feature = "train")]
    pub(crate) fn trains(&self) -> bool {
        matches!(self, Command::Train(_) | Command::Measure(_))
    }

    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match self {
            Command::Init(command) => command.run(),
            Command::Prune(command) => command.run(),
            Command::Inspect(command) => command.run(),
            Command::Compare(command) => command.run(),
            Command::Transform(command) => command.run(),
            Command::NodePath(command) => command.run(),
            #[cfg(feature = "train")]
            Command::Train(command) => command.run(),
            #[cfg(feature = "train")]
            Command::Measure(command) => command.run(),
            #[cfg(feature = "train")]
            Command::Data(command) => command.run(),
            Command::Verify(command) => command.run(),
            Command::Doctor(command) => command.run(),
        }
    }
}
