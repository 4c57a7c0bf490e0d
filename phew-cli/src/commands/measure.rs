//! `phew measure`: what can be said of a network on data before it is trained.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use phew_graph::{Mask, Network, Overwrite};
use phew_train::{
    Device, GradientShare, KernelOver, OracleMode, SampleSpec, Set, TangentKernel, TorchOracle,
    gradient_share, jacobian_extremes, jacobian_singular_values,
};
use serde::Serialize;

use super::data::{load, set};
use super::train::{architecture, mask_for};
use crate::args::WeightArgs;
use crate::failure::usage;
use crate::output::{json, percent, table, text};

/// Outputs up to which all singular values are computed.
const MANY_OUTPUTS: usize = 128;
/// Numbers of a kernel's gradients up to which its matrix is made: 2 GiB of them.
const MANY_GRADIENTS: usize = 1 << 28;

/// Measures a network on data: the loss's gradient, the tangent kernel, the input-output Jacobian.
///
/// With a mask, of the dense and of the masked network side by side. Kernel and Jacobian are computed in double
/// precision and evaluation mode; where a matrix would be too large, its extremes are found without it.
#[derive(Debug, Args)]
pub(crate) struct Measure {
    /// What to measure; everything by default
    #[arg(value_enum)]
    what: Vec<What>,

    /// A network of the zoo, made to fit the data, or a TOML file
    #[arg(long, value_name = "NAME|FILE.toml")]
    arch: String,

    #[command(flatten)]
    weights: WeightArgs,

    /// Mask of `phew prune`
    #[arg(long, value_name = "FILE")]
    mask: Option<PathBuf>,

    /// Data set (`phew data list` shows them)
    #[arg(long, value_name = "SET", value_parser = set, default_value = "digits")]
    data: Set,

    /// Folder of the data set; by default where `phew data fetch` puts it
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Make of it the image transformation task of this seed: the loss is then the mean square, not the cross-entropy
    #[arg(long, value_name = "SEED")]
    transform: Option<u64>,

    /// Training images of each class for the gradient
    #[arg(long, value_name = "N", default_value_t = 10)]
    per_class: usize,

    /// Of these images, so many for kernel and Jacobian
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    inputs: u64,

    /// Eigenvalues of the kernel to show
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    top: u64,

    /// Find extremes without the matrix, however small it is
    #[arg(long)]
    matrix_free: bool,

    /// Normalise by the running statistics where the gradient is taken, not by those of the batch
    #[arg(long)]
    eval: bool,

    /// Write the magnitudes of the dense network's gradient under the weights' names: as --scores of `phew prune` walks
    /// follow them
    #[arg(long, value_name = "FILE")]
    gradients: Option<PathBuf>,

    /// Seed of the choice of images and, unless told otherwise, of the weights
    #[arg(long, default_value_t = 0)]
    seed: u64,

    /// Where to compute: cpu, cuda, cuda:N, or auto for CUDA where it is visible
    #[arg(long, default_value = "auto", value_parser = super::train::device)]
    device: Device,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Loss and norm of its gradient by the kept weights; the share of the dense gradient that a mask keeps
    Gradient,
    /// Spectrum of the empirical tangent kernel over the kept weights
    Kernel,
    /// Singular values of the derivative of the outputs by the inputs
    Jacobian,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    arch: String,
    data: String,
    images: usize,
    inputs: usize,
    dense: Measures,
    #[serde(skip_serializing_if = "Option::is_none")]
    masked: Option<Measures>,
    /// Of the dense network's gradient, on the weights that the mask keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    gradient_share: Option<GradientShare>,
    #[serde(skip_serializing_if = "Option::is_none")]
    density: Option<f64>,
}

#[derive(Serialize)]
struct Measures {
    #[serde(skip_serializing_if = "Option::is_none")]
    gradient: Option<Gradient>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel: Option<Kernel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jacobian: Option<Jacobian>,
}

#[derive(Serialize)]
struct Gradient {
    loss: f64,
    /// By the kept weights.
    norm: f64,
}

