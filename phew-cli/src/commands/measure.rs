//! `phew measure`: what can be said of a network on data before it is trained.

mod compute;
mod report;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use phew_graph::{Mask, Network, Provenance};
use phew_train::{Dataset, OracleMode, SampleSpec, TorchOracle, gradient_share, libtorch};

use super::train::mask_for;
use crate::args::{
    DataArgs, DeviceArgs, WeightArgs, WeightSource, architecture, check_output, overwrite,
    own_weights,
};
use crate::command::{Command, Example};
use crate::failure::usage;
use crate::interrupt;
use compute::Subject;

pub use report::{Gradient, Jacobian, Kernel, MeasureReport, Measures};

/// Measure a network on data: gradient, tangent kernel, Jacobian.
///
/// The gradient is the loss's; the Jacobian that of the outputs by the inputs. With a mask, of the dense and of the
/// masked network side by side. Kernel and Jacobian are computed in double precision and evaluation mode; where a
/// matrix would be too large, its extremes are found without it.
#[derive(Debug, Args)]
pub struct Measure {
    /// What to measure; everything by default
    #[arg(value_enum)]
    what: Vec<What>,

    #[command(flatten)]
    network: NetworkArgs,

    #[command(flatten)]
    weights: WeightArgs,

    #[command(flatten)]
    data: ImagesArgs,

    #[command(flatten)]
    how: HowArgs,

    #[command(flatten)]
    output: GradientFile,
}

/// Which network.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
struct NetworkArgs {
    /// A network of the zoo, made to fit the data, a TOML file, or a model exported by PyTorch, whose own weights are then
    /// the default
    #[arg(long, value_name = "NAME|FILE.toml|FILE.pt2|FILE.onnx")]
    arch: String,

    /// Mask of `phew prune`
    #[arg(long, value_name = "FILE")]
    mask: Option<PathBuf>,
}

/// On which images.
#[derive(Debug, Args)]
#[command(next_help_heading = "Data")]
struct ImagesArgs {
    /// Training images of each class for the gradient
    #[arg(long, value_name = "N", default_value_t = 10)]
    per_class: usize,

    /// Of these images, so many for kernel and Jacobian
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    inputs: u64,

    /// Seed of the choice of images and, unless told otherwise, of the weights
    #[arg(long, default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    set: DataArgs,
}

impl ImagesArgs {
    /// All images in one batch: the loss is a mean over it.
    fn samples(&self, data: &Dataset) -> SampleSpec {
        let images = self.per_class * data.classes.len();
        SampleSpec { per_class: self.per_class, batch: images.max(1), seed: self.seed }
    }
}

/// By which means.
#[derive(Debug, Args)]
#[command(next_help_heading = "Computation")]
struct HowArgs {
    /// Eigenvalues of the kernel to show
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    top: u64,

    /// Find extremes without the matrix, however small it is
    #[arg(long)]
    matrix_free: bool,

    /// Normalise by the running statistics where the gradient is taken, not by those of the batch
    #[arg(long)]
    eval: bool,

    #[command(flatten)]
    device: DeviceArgs,
}

/// Where the gradient goes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
struct GradientFile {
    /// Write the magnitudes of the dense network's gradient under the weights' names: as --scores of `phew prune` walks
    /// follow them
    #[arg(long, value_name = "FILE")]
    gradients: Option<PathBuf>,

    /// Write the gradient's magnitudes times those of the weights: connection sensitivities
    #[arg(long, requires = "gradients")]
    sensitivity: bool,

    /// Replace the file of --gradients if it exists
    #[arg(long, requires = "gradients")]
    force: bool,
}

impl GradientFile {
    /// Refuses before the work what would be refused after it.
    fn check(&self) -> anyhow::Result<()> {
        self.gradients.as_deref().map_or(Ok(()), |file| check_output(file, self.force))
    }

    /// Writes magnitudes of a gradient, or sensitivities, under the weights' names, as a network that has them for
    /// weights.
    fn write(&self, network: &Network, gradient: &[Vec<f32>]) -> anyhow::Result<()> {
        let Some(file) = &self.gradients else { return Ok(()) };
        let weights = network.weights();
        let magnitude = |(gradient, weight): (&f32, &f32)| match self.sensitivity {
            true => (gradient * weight).abs(),
            false => gradient.abs(),
        };
        let magnitudes = gradient.iter().zip(weights.iter()).map(|(gradient, weights)| {
            gradient.iter().zip(weights.iter()).map(magnitude).collect()
        });
        let magnitudes = network.with_weights(magnitudes.collect())?;
        Ok(magnitudes.save(file, overwrite(self.force))?)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Loss, norm of its gradient by the kept weights and connection sensitivity of each layer; the share of the dense
    /// gradient that a mask keeps
    Gradient,
    /// Spectrum of the empirical tangent kernel over the kept weights
    Kernel,
    /// Singular values of the derivative of the outputs by the inputs
    Jacobian,
}

/// What is measured, and what answers for it.
struct Loaded {
    network: Network,
    source: WeightSource,
    data: Arc<Dataset>,
    oracle: TorchOracle,
}

impl Measure {
    fn wants(&self, what: What) -> bool {
        self.what.is_empty() || self.what.contains(&what)
    }

