//! What pruning reports: one type for all methods, as text and as JSON.

use std::path::PathBuf;

use phew_graph::Provenance;
use serde::Serialize;

use super::list::KnownMethod;
use crate::command::{Report, record};
use crate::layers::{LayerRow, Layers, beyond_the_papers};
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
    /// Where it comes from, as the mask's metadata has it, and the threads that made it.
    #[serde(flatten)]
    pub provenance: Provenance,
    /// Where the weights came from, in words.
    #[serde(skip)]
    weights: String,
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
        provenance: Provenance,
        weights: String,
        layers: Layers,
        how: How,
        phases: Vec<(&'static str, f64)>,
        output: PathBuf,
    ) -> Self {
        // The mask does not depend on them: it is the time that does.
        let threads = provenance.threads.unwrap_or_else(rayon::current_num_threads);
        Self {
            provenance: Provenance { threads: Some(threads), ..provenance },
            weights,
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

    /// Weights kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.layers.iter().map(|layer| layer.kept).sum()
    }

    /// Prunable weights.
    #[must_use]
    pub fn prunable(&self) -> usize {
        self.layers.iter().map(|layer| layer.total).sum()
    }

    /// What was kept, in a line.
    fn summary(&self) -> String {
        let (arch, kept) = (&self.provenance.arch, grouped(self.kept()));
        let prunable = grouped(self.prunable());
        let density = percent(self.kept() as f64 / self.prunable() as f64);
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
                self.provenance.method.as_deref().unwrap_or_default(),
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
        out += &beyond_the_papers(&self.provenance.extensions);
        out + &format!("mask {}\n", self.output.display())
    }
}

/// Several masks as a table, a line each.
fn overview(masks: &[PrunedMask]) -> String {
    let head = ["mask", "density", "seed", "kept", "of", "dead units", "seconds"];
    let row = |mask: &PrunedMask| {
        vec![
            mask.output.display().to_string(),
            mask.provenance.density.unwrap_or_default().to_string(),
            mask.provenance.seed.unwrap_or_default().to_string(),
            grouped(mask.kept()),
            grouped(mask.prunable()),
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
            Self::Methods { .. } => record(self),
            Self::Masks(masks) => {
                masks.iter().map(|mask| Ok(serde_json::to_string(mask)? + "\n")).collect()
            }
        }
    }
}