#[derive(Serialize)]
struct Kernel {
    /// Rows of the matrix: inputs times outputs.
    size: usize,
    /// Greatest first.
    eigenvalues: Vec<f64>,
    /// None without the matrix.
    #[serde(skip_serializing_if = "Option::is_none")]
    least: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<f64>,
}

#[derive(Serialize)]
struct Jacobian {
    greatest: f64,
    least: f64,
    /// None without the matrix, as the deviation.
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deviation: Option<f64>,
}

impl Measure {
    fn wants(&self, what: What) -> bool {
        self.what.is_empty() || self.what.contains(&what)
    }

    pub(crate) fn run(&self) -> anyhow::Result<()> {
        if self.gradients.is_some() && !self.wants(What::Gradient) {
            return Err(usage("--gradients needs the gradient among what is measured"));
        }
        let data = load(self.data, self.data_dir.as_deref(), self.transform)?;
        let arch = architecture(&self.arch, &data)?;
        data.fits(&arch)?;
        let (network, _) = self.weights.load(arch, self.seed)?;
        let outputs: usize = network.arch().output_shape().sizes().iter().product();
        let mask = self.mask.as_deref().map(|path| mask_for(path, &network)).transpose()?;
        let mask = mask.map(|(mask, _)| mask);
        let images = self.per_class * data.classes.len();
        // One batch: the loss is a mean over all of it.
        let samples =
            SampleSpec { per_class: self.per_class, batch: images.max(1), seed: self.seed };
        let mode = if self.eval { OracleMode::Eval } else { OracleMode::Train };
        let oracle = TorchOracle::of_data(&network, &data, samples, self.device, mode)?;
        let dense = Mask::dense(network.arch());
        let full = self
            .wants(What::Gradient)
            .then(|| oracle.gradient(&network.weights(), &dense))
            .transpose()?;
        if let (Some(path), Some(gradient)) = (&self.gradients, &full) {
            write_scores(path, &network, gradient)?;
        }
        let shares = full.as_ref().zip(mask.as_ref());
        let report = Report {
            arch: network.arch().name().to_owned(),
            data: data.name.clone(),
            images,
            inputs: images.min(self.inputs as usize),
            dense: self.measures(&network, &oracle, &dense, outputs)?,
            masked: mask
                .as_ref()
                .map(|mask| self.measures(&network, &oracle, mask, outputs))
                .transpose()?,
            gradient_share: shares.map(|(gradient, mask)| gradient_share(gradient, mask)),
            density: mask.as_ref().map(Mask::density),
        };
        if self.json { json(&report) } else { text(&report.text()) }
    }

    fn measures(
        &self,
        network: &Network,
        oracle: &TorchOracle,
        mask: &Mask,
        outputs: usize,
    ) -> anyhow::Result<Measures> {
        let weights = network.weights();
        let gradient = || -> anyhow::Result<Gradient> {
            let loss = oracle.loss(&weights, mask)?;
            Ok(Gradient { loss, norm: oracle.gradient_norm(&weights, mask)? })
        };
        let batch = &oracle.batches()[0];
        let count = (batch.len() as u64).min(self.inputs) as usize;
        let inputs = batch.first(count);
        let kernel = || -> anyhow::Result<Kernel> {
            let kernel = TangentKernel::new(network, mask, &inputs, KernelOver::Weights)?;
            let (size, top) = (count * outputs, self.top as usize);
            if self.matrix_free || size * network.arch().prunable_len() > MANY_GRADIENTS {
                let eigenvalues = kernel.greatest(top)?;
                return Ok(Kernel { size, eigenvalues, least: None, trace: None });
            }
            let all = kernel.spectrum()?;
            let (least, trace) = (all.last().copied(), Some(all.iter().sum()));
            let eigenvalues = all.into_iter().take(top).collect();
            Ok(Kernel { size, eigenvalues, least, trace })
        };
        let jacobian = || -> anyhow::Result<Jacobian> {
            if self.matrix_free || outputs > MANY_OUTPUTS {
                let ends = jacobian_extremes(network, mask, &inputs)?;
                let greatest = ends.iter().map(|[most, _]| *most).fold(0.0, f64::max);
                let least = ends.iter().map(|[_, least]| *least).fold(f64::INFINITY, f64::min);
                return Ok(Jacobian { greatest, least, mean: None, deviation: None });
            }
            let spread = jacobian_singular_values(network, mask, &inputs)?;
            Ok(Jacobian {
                greatest: spread.greatest,
                least: spread.least,
                mean: Some(spread.mean),
                deviation: Some(spread.deviation),
            })
        };
        Ok(Measures {
            gradient: self.wants(What::Gradient).then(gradient).transpose()?,
            kernel: self.wants(What::Kernel).then(kernel).transpose()?,
            jacobian: self.wants(What::Jacobian).then(jacobian).transpose()?,
        })
    }
}