    fn measures(&self, subject: &Subject<'_>) -> anyhow::Result<Measures> {
        let wanted = |what| self.wants(what).then_some(());
        let kernel = |()| subject.kernel(self.how.top as usize);
        Ok(Measures {
            gradient: wanted(What::Gradient).map(|()| subject.gradient()).transpose()?,
            kernel: wanted(What::Kernel).map(kernel).transpose()?,
            jacobian: wanted(What::Jacobian).map(|()| subject.jacobian()).transpose()?,
        })
    }

    /// The network, the data, and what answers for the network on them.
    fn load(&self) -> anyhow::Result<Loaded> {
        let data = self.data.set.load()?;
        let arch = architecture(&self.network.arch, &data)?;
        data.fits(&arch)?;
        let own = own_weights(&self.network.arch);
        let (network, source) = self.weights.load(arch, own, self.data.seed)?;
        let mode = if self.how.eval { OracleMode::Eval } else { OracleMode::Train };
        let (samples, device) = (self.data.samples(&data), self.how.device.device);
        let oracle = TorchOracle::of_data(&network, &data, samples, device, mode)?;
        Ok(Loaded { network, source, data, oracle })
    }

    /// Where what was measured comes from.
    fn provenance(&self, loaded: &Loaded, mask: Option<&(Mask, Option<Provenance>)>) -> Provenance {
        let Loaded { network, source, data, .. } = loaded;
        let torch = libtorch();
        let made_by = mask.and_then(|(_, from)| from.clone()).unwrap_or_default();
        let Provenance { method, density, seed, mut parameters, .. } = made_by;
        parameters.insert("data_seed".to_owned(), self.data.seed.into());
        parameters.insert("per_class".to_owned(), self.data.per_class.into());
        parameters
            .extend(self.data.set.transform().map(|seed| ("transform".to_owned(), seed.into())));
        Provenance {
            data: Some(data.name.clone()),
            data_hash: Some(data.fingerprint()),
            density,
            device: Some(self.how.device.device.to_string()),
            kept: mask.map(|(mask, _)| mask.kept()),
            libtorch: torch.version,
            mask: mask.map(|(mask, _)| mask.fingerprint()),
            method,
            parameters,
            seed,
            threads: Some(torch.threads),
            ..source.provenance(network)
        }
    }
}

impl Command for Measure {
    const NAME: &'static str = "measure";
    const EXAMPLES: &'static [Example] = &[
        (
            "gradient, tangent kernel and Jacobian, dense and masked",
            "phew measure --arch lenet-5 --weights w.safetensors --mask m.safetensors --inputs 4",
        ),
        (
            "the magnitudes of the gradient, for prune --scores",
            "phew measure gradient --arch lenet-5 --gradients g.safetensors",
        ),
    ];
    type Report = MeasureReport;

    fn uses_libtorch(&self) -> bool {
        true
    }

    fn run(&self) -> anyhow::Result<MeasureReport> {
        if self.output.gradients.is_some() && !self.wants(What::Gradient) {
            return Err(usage("--gradients needs the gradient among what is measured"));
        }
        self.output.check()?;
        let loaded = interrupt::at_once(|| self.load())??;
        let Loaded { network, data, oracle, .. } = &loaded;
        let mask = self.network.mask.as_deref().map(|path| mask_for(path, network)).transpose()?;
        let provenance = self.provenance(&loaded, mask.as_ref()).into();
        let mask = mask.map(|(mask, _)| mask);
        let dense = Mask::dense(network.arch());
        let gradient = || oracle.gradient(&network.weights(), &dense);
        let gradient = self.wants(What::Gradient).then(|| interrupt::at_once(gradient));
        let gradient = gradient.transpose()?.transpose()?;
        network.check_unchanged()?;
        if let Some(gradient) = &gradient {
            self.output.write(network, gradient)?;
        }
        let inputs = (oracle.batches()[0].len() as u64).min(self.data.inputs) as usize;
        let measures = |mask| {
            let matrix_free = self.how.matrix_free;
            let subject = Subject { network, mask, oracle, inputs, matrix_free };
            interrupt::at_once(|| self.measures(&subject))?
        };
        let shares = gradient.as_ref().zip(mask.as_ref());
        Ok(MeasureReport {
            arch: network.arch().name().to_owned(),
            data: data.name.clone(),
            images: self.data.per_class * data.classes.len(),
            inputs,
            provenance,
            dense: measures(&dense)?,
            masked: mask.as_ref().map(measures).transpose()?,
            gradient_share: shares.map(|(gradient, mask)| gradient_share(gradient, mask)),
            density: mask.as_ref().map(Mask::density),
        })
    }
}
