//! `phew mask`: masks between the conventions in use, and what is to be said of one.

mod check;
mod convert;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::command::{Command, Example, Report};
pub use check::Checked;
pub use convert::Converted;

/// Convert a mask, or check it.
///
/// Masks are read in any form by every command: under the weights' names as BOOL or numbers of 0 and 1, or as
/// torch.nn.utils.prune keeps them, with or without the weights beside them.
#[derive(Debug, Args)]
pub struct Mask {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write a mask in another form, or the weights with zeros in the place of what it prunes
    Convert(convert::Convert),
    /// Check names and shapes, and find what is dead, collapsed or on no path
    Check(check::Check),
}

/// What was done.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum MaskReport {
    /// A mask in another form.
    Converted(Converted),
    /// What is to be said of a mask.
    Checked(Checked),
}

impl Command for Mask {
    const NAME: &'static str = "mask";
    const EXAMPLES: &'static [Example] = &[
        (
            "what is wrong with a mask of another program",
            "phew mask check --arch lenet-5 m.safetensors",
        ),
        (
            "a state dict for a model under torch.nn.utils.prune",
            "phew mask convert --arch lenet-5 m.safetensors --weights w.safetensors \\\n      --to pruned -o pruned.safetensors",
        ),
        (
            "the weights with zeros in place",
            "phew mask convert --arch lenet-5 m.safetensors --weights w.safetensors \\\n      --apply -o sparse.safetensors",
        ),
    ];
    type Report = MaskReport;

    fn run(&self) -> anyhow::Result<MaskReport> {
        Ok(match &self.what {
            What::Convert(job) => MaskReport::Converted(job.run()?),
            What::Check(job) => MaskReport::Checked(job.run()?),
        })
    }
}

impl Report for MaskReport {
    fn text(&self) -> String {
        match self {
            Self::Converted(report) => report.text(),
            Self::Checked(report) => report.text(),
        }
    }
}
