//! What pruning reports: one type for all methods, as text and as JSON.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use super::list::KnownMethod;
use crate::command::Report;
use crate::layers::{LayerRow, Layers};
use crate::methods::How;
use crate::output::{counted, grouped, percent, table};

/// What `phew prune` found out.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum PruneReport {
    /// The methods.
    Methods {
        /// All of them.
        methods: Vec<KnownMethod>,
    },
    /// The masks, by ascending density.
    Masks(Vec<PrunedMask>),
}

/// A mask that was made, and how.
#[derive(Clone, Debug, Serialize)]
pub struct PrunedMask {
    /// The method.
    pub method: String,
    /// The architecture.
    pub arch: String,
    /// Density asked for, or what so many paths came to.
    pub density: f64,
    /// Seed of the method's random choices.
    pub seed: u64,
    /// The method's parameters, as the mask's metadata has them.
    pub parameters: BTreeMap<String, Value>,
    /// Where the weights came from.
    pub weights: String,
    /// Weights kept.
    pub kept: usize,
    /// Prunable weights.
    pub prunable: usize,
    /// Weights kept on a surviving path.
    pub effective: usize,
    /// What only some methods have to say.
    #[serde(flatten)]
    pub how: How,
    /// Seconds in all.
    pub seconds: f64,
    /// Seconds by phase, in the order of the phases.
    #[serde(serialize_with = "as_map")]
    pub phases: Vec<(&'static str, f64)>,
    /// The mask's file.
    pub output: PathBuf,
    /// The prunable tensors.
    pub layers: Vec<LayerRow>,
    /// Units that weights lead to and no surviving path passes.
    pub dead_units: usize,
    /// The tensors as a table.
    #[serde(skip)]
    table: String,
}

fn as_map<S: serde::Serializer>(
    phases: &[(&'static str, f64)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(phases.iter().copied())
}

impl PrunedMask {
    /// The report on a mask that lies in its file.
    pub(super) fn new(
        info: phew_graph::MaskInfo,
        weights: String,
        (layers, mask): (Layers, &phew_graph::Mask),
        how: How,
        phases: Vec<(&'static str, f64)>,
        output: PathBuf,
    ) -> Self {
        Self {
            method: info.method,
            arch: info.arch,
            density: info.density,
            seed: info.seed,
            parameters: info.parameters,
            weights,
            kept: mask.kept(),
            prunable: mask.len(),
            effective: layers.effective,
            how,
            seconds: phases.iter().map(|(_, seconds)| seconds).sum(),
            phases,
            output,
            table: layers.table(),
            dead_units: layers.dead_units(),
            layers: layers.rows,
        }
    }

    /// What was kept, in a line.
    fn summary(&self) -> String {
        let (arch, kept, prunable) = (&self.arch, grouped(self.kept), grouped(self.prunable));
        let density = percent(self.kept as f64 / self.prunable as f64);
        let dead = grouped(self.dead_units);
        match &self.how {
            How::Walks { walks, overshoot, .. } => format!(
                "{arch}: {kept} of {prunable} weights kept ({density}) by {} walks, {overshoot} over the target; \
                 {dead} dead units",
                grouped(*walks),
            ),
            How::Paths { paths, ln_product_first, ln_product_last, of } => format!(
                "{arch}: {kept} of {prunable} weights kept ({density}) by {} paths, \
                 ln Π{of} from {ln_product_first:.3} to {ln_product_last:.3}; {dead} dead units",
                grouped(*paths),
            ),
            How::Scores { steps } => format!(
                "{arch}: {} keeps {kept} of {prunable} weights ({density}) in {}, {} of them on a surviving path; \
                 {dead} dead units",
                self.method,
                counted(*steps, "step"),
                grouped(self.effective),
            ),
        }
    }

    fn text(&self) -> String {
        let phases: Vec<String> =
            self.phases.iter().map(|(name, seconds)| format!("{name} {seconds:.3}")).collect();
        let mut out = format!("{}\n{}\n", self.table, self.summary());
        out += &format!("weights {}; {:.2} s: {}\n", self.weights, self.seconds, phases.join(", "));
        if let How::Walks { walks_per_second, weights_per_second, .. } = self.how {
            let (walks, weights) =
                (grouped(walks_per_second as u64), grouped(weights_per_second as u64));
            out += &format!("{walks} walks and {weights} weights a second\n");
        }
        out + &format!("mask {}\n", self.output.display())
    }
}

/// Several masks as a table, a line each.
fn overview(masks: &[PrunedMask]) -> String {
    let head = ["mask", "density", "seed", "kept", "of", "dead units", "seconds"];
    let row = |mask: &PrunedMask| {
        vec![
            mask.output.display().to_string(),
            mask.density.to_string(),
            mask.seed.to_string(),
            grouped(mask.kept),
            grouped(mask.prunable),
            grouped(mask.dead_units),
            format!("{:.2}", mask.seconds),
        ]
    };
    table(&head, &masks.iter().map(row).collect::<Vec<_>>(), 1)
}

impl Report for PruneReport {
    fn text(&self) -> String {
        match self {
            Self::Methods { methods } => super::list::text(methods),
            Self::Masks(masks) => match &masks[..] {
                [mask] => mask.text(),
                several => overview(several),
            },
        }
    }

    fn json(&self) -> serde_json::Result<String> {
        match self {
            Self::Methods { .. } => Ok(serde_json::to_string(self)? + "\n"),
            Self::Masks(masks) => {
                masks.iter().map(|mask| Ok(serde_json::to_string(mask)? + "\n")).collect()
            }
        }
    }
}
