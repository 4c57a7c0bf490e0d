//! `phew train`: a dense or masked run, or several side by side, in folders that they can go on in.

mod paths;
mod pruning;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use clap::Args;
use indicatif::MultiProgress;
use phew_graph::{Arch, Extra, Init, Mask, MaskInfo, Network, Shape, zoo};
use phew_train::{
    DataSpec, Dataset, Device, Precision, Recipe, RunOutcome, RunResult, RunSpec, Set,
    TransformSpec, train_in,
};
use serde::Serialize;

use super::data::{set, usual_dir};
use crate::args::load_mask;
use crate::failure::{Checkpointed, usage};
use crate::interrupt;
use crate::output::{json, percent, text};
use report::{Report, summary};

/// Trains a network, dense or masked, by a recipe.
///
/// Everything about a run lies in its folder: the same command goes on where the last was cut off, or shows the
/// result of a run that is done. A termination signal, Ctrl-C or SIGUSR1 writes a checkpoint first; the exit code is
/// then 75. Threads that wait sleep, unless `OMP_WAIT_POLICY` says otherwise.
#[derive(Debug, Args)]
pub(crate) struct Train {
    /// A preset (digits, resnet20-cifar10, …) or a TOML file; the other options change what it says
    #[arg(long, value_name = "NAME|FILE.toml", default_value = "digits")]
    recipe: String,

    /// A network of the zoo, made to fit the data, or a TOML file
    #[arg(long, value_name = "NAME|FILE.toml")]
    arch: Option<String>,

    /// Initial weights: safetensors with the architecture's names and shapes; {seed} stands for the run's seed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["init", "init_seed"])]
    weights: Option<PathBuf>,

    /// Draw the initial weights so instead; the recipe says how by default
    #[arg(long, value_name = "NAME")]
    init: Option<Init>,

    /// Seed of drawn weights; that of `phew init`. By default the value of --seed
    #[arg(long, value_name = "SEED")]
    init_seed: Option<u64>,

    /// Mask of `phew prune`; without one the network is dense; {seed} stands for the run's seed
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

    /// Numbers that layers compute with: f32, bf16 or f16; weights, gradients and the loss stay in single precision
    #[arg(long, value_name = "KIND")]
    precision: Option<Precision>,

    /// Seed of the order of the images, of their augmentation and, unless told otherwise, of the weights
    #[arg(long, default_value_t = 0)]
    seed: u64,

    /// Several runs side by side on one device, one for each seed, in folders seed-N of the output; they share the
    /// threads
    #[arg(long, value_name = "SEEDS", value_delimiter = ',', conflicts_with = "seed")]
    seeds: Vec<u64>,

    /// Where to train: cpu, cuda, cuda:N, or auto for CUDA where it is visible
    #[arg(long, default_value = "auto", value_parser = device)]
    device: Device,

    /// Epochs between checkpoints
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    checkpoint_every: u64,

    /// Folder of the run
    #[arg(short, long, value_name = "DIR", required_unless_present = "dry_run")]
    output: Option<PathBuf>,

    #[command(flatten)]
    pruning: pruning::PruningArgs,

    /// Print the recipe with every default spelt out, and train nothing
    #[arg(long)]
    dry_run: bool,

    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn device(name: &str) -> Result<Device, String> {
    Device::by_name(name).map_err(|e| e.to_string())
}

impl Train {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let recipe = self.recipe()?;
        if self.dry_run {
            return text(&recipe.to_toml());
        }
        let Some(dir) = &self.output else { unreachable!("clap asks for it") };
        // Before the data are loaded, which takes its time: a signal that comes meanwhile counts.
        let stop = stop_on_signals()?;
        let data = recipe.data.load()?;
        let bars = MultiProgress::new();
        if self.seeds.is_empty() {
            let result = self.one(dir, self.seed, &recipe, &data, &stop, &bars, String::new())?;
            return if self.json { json(&result) } else { text(&summary(&result, dir)) };
        }
        let results = self.several(dir, &recipe, &data, &stop, &bars)?;
        if self.json { json(&results) } else { text(&results.text(dir)) }
    }

