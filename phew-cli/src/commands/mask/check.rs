//! What is to be said of a mask: whether it fits, and what of it is of no use.

use std::path::PathBuf;

use clap::Args;
use phew_graph::{Choice, Mask, PathGraph};
use serde::Serialize;

use crate::args::ArchArgs;
use crate::layers::{LayerRow, Layers};
use crate::output::{grouped, percent};

/// Which mask.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    arch: ArchArgs,

    /// The mask, in any form
    #[arg(value_name = "MASK")]
    mask: PathBuf,
}

/// What is to be said of a mask whose names and shapes fit.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// Name of the architecture.
    pub arch: String,
    /// Form of the mask.
    pub form: &'static str,
    /// Whether nothing is wrong: no layer has collapsed, no unit is dead, and every kept weight lies on a path.
    pub sound: bool,
    /// Weights kept.
    pub kept: usize,
    /// Prunable weights.
    pub prunable: usize,
    /// Kept over prunable.
    pub density: f64,
    /// Weights kept that lie on no surviving path.
    pub on_no_path: usize,
    /// Units that weights lead to and no surviving path passes.
    pub dead_units: usize,
    /// Layers of which nothing is kept.
    pub collapsed: Vec<String>,
    /// Whether any path from input to output survives.
    pub connected: bool,
    /// The prunable tensors.
    pub layers: Vec<LayerRow>,
}

impl Check {
    pub(super) fn run(&self) -> anyhow::Result<Checked> {
        let arch = self.arch.load()?;
        let (mask, _, form) = Mask::load_for(&self.mask, &arch)?;
        let layers = Layers::new(&PathGraph::new(&arch), &mask);
        let empty = mask.layers().iter().filter(|layer| layer.kept() == 0);
        let collapsed: Vec<String> = empty.map(|layer| layer.name().to_owned()).collect();
        let (on_no_path, dead_units) = (mask.kept() - layers.effective, layers.dead_units());
        Ok(Checked {
            arch: arch.name().to_owned(),
            form: form.name(),
            sound: collapsed.is_empty() && on_no_path == 0 && dead_units == 0,
            kept: mask.kept(),
            prunable: mask.len(),
            density: mask.density(),
            on_no_path,
            dead_units,
            collapsed,
            connected: layers.effective > 0,
            layers: layers.rows,
        })
    }
}

impl Checked {
    pub(super) fn text(&self) -> String {
        let (kept, prunable) = (grouped(self.kept), grouped(self.prunable));
        let density = percent(self.density);
        let mut text = format!(
            "{}: names and shapes fit ({}); {kept} of {prunable} weights kept ({density})\n",
            self.arch, self.form
        );
        if self.sound {
            return text + "every kept weight lies on a path, and no unit is dead\n";
        }
        if !self.connected {
            text += "no path leads from input to output\n";
        }
        if !self.collapsed.is_empty() {
            text += &format!("nothing is left of {}\n", self.collapsed.join(", "));
        }
        text + &format!(
            "{} kept weights lie on no path; {} units are dead (phew transform repair drops and refills)\n",
            grouped(self.on_no_path),
            grouped(self.dead_units)
        )
    }
}
