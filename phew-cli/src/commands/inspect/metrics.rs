//! What `inspect` measures besides the mask itself: the theory's numbers, of the weights as well as of the mask.

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use phew_graph::{Arch, Mask};
use phew_metrics::{Analysis, LayerIsometry, SingularValues};
use serde::Serialize;

use crate::args::WeightArgs;
use crate::failure::usage;
use crate::interrupt;

use super::explicit::{Explicit, ExplicitArgs};
use super::per_weight::{WriteArgs, Written};
use super::singular_values;
use super::spectrum::{Distribution, Eigenvalues, SpectrumArgs};
use super::theory::Theory;

/// Which metrics.
#[derive(Debug, Args)]
#[command(next_help_heading = "Metrics")]
pub(super) struct MetricArgs {
    /// Add paths, objectives, path kernel trace, walks, degrees, stub units, FLOPs and spectral gaps
    #[arg(long)]
    metrics: bool,

    #[command(flatten)]
    spectrum: SpectrumArgs,

    /// Add the singular values of each layer
    #[arg(long)]
    isometry: bool,

    /// Add the singular values of the input-output Jacobian (networks of linear operators only)
    #[arg(long)]
    jacobian: bool,

    #[command(flatten)]
    explicit: ExplicitArgs,

    #[command(flatten)]
    write: WriteArgs,

    #[command(flatten)]
    weights: WeightArgs,
}

/// What was asked for.
#[derive(Debug, Serialize)]
pub struct Metrics {
    weights: String,
    /// Whether the mask was made from these weights; none if it does not say.
    weights_of_mask: Option<bool>,
    #[serde(flatten)]
    theory: Option<Theory>,
    spectrum: Option<Eigenvalues>,
    spectral_density: Option<Distribution>,
    isometry: Option<Vec<LayerIsometry>>,
    jacobian: Option<SingularValues>,
    #[serde(flatten)]
    explicit: Option<Explicit>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    written: Vec<Written>,
}

impl MetricArgs {
    /// Whether anything is to be measured.
    pub(super) fn asked(&self) -> bool {
        self.metrics
            || self.isometry
            || self.jacobian
            || self.spectrum.asked()
            || self.explicit.asked()
            || self.write.asked()
    }

    /// Refuses options that would do nothing, and outputs that cannot be written.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if let Some(option) = self.explicit.idle() {
            return Err(usage(format!("{option} is for --paths and --path-kernel")));
        }
        match self.weights.given() {
            Some(option) if !self.asked() => Err(usage(format!(
                "{option}: a mask by itself needs no weights; --metrics and the like do"
            ))),
            _ => self.write.check(),
        }
    }

    /// Computes what was asked for; `None` if nothing was. `own` is the file of the architecture's own weights,
    /// `made_from` the fingerprint that the mask names.
    pub(super) fn measure(
        &self,
        (arch, own): (Arc<Arch>, Option<&Path>),
        mask: Option<&Mask>,
        made_from: Option<&str>,
    ) -> anyhow::Result<Option<Metrics>> {
        if !self.asked() {
            return Ok(None);
        }
        let (network, source) = self.weights.load(arch, own, 0)?;
        let analysis = Analysis::new(&network, mask)?;
        // What is refused is refused before anything takes long.
        let explicit = interrupt::at_once(|| self.explicit.list(&analysis))??;
        let jacobian = || self.jacobian.then(|| singular_values::jacobian(&analysis)).transpose();
        let theory = || self.metrics.then(|| Theory::new(&network, &analysis)).transpose();
        let isometry = || self.isometry.then(|| analysis.layer_isometry()).transpose();
        let mut metrics = Metrics {
            weights: source.to_string(),
            weights_of_mask: made_from.map(|weights| weights == network.fingerprint()),
            jacobian: interrupt::at_once(jacobian)??,
            theory: interrupt::at_once(theory)??,
            isometry: interrupt::at_once(isometry)??,
            spectrum: self.spectrum.eigenvalues(&analysis)?,
            spectral_density: self.spectrum.distribution(&analysis)?,
            explicit,
            written: Vec::new(),
        };
        network.check_unchanged()?;
        metrics.written = self.write.write(&network, &analysis)?;
        Ok(Some(metrics))
    }
}

impl Metrics {
    /// For people.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        out += &self.theory.as_ref().map_or_else(String::new, Theory::text);
        out += &self.isometry.as_ref().map_or_else(String::new, |l| singular_values::layers(l));
        out += &self.jacobian.as_ref().map_or_else(String::new, singular_values::jacobian_text);
        out += &self.spectrum.as_ref().map_or_else(String::new, Eigenvalues::text);
        out += &self.spectral_density.as_ref().map_or_else(String::new, Distribution::text);
        out += &self.explicit.as_ref().map_or_else(String::new, Explicit::text);
        self.written.iter().for_each(|w| out += &w.text());
        let others = match self.weights_of_mask {
            Some(false) => ", not those that the mask was made from (--weights, --init-seed)",
            _ => "",
        };
        out + &format!("weights: {}{others}\n", self.weights)
    }
}