    /// The run of one seed.
    #[expect(clippy::too_many_arguments, reason = "what runs share, and what is one's own")]
    fn one(
        &self,
        dir: &Path,
        seed: u64,
        recipe: &Recipe,
        data: &Dataset,
        stop: &AtomicBool,
        bars: &MultiProgress,
        name: String,
    ) -> anyhow::Result<RunResult> {
        let network = self.network(recipe, data, seed)?;
        let mask = self.mask.as_deref().map(|path| mask_for(&of_seed(path, seed), &network));
        let mask = mask.transpose()?;
        let method = mask.as_ref().and_then(|(_, info)| info.as_ref()).map(describe);
        let kept = mask.as_ref().map(|(mask, _)| mask);
        let network = self.pruning.redrawn(network, kept, &recipe.init, seed)?;
        let (pruning, device) = (self.pruning.pruning(seed)?, self.device);
        let pruner = self.pruning.pruner(seed, data, device)?;
        let spec = RunSpec {
            network: &network,
            mask: kept,
            method: method.as_deref(),
            pruning: &pruning,
            pruner: &*pruner,
            data,
            recipe,
            seed,
            device,
            checkpoint_every: self.checkpoint_every,
        };
        let mut report = Report::new(&spec, bars, name);
        let outcome = train_in(dir, &spec, &mut report, stop);
        report.finish();
        match outcome? {
            RunOutcome::Done(result) => Ok(*result),
            RunOutcome::Stopped { step } => Err(Checkpointed { step }.into()),
        }
    }

    /// The runs of all seeds, each in a thread of its own. Where one fails the others go on to their end.
    fn several(
        &self,
        dir: &Path,
        recipe: &Recipe,
        data: &Dataset,
        stop: &AtomicBool,
        bars: &MultiProgress,
    ) -> anyhow::Result<Results> {
        let mut seeds = self.seeds.clone();
        seeds.sort_unstable();
        seeds.dedup();
        let share = (phew_train::threads() / seeds.len()).max(1);
        let runs: Vec<anyhow::Result<RunResult>> = std::thread::scope(|scope| {
            let runs: Vec<_> = seeds
                .iter()
                .map(|&seed| {
                    scope.spawn(move || {
                        phew_train::set_threads(share);
                        let (dir, name) =
                            (dir.join(format!("seed-{seed}")), format!("seed {seed}  "));
                        self.one(&dir, seed, recipe, data, stop, bars, name)
                            .with_context(|| format!("seed {seed}"))
                    })
                })
                .collect();
            let joined = runs.into_iter().map(|run| {
                run.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a run ended in a panic")))
            });
            joined.collect()
        });
        Ok(Results::new(runs.into_iter().collect::<anyhow::Result<_>>()?))
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
        if let Some(precision) = self.precision {
            recipe.precision = precision;
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

    fn network(&self, recipe: &Recipe, data: &Dataset, seed: u64) -> anyhow::Result<Network> {
        let arch = architecture(&recipe.arch, data)?;
        if let Some(path) = &self.weights {
            return Ok(Network::load(&of_seed(path, seed), arch, Extra::Refuse)?);
        }
        let init: Init = recipe.init.parse()?;
        Ok(Network::initialise(arch, init, self.init_seed.unwrap_or(seed))?)
    }
}

/// A path with the run's seed in the place of `{seed}`.
fn of_seed(path: &Path, seed: u64) -> PathBuf {
    path.to_string_lossy().replace("{seed}", &seed.to_string()).into()
}

/// What came out of several runs.
#[derive(Serialize)]
struct Results {
    runs: Vec<RunResult>,
    /// Over the runs: of test accuracy, or of test loss for regression.
    mean: f64,
    /// Their sample standard deviation; none of one run.
    #[serde(skip_serializing_if = "Option::is_none")]
    deviation: Option<f64>,
}

impl Results {
    fn new(runs: Vec<RunResult>) -> Self {
        let of = |run: &RunResult| run.test.top1.unwrap_or(run.test.loss);
        let count = runs.len() as f64;
        let mean = runs.iter().map(of).sum::<f64>() / count;
        let squares = runs.iter().map(|run| (of(run) - mean).powi(2)).sum::<f64>();
        let deviation = (runs.len() > 1).then(|| (squares / (count - 1.0)).sqrt());
        Self { runs, mean, deviation }
    }

    fn text(&self, dir: &Path) -> String {
        let mut out = String::new();
        for run in &self.runs {
            out += &summary(run, &dir.join(format!("seed-{}", run.seed)));
        }
        let accuracy = self.runs.iter().all(|run| run.test.top1.is_some());
        let show = |value: f64| if accuracy { percent(value) } else { format!("{value:.5}") };
        let what = if accuracy { "test accuracy" } else { "test loss" };
        out += &format!("{} runs: {what} {}", self.runs.len(), show(self.mean));
        out += &self.deviation.map(|d| format!(" ± {}", show(d))).unwrap_or_default();
        out + "\n"
    }
}

/// The architecture: a file as it is, a network of the zoo made to fit the data (where its name leaves that open).
pub(super) fn architecture(name: &str, data: &Dataset) -> anyhow::Result<Arc<Arch>> {
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

/// A mask for a network, with a word if it was made from other weights.
pub(super) fn mask_for(path: &Path, network: &Network) -> anyhow::Result<(Mask, Option<MaskInfo>)> {
    let (mask, info) = load_mask(path, network.arch())?;
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
    // One may have come before.
    stop.fetch_or(interrupt::asked(), Ordering::SeqCst);
    Ok(stop)
}
