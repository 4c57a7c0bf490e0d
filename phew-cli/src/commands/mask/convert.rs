//! A mask in another form, or applied to weights.

use std::path::PathBuf;

use clap::Args;
use phew_graph::{Choice, Mask, MaskForm, Network, Provenance, write_pytorch_pruned};
use serde::Serialize;

use crate::args::{ArchArgs, OutputArgs, choice, load_own_weights, load_weights};
use crate::failure::usage;
use crate::output::{grouped, percent};

/// Which mask, and what to make of it.
#[derive(Debug, Args)]
pub(super) struct Convert {
    #[command(flatten)]
    arch: ArchArgs,

    /// The mask, in any form
    #[arg(value_name = "MASK")]
    mask: PathBuf,

    /// Weights, where they are written too: safetensors, .pt2 or .onnx; an exported model's own by default
    #[arg(long, value_name = "FILE", help_heading = "Weights")]
    weights: Option<PathBuf>,

    /// Pass over tensors of the file that the architecture does not have
    #[arg(long, requires = "weights", help_heading = "Weights")]
    ignore_extra: bool,

    /// Form of the mask
    #[arg(long, value_name = "FORM", default_value_t, value_parser = choice::<MaskForm>(), help_heading = "Output")]
    to: MaskForm,

    /// Write the weights instead, with zeros in the place of what the mask prunes
    #[arg(long, conflicts_with = "to", help_heading = "Output")]
    apply: bool,

    #[command(flatten)]
    output: OutputArgs,
}

/// What was written.
#[derive(Clone, Debug, Serialize)]
pub struct Converted {
    /// Name of the architecture.
    pub arch: String,
    /// Form of the mask that was read.
    pub from: &'static str,
    /// Form of what was written: `weights` for weights with zeros in place.
    pub to: &'static str,
    /// Weights kept.
    pub kept: usize,
    /// Prunable weights.
    pub prunable: usize,
    /// The file.
    pub output: PathBuf,
}

impl Convert {
    pub(super) fn run(&self) -> anyhow::Result<Converted> {
        self.output.check()?;
        let needs_weights = self.apply || self.to == MaskForm::Pruned;
        if !needs_weights && self.weights.is_some() {
            return Err(usage("--weights is for --apply and --to pruned, which write them"));
        }
        let arch = self.arch.load()?;
        let (mask, info, from) = Mask::load_for(&self.mask, &arch)?;
        let network = match (&self.weights, self.arch.own_weights()) {
            _ if !needs_weights => None,
            (Some(path), _) => Some(load_weights(path, arch.clone(), self.ignore_extra)?),
            (None, Some(path)) => Some(load_own_weights(path, arch.clone())?),
            (None, None) => {
                return Err(usage("--apply and --to pruned write weights: name them by --weights"));
            }
        };
        let (path, overwrite) = (&self.output.output, self.output.overwrite());
        match (&network, self.to) {
            (Some(network), _) if self.apply => applied(network, &mask)?.save(path, overwrite)?,
            (Some(network), MaskForm::Pruned) => {
                write_pytorch_pruned(path, network, &mask, overwrite)?;
            }
            (_, MaskForm::Buffers) => mask.save_buffers(path, overwrite)?,
            _ => {
                let made = || Provenance {
                    arch: arch.name().to_owned(),
                    arch_hash: Some(arch.fingerprint()),
                    density: Some(mask.density()),
                    kept: Some(mask.kept()),
                    method: Some("unknown".into()),
                    prunable: Some(mask.len()),
                    schema: phew_graph::SCHEMA,
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    ..Provenance::default()
                };
                mask.save(path, &info.unwrap_or_else(made), overwrite)?;
            }
        }
        Ok(Converted {
            arch: arch.name().to_owned(),
            from: from.name(),
            to: if self.apply { "weights" } else { self.to.name() },
            kept: mask.kept(),
            prunable: mask.len(),
            output: path.clone(),
        })
    }
}

/// The network with zeros in the place of what a mask prunes.
fn applied(network: &Network, mask: &Mask) -> anyhow::Result<Network> {
    let all = network.weights();
    let weights = all.iter().zip(mask.layers()).map(|(weights, layer)| {
        let kept = |(index, &weight): (usize, &f32)| if layer.get(index) { weight } else { 0.0 };
        weights.iter().enumerate().map(kept).collect()
    });
    Ok(network.with_weights(weights.collect())?)
}

impl Converted {
    pub(super) fn text(&self) -> String {
        let Self { arch, from, to, kept, prunable, output } = self;
        let density = percent(*kept as f64 / *prunable as f64);
        let (kept, prunable, file) = (grouped(*kept), grouped(*prunable), output.display());
        format!("{arch}: {kept} of {prunable} weights kept ({density}), {from} to {to} in {file}\n")
    }
}
