//! `phew train`: a dense or masked run, in a folder that it can go on in.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use clap::Args;
use indicatif::ProgressBar;
use phew_graph::{Arch, Extra, Init, Mask, MaskInfo, Network, Shape, zoo};
use phew_train::{
    DataSpec, Dataset, Device, EpochRecord, Observer, Progress, Recipe, RunOutcome, RunResult,
    RunSpec, Set, TransformSpec, train_in,
};

use super::data::{set, usual_dir};
use crate::failure::{Checkpointed, usage};
use crate::output::{grouped, json, percent, text};
use crate::progress;

/// Trains a network, dense or masked, by a recipe.
///
/// Everything about a run lies in its folder: the same command goes on where the last was cut off, or shows the
/// result of a run that is done. A termination signal, Ctrl-C or SIGUSR1 writes a checkpoint first; the exit code is
/// then 75.
#[derive(Debug, Args)]
pub(crate) struct Train {
    /// A preset (digits, resnet20-cifar10, …) or a TOML file; the other options change what it says
    #[arg(long, value_name = "NAME|FILE.toml", default_value = "digits")]
    recipe: String,

    /// A network of the zoo, made to fit the data, or a TOML file
    #[arg(long, value_name = "NAME|FILE.toml")]
    arch: Option<String>,

    /// Initial weights: safetensors with the architecture's names and shapes
    #[arg(long, value_name = "FILE", conflicts_with_all = ["init", "init_seed"])]
    weights: Option<PathBuf>,

    /// Draw the initial weights so instead; the recipe says how by default
    #[arg(long, value_name = "NAME")]
    init: Option<Init>,

    /// Seed of drawn weights; that of `phew init`. By default the value of --seed
    #[arg(long, value_name = "SEED")]
    init_seed: Option<u64>,

    /// Mask of `phew prune`; without one the network is dense
    #[arg(long, value_name = "FILE")]
    mask: Option<PathBuf>,

    /// Data set (`phew data list` shows them)
    #[arg(long, value_name = "SET", value_parser = set)]
    data: Option<Set>,

    /// Folder of the data set; by default where `phew data fetch` puts it
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Epochs; drops of the learning rate move in proportion
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    epochs: Option<u64>,

    /// Images of a step
    #[arg(long, value_name = "N")]
    batch: Option<std::num::NonZeroUsize>,

    /// Learning rate
    #[arg(long, value_name = "RATE")]
    rate: Option<f64>,

    /// Seed of the order of the images, of their augmentation and, unless told otherwise, of the weights
    #[arg(long, default_value_t = 0)]
    seed: u64,

    /// Where to train: cpu, cuda, cuda:N, or auto for CUDA where it is visible
    #[arg(long, default_value = "auto", value_parser = device)]
    device: Device,

    /// Epochs between checkpoints
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    checkpoint_every: u64,

    /// Folder of the run
    #[arg(short, long, value_name = "DIR", required_unless_present = "dry_run")]
    output: Option<PathBuf>,

    /// Print the recipe with every default spelt out, and train nothing
    #[arg(long)]
    dry_run: bool,

    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

fn device(name: &str) -> Result<Device, String> {
    Device::by_name(name).map_err(|e| e.to_string())
}

impl Train {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let recipe = self.recipe()?;
        if self.dry_run {
            return text(&recipe.to_toml());
        }
        let Some(dir) = &self.output else { unreachable!("clap asks for it") };
        let data = recipe.data.load()?;
        let network = self.network(&recipe, &data)?;
        let mask = self.mask.as_deref().map(|path| load_mask(path, &network)).transpose()?;
        let method = mask.as_ref().and_then(|(_, info)| info.as_ref()).map(describe);
        let spec = RunSpec {
            network: &network,
            mask: mask.as_ref().map(|(mask, _)| mask),
            method: method.as_deref(),
            data: &data,
            recipe: &recipe,
            seed: self.seed,
            device: self.device,
            checkpoint_every: self.checkpoint_every,
        };
        let stop = stop_on_signals()?;
        let mut report = Report::new(&spec);
        let outcome = train_in(dir, &spec, &mut report, &stop);
        report.bar.finish_and_clear();
        match outcome? {
            RunOutcome::Done(result) if self.json => json(&result),
            RunOutcome::Done(result) => text(&summary(&result, dir)),
            RunOutcome::Stopped { step } => Err(Checkpointed { step }.into()),
        }
    }

