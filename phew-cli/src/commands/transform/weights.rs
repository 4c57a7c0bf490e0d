//! Weights under a mask to weights.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use phew_baselines::{Convergence, Isometry, Reinit, approximate_isometry, reinitialise};
use phew_graph::{Arch, Init, LayerMask, Mask, Network};
use serde::Serialize;

use super::common::Common;
use crate::args::load_weights;
use crate::failure::of_baseline;
use crate::interrupt;
use crate::output::{counted, grouped, table};

/// Draws the prunable weights anew; biases and normalisation stay.
#[derive(Debug, Args)]
#[command(next_help_heading = "Transformation")]
pub(super) struct Reinitialise {
    /// Weights to start from: safetensors with the architecture's names and shapes
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    weights: PathBuf,

    /// Pass over tensors of the file that the architecture does not have
    #[arg(long, help_heading = "Network")]
    ignore_extra: bool,

    /// How the variance answers to the mask
    #[arg(long, value_enum, default_value_t)]
    how: How,

    /// Distribution: as of `phew init`
    #[arg(long, value_name = "NAME", default_value = "kaiming-normal")]
    init: Init,

    /// Seed of the weights
    #[arg(long, default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum How {
    /// As if nothing were pruned: c / fan
    #[default]
    Dense,
    /// Over the layer's density: c / (fan · density) (Liu et al. 2019)
    LayerwiseSparse,
    /// Over the share of the unit's own weights that is kept: c / (fan · share) (Evci et al. 2022)
    NeuronwiseSparse,
}

/// Minimises ‖(C ⊙ W)ᵀ(C ⊙ W) − I‖² over the kept weights of each layer; pruned weights become 0.
#[derive(Debug, Args)]
#[command(next_help_heading = "Transformation")]
pub(super) struct Isometric {
    /// Weights to start from: safetensors with the architecture's names and shapes
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    weights: PathBuf,

    /// Pass over tensors of the file that the architecture does not have
    #[arg(long, help_heading = "Network")]
    ignore_extra: bool,

    /// Steps of conjugate gradients at most
    #[arg(long, value_name = "N", default_value_t = Isometry::default().iterations)]
    iterations: usize,

    /// Norm of the gradient, relative to the first, at which a layer has converged
    #[arg(long, value_name = "X", default_value_t = Isometry::default().tolerance)]
    tolerance: f64,

    #[command(flatten)]
    common: Common,
}

/// Loads what both start from, with the weights in the architecture's order.
fn load(
    common: &Common,
    weights: &Path,
    ignore_extra: bool,
) -> anyhow::Result<(Arc<Arch>, Mask, Network)> {
    let (arch, mask, _) = common.load()?;
    let network = load_weights(weights, arch.clone(), ignore_extra)?;
    Ok((arch, mask, network))
}

/// Weights drawn anew under a mask.
#[derive(Clone, Debug, Serialize)]
pub struct Drawn {
    /// `reinit`.
    pub transformation: &'static str,
    /// How the variance answers to the mask.
    pub how: &'static str,
    /// The initialiser.
    pub init: String,
    /// Its seed.
    pub seed: u64,
    /// Name of the architecture.
    pub arch: String,
    /// [`Network::fingerprint`] of the new weights.
    pub weights: String,
    /// The prunable tensors.
    pub layers: Vec<DrawnLayer>,
    /// The new weights' file.
    pub output: PathBuf,
}

/// The kept weights of a tensor that was drawn anew.
#[derive(Clone, Debug, Serialize)]
pub struct DrawnLayer {
    /// Its name.
    pub name: String,
    /// Weights kept.
    pub kept: usize,
    /// Weights in all.
    pub total: usize,
    /// Root mean square of the kept weights before.
    pub std_before: f64,
    /// Root mean square of the kept weights.
    pub std: f64,
}

impl Reinitialise {
    pub(super) fn run(&self) -> anyhow::Result<Drawn> {
        let (arch, mask, network) = load(&self.common, &self.weights, self.ignore_extra)?;
        let (reinit, how) = match self.how {
            How::Dense => (Reinit::Dense, "dense"),
            How::LayerwiseSparse => (Reinit::LayerwiseSparse, "layerwise-sparse"),
            How::NeuronwiseSparse => (Reinit::NeuronwiseSparse, "neuronwise-sparse"),
        };
        let draw = || reinitialise(&network, &mask, reinit, self.init, self.seed);
        let drawn = interrupt::at_once(draw)?.map_err(of_baseline)?;
        network.check_unchanged()?;
        drawn.save(self.common.file(), self.common.output.overwrite())?;
        let pairs = network.weights().into_iter().zip(drawn.weights()).zip(mask.layers());
        let layers = pairs.map(|((before, after), layer)| DrawnLayer {
            name: layer.name().to_owned(),
            kept: layer.kept(),
            total: layer.len(),
            std_before: std(before, layer),
            std: std(after, layer),
        });
        Ok(Drawn {
            transformation: "reinit",
            how,
            init: self.init.to_string(),
            seed: self.seed,
            arch: arch.name().to_owned(),
            weights: drawn.fingerprint(),
            layers: layers.collect(),
            output: self.common.file().to_owned(),
        })
    }
}