/// Writes magnitudes of a gradient under the weights' names, as a network that has them for weights.
fn write_scores(path: &Path, network: &Network, gradient: &[Vec<f32>]) -> anyhow::Result<()> {
    let magnitudes = gradient.iter().map(|values| values.iter().map(|v| v.abs()).collect());
    network.with_weights(magnitudes.collect())?.save(path, Overwrite::Refuse)?;
    Ok(())
}

impl Report {
    fn text(&self) -> String {
        let both: Vec<&Measures> =
            [Some(&self.dense), self.masked.as_ref()].into_iter().flatten().collect();
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut row = |name: String, of: &dyn Fn(&Measures) -> Option<f64>| {
            let values: Vec<Option<f64>> = both.iter().map(|measures| of(measures)).collect();
            if values.iter().any(Option::is_some) {
                let shown = values.iter().map(|v| v.map(number).unwrap_or_default());
                rows.push(std::iter::once(name).chain(shown).collect());
            }
        };
        let gradient = |m: &Measures, of: fn(&Gradient) -> f64| m.gradient.as_ref().map(of);
        row("loss".into(), &|m| gradient(m, |g| g.loss));
        row("gradient norm".into(), &|m| gradient(m, |g| g.norm));
        row("kernel trace".into(), &|m| m.kernel.as_ref()?.trace);
        let shown = self.dense.kernel.as_ref().map_or(0, |kernel| kernel.eigenvalues.len());
        for index in 0..shown {
            row(format!("kernel eigenvalue {}", index + 1), &|m| {
                m.kernel.as_ref()?.eigenvalues.get(index).copied()
            });
        }
        row("kernel least eigenvalue".into(), &|m| m.kernel.as_ref()?.least);
        row("Jacobian mean singular value".into(), &|m| m.jacobian.as_ref()?.mean);
        row("Jacobian deviation".into(), &|m| m.jacobian.as_ref()?.deviation);
        row("Jacobian greatest".into(), &|m| m.jacobian.as_ref().map(|j| j.greatest));
        row("Jacobian least".into(), &|m| m.jacobian.as_ref().map(|j| j.least));
        let head: &[&str] = if both.len() > 1 { &["", "dense", "masked"] } else { &["", "dense"] };
        let mut out = table(head, &rows, 1);
        out += &format!(
            "\n{} on {}: {} images, {} of them for kernel and Jacobian\n",
            self.arch, self.data, self.images, self.inputs
        );
        if let (Some(share), Some(density)) = (self.gradient_share, self.density) {
            out += &format!(
                "the mask's {} of the weights carry {} of the dense gradient's magnitude and {} of its square\n",
                percent(density),
                percent(share.magnitude),
                percent(share.square)
            );
        }
        out
    }
}

/// Four significant digits.
fn number(value: f64) -> String {
    let plain = value == 0.0 || (1e-3..1e6).contains(&value.abs());
    if !plain {
        return format!("{value:.3e}");
    }
    let digits = value.abs().max(1e-3).log10().floor() as i32;
    format!("{value:.*}", usize::try_from(3 - digits).unwrap_or(0))
}
