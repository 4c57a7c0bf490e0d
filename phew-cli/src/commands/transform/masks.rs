//! A mask to a mask.

use std::path::PathBuf;

use clap::Args;
use phew_baselines::{Refill, repair, shuffle, widen};
use phew_graph::{Arch, Mask, PathGraph, Provenance, SCHEMA};
use serde::Serialize;
use serde_json::{Value, json};

use super::common::Common;
use crate::failure::of_baseline;
use crate::interrupt;
use crate::layers::{LayerRow, Layers, layer_table};
use crate::output::{grouped, percent};

/// Moves each layer's kept weights to uniformly random places of the layer: only its density stays.
#[derive(Debug, Args)]
#[command(next_help_heading = "Transformation")]
pub(super) struct Shuffle {
    /// Seed of the places
    #[arg(long, default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    common: Common,
}

/// Rewires each layer at random over w' = w + x (W − w) units, where w of the layer's W units lie on a path now:
/// the same number of weights in every layer, on a growing number of units.
#[derive(Debug, Args)]
#[command(next_help_heading = "Transformation")]
pub(super) struct Widen {
    /// Width factor x: 0 keeps the units and 1 takes all
    #[arg(long, value_name = "X")]
    factor: f64,

    /// Seed of the units and the places
    #[arg(long, default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    common: Common,
}

/// Drops the kept weights that lie on no path from an input to an output.
#[derive(Debug, Args)]
#[command(next_help_heading = "Transformation")]
pub(super) struct Repair {
    /// Keep as many others instead: random ones of the same layer between units on a path
    #[arg(long)]
    refill: bool,

    /// Seed of the refill
    #[arg(long, default_value_t = 0, requires = "refill")]
    seed: u64,

    #[command(flatten)]
    common: Common,
}

impl Shuffle {
    pub(super) fn run(&self) -> anyhow::Result<MaskChange> {
        let (arch, mask, info) = self.common.load()?;
        let note = json!({ "name": "shuffle", "seed": self.seed });
        let shuffled = interrupt::at_once(|| shuffle(&mask, self.seed))?;
        finish(&self.common, &arch, info, note, (&mask, &shuffled), None)
    }
}

impl Widen {
    pub(super) fn run(&self) -> anyhow::Result<MaskChange> {
        let (arch, mask, info) = self.common.load()?;
        let graph = PathGraph::new(&arch);
        let note = json!({ "name": "widen", "factor": self.factor, "seed": self.seed });
        let wider = || widen(&mask, &graph, self.factor, self.seed);
        let widened = interrupt::at_once(wider)?.map_err(of_baseline)?;
        finish(&self.common, &arch, info, note, (&mask, &widened), None)
    }
}

impl Repair {
    pub(super) fn run(&self) -> anyhow::Result<MaskChange> {
        let (arch, mask, info) = self.common.load()?;
        let graph = PathGraph::new(&arch);
        let (refill, note) = match self.refill {
            true => {
                let note = json!({ "name": "repair", "refill": true, "seed": self.seed });
                (Refill::Uniform { seed: self.seed }, note)
            }
            false => (Refill::No, json!({ "name": "repair", "refill": false })),
        };
        let repaired = interrupt::at_once(|| repair(&mask, &graph, refill))?;
        let moved = Some((repaired.dropped, repaired.refilled));
        finish(&self.common, &arch, info, note, (&mask, &repaired.mask), moved)
    }
}

/// A mask before and after a transformation.
#[derive(Clone, Debug, Serialize)]
pub struct MaskChange {
    /// The transformation, as the new mask's metadata note it.
    pub transformation: Value,
    /// Name of the architecture.
    pub arch: String,
    /// Weights kept before.
    pub kept_before: usize,
    /// Weights kept.
    pub kept: usize,
    /// Prunable weights.
    pub prunable: usize,
    /// Weights kept on a surviving path before.
    pub effective_before: usize,
    /// Weights kept on a surviving path.
    pub effective: usize,
    /// Hidden and output units on a surviving path before.
    pub units_before: usize,
    /// Hidden and output units on a surviving path.
    pub units: usize,
    /// Jaccard similarity of the two masks.
    pub jaccard: f64,
    /// Weights that a repair dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<usize>,
    /// Weights that a repair added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refilled: Option<usize>,
    /// The new mask's file.
    pub output: PathBuf,
    /// The prunable tensors under the new mask.
    pub layers: Vec<LayerRow>,
}

/// Writes the mask and says what became of it.
fn finish(
    common: &Common,
    arch: &Arch,
    info: Option<Provenance>,
    note: Value,
    (before, after): (&Mask, &Mask),
    moved: Option<(usize, usize)>,
) -> anyhow::Result<MaskChange> {
    let from = noted(info, arch, (before, after), &note);
    after.save(common.file(), &from, common.output.overwrite())?;
    let graph = PathGraph::new(arch);
    let [layers_before, layers] = [before, after].map(|mask| Layers::new(&graph, mask));
    Ok(MaskChange {
        transformation: note,
        arch: arch.name().to_owned(),
        kept_before: before.kept(),
        kept: after.kept(),
        prunable: after.len(),
        effective_before: layers_before.effective,
        effective: layers.effective,
        units_before: layers_before.units.0,
        units: layers.units.0,
        jaccard: before.jaccard(after)?,
        dropped: moved.map(|m| m.0),
        refilled: moved.map(|m| m.1),
        output: common.file().to_owned(),
        layers: layers.rows,
    })
}

/// The mask's metadata with the transformation at the end of its list.
fn noted(
    from: Option<Provenance>,
    arch: &Arch,
    (before, after): (&Mask, &Mask),
    note: &Value,
) -> Provenance {
    let mut from = from.unwrap_or_else(|| Provenance {
        arch: arch.name().to_owned(),
        density: Some(before.density()),
        method: Some("unknown".into()),
        weights: "unknown".into(),
        ..Provenance::default()
    });
    let list = from.parameters.entry("transformations".into()).or_insert_with(|| json!([]));
    match list {
        Value::Array(list) => list.push(note.clone()),
        other => *other = json!([note]),
    }
    Provenance {
        arch_hash: Some(arch.fingerprint()),
        kept: Some(after.kept()),
        prunable: Some(after.len()),
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..from
    }
}

impl MaskChange {
    pub(super) fn text(&self) -> String {
        let mut out = layer_table(&self.layers);
        out += &format!(
            "\n{}: {} of {} weights kept ({}), before {}; {} of them on a surviving path, before {}; \
             {} units alive, before {}\n",
            self.arch,
            grouped(self.kept),
            grouped(self.prunable),
            percent(self.kept as f64 / self.prunable as f64),
            grouped(self.kept_before),
            grouped(self.effective),
            grouped(self.effective_before),
            grouped(self.units),
            grouped(self.units_before),
        );
        if let (Some(dropped), Some(refilled)) = (self.dropped, self.refilled) {
            out += &format!("{} dropped, {} refilled\n", grouped(dropped), grouped(refilled));
        }
        out += &format!("Jaccard similarity with the mask before: {:.4}\n", self.jaccard);
        out + &format!("mask {}\n", self.output.display())
    }
}