    /// The recipe with the changes that the options ask for.
    fn recipe(&self) -> anyhow::Result<Recipe> {
        let mut recipe = if Path::new(&self.recipe).extension().is_some_and(|e| e == "toml") {
            let text = std::fs::read_to_string(&self.recipe).context(self.recipe.clone())?;
            Recipe::from_toml(&text, &self.recipe)?
        } else {
            Recipe::preset(&self.recipe)?
        };
        if let Some(epochs) = self.epochs {
            recipe = recipe.with_epochs(epochs);
        }
        if let Some(batch) = self.batch {
            recipe.batch = batch.get();
        }
        if let Some(rate) = self.rate {
            recipe.schedule.rate = rate;
        }
        if let Some(arch) = &self.arch {
            recipe.arch.clone_from(arch);
        }
        if let Some(init) = self.init {
            recipe.init = init.to_string();
        }
        if let Some(set) = self.data {
            // A task that is made of one set can be made of another.
            let transform = recipe.data.transform.map(|t| TransformSpec { per_class: None, ..t });
            recipe.data = DataSpec { transform, ..DataSpec::new(set) };
        }
        if let Some(dir) = &self.data_dir {
            recipe.data.dir = Some(dir.clone());
        } else if recipe.data.dir.is_none() {
            recipe.data.dir = usual_dir(recipe.data.set);
        }
        recipe.validate()?;
        Ok(recipe)
    }

    fn network(&self, recipe: &Recipe, data: &Dataset) -> anyhow::Result<Network> {
        let arch = architecture(&recipe.arch, data)?;
        if let Some(path) = &self.weights {
            return Ok(Network::load(path, arch, Extra::Refuse)?);
        }
        let init: Init = recipe.init.parse()?;
        Ok(Network::initialise(arch, init, self.init_seed.unwrap_or(self.seed))?)
    }
}

/// The architecture: a file as it is, a network of the zoo made to fit the data (where its name leaves that open).
fn architecture(name: &str, data: &Dataset) -> anyhow::Result<Arc<Arch>> {
    if Path::new(name).extension().is_some_and(|e| e == "toml") {
        return Ok(Arch::load(Path::new(name))?.into());
    }
    let mut template = zoo::by_name(name)?;
    if !name.starts_with("mlp-") {
        let [channels, height, width] = data.train.shape();
        template =
            template.classes(data.classes.len()).input(Shape::Image { channels, height, width });
    }
    let arch = template.build().with_context(|| format!("{name} on {}", data.name));
    Ok(arch.map_err(|e| usage(format!("{e:#}")))?.into())
}

/// A mask in the order of the network, with a word if it was made from other weights.
fn load_mask(path: &Path, network: &Network) -> anyhow::Result<(Mask, Option<MaskInfo>)> {
    let (mask, info) = Mask::load(path)?;
    let mask = mask.in_order_of(network.arch(), &path.display().to_string())?;
    if info.as_ref().is_some_and(|info| info.weights != network.fingerprint()) {
        eprintln!("phew: {}: made from other weights than those that are trained", path.display());
    }
    Ok((mask, info))
}

fn describe(info: &MaskInfo) -> String {
    format!("{}, density {}, seed {}", info.method, info.density, info.seed)
}

/// Set by the first signal that asks to stop.
fn stop_on_signals() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut signals = vec![signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT];
    #[cfg(unix)]
    signals.push(signal_hook::consts::SIGUSR1);
    for signal in signals {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

/// Tells on stderr how the run goes: a bar on a terminal, a line for each epoch.
struct Report {
    bar: ProgressBar,
}

impl Report {
    fn new(spec: &RunSpec<'_>) -> Self {
        let steps = spec.recipe.steps_per_epoch(spec.data.train.len());
        Self { bar: progress::bar(spec.recipe.epochs * steps, "training", "steps") }
    }
}

impl Observer for Report {
    fn progress(&mut self, progress: &Progress) {
        let Progress { epoch, epochs, step, steps, train, images_per_second } = progress;
        self.bar.set_position(epoch * steps + step);
        let accuracy = train.top1.map(|top1| format!(", {}", percent(top1))).unwrap_or_default();
        self.bar.set_message(format!(
            "· epoch {}/{epochs} · loss {:.4}{accuracy} · {} images/s",
            epoch + 1,
            train.loss,
            grouped(*images_per_second as u64),
        ));
    }

    fn epoch(&mut self, record: &EpochRecord) {
        let top1 = |top1: Option<f64>| top1.map(|t| format!(" {}", percent(t))).unwrap_or_default();
        let EpochRecord { epoch, train, test, rate, .. } = record;
        self.bar.suspend(|| {
            eprintln!(
                "epoch {epoch:>3}  train {:.4}{}  test {:.4}{}  rate {rate:.4}",
                train.loss,
                top1(train.top1),
                test.loss,
                top1(test.top1)
            );
        });
    }
}

fn summary(result: &RunResult, dir: &Path) -> String {
    let density = percent(result.kept as f64 / result.prunable as f64);
    let (kept, prunable) = (grouped(result.kept), grouped(result.prunable));
    let quality = match result.test.top1 {
        Some(top1) => format!("test accuracy {}", percent(top1)),
        None => format!("test loss {:.5}", result.test.loss),
    };
    format!(
        "{} on {}: {quality} after {} epochs; {kept} of {prunable} weights kept ({density})\n\
         {:.1} s, {} images/s on {} with {} threads\n\
         run {}\n",
        result.arch,
        result.data,
        result.epochs,
        result.seconds,
        grouped(result.images_per_second as u64),
        result.device,
        result.threads,
        dir.display(),
    )
}