/// Root mean square of the kept weights; 0 if there are none.
fn std(values: &[f32], layer: &LayerMask) -> f64 {
    let squares = layer.iter().fold(0.0, |sum, i| sum + f64::from(values[i]).powi(2));
    (squares / layer.kept().max(1) as f64).sqrt()
}

impl Drawn {
    pub(super) fn text(&self) -> String {
        let head = ["layer", "kept", "of", "std before", "std"];
        let rows = self.layers.iter().map(|l| {
            vec![
                l.name.clone(),
                grouped(l.kept),
                grouped(l.total),
                format!("{:.5}", l.std_before),
                format!("{:.5}", l.std),
            ]
        });
        let out = table(&head, &rows.collect::<Vec<_>>(), 1);
        let Self { arch, how, init, seed, .. } = self;
        let file = self.output.display();
        out + &format!("\n{arch}: weights drawn anew ({init}, {how}, seed {seed}) in {file}\n")
    }
}

/// Weights moved towards approximate isometry under a mask.
#[derive(Clone, Debug, Serialize)]
pub struct Corrected {
    /// `isometry`.
    pub transformation: &'static str,
    /// Steps of conjugate gradients at most.
    pub iterations: usize,
    /// Norm of the gradient, relative to the first, at which a layer has converged.
    pub tolerance: f64,
    /// Name of the architecture.
    pub arch: String,
    /// [`Network::fingerprint`] of the new weights.
    pub weights: String,
    /// The prunable tensors.
    pub layers: Vec<CorrectedLayer>,
    /// The new weights' file.
    pub output: PathBuf,
}

/// A tensor that was moved towards isometry.
#[derive(Clone, Debug, Serialize)]
pub struct CorrectedLayer {
    /// Its name.
    pub name: String,
    /// Distance `‖AAᵀ − I‖` of the masked weights before, A lying on its long side.
    pub before: f64,
    /// The same distance after.
    pub after: f64,
    /// Steps taken.
    pub iterations: usize,
    /// Norm of the last gradient, relative to the first.
    pub gradient: f64,
    /// Weights of 0 that no gradient moves.
    pub stuck: usize,
    /// Whether the gradient came down to the tolerance.
    pub converged: bool,
}

impl Isometric {
    pub(super) fn run(&self) -> anyhow::Result<Corrected> {
        let (arch, mask, network) = load(&self.common, &self.weights, self.ignore_extra)?;
        let stop = Isometry { iterations: self.iterations, tolerance: self.tolerance };
        let correct = || approximate_isometry(&network, &mask, stop);
        let (corrected, found) = interrupt::at_once(correct)?.map_err(of_baseline)?;
        network.check_unchanged()?;
        corrected.save(self.common.file(), self.common.output.overwrite())?;
        let row = |c: Convergence| CorrectedLayer {
            name: c.tensor,
            before: c.before,
            after: c.after,
            iterations: c.iterations,
            gradient: c.gradient,
            stuck: c.stuck,
            converged: c.converged,
        };
        Ok(Corrected {
            transformation: "isometry",
            iterations: self.iterations,
            tolerance: self.tolerance,
            arch: arch.name().to_owned(),
            weights: corrected.fingerprint(),
            layers: found.into_iter().map(row).collect(),
            output: self.common.file().to_owned(),
        })
    }
}

impl Corrected {
    pub(super) fn text(&self) -> String {
        let head = ["layer", "‖AAᵀ − I‖ before", "after", "steps", "gradient", "converged"];
        let rows = self.layers.iter().map(|l| {
            vec![
                l.name.clone(),
                format!("{:.4}", l.before),
                format!("{:.4}", l.after),
                l.iterations.to_string(),
                format!("{:.1e}", l.gradient),
                if l.converged { "yes" } else { "no" }.to_owned(),
            ]
        });
        let out = table(&head, &rows.collect::<Vec<_>>(), 1);
        let converged = self.layers.iter().filter(|l| l.converged).count();
        let stuck = match self.layers.iter().map(|l| l.stuck).sum() {
            0 => String::new(),
            stuck => format!(
                "; {} of 0 that no gradient moves (phew transform reinit draws weights)",
                counted(stuck, "weight")
            ),
        };
        out + &format!(
            "\n{}: {converged} of {} layers converged{stuck}; weights in {}\n",
            self.arch,
            self.layers.len(),
            self.output.display(),
        )
    }
}
