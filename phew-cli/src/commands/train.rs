//! `phew train`: a dense or masked run, or several side by side, in folders that they can go on in.

mod network;
mod paths;
mod probe;
mod progress;
mod pruning;
mod report;
mod training;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use clap::Args;
use phew_train::{
    Backend, Dataset, Device, DeviceDataset, Early, Recipe, Run, RunOutcome, RunResult,
};

use crate::args::{DeviceArgs, choice};
use crate::command::{Command, Example};
use crate::data_cache;
use crate::failure::{Checkpointed, usage};
use crate::interrupt;
use network::{NetworkArgs, describe, provenance};
use progress::Progress;
use pruning::PruningArgs;
use training::TrainingArgs;

pub(super) use network::mask_for;
pub use report::{PlannedTraining, Results, TrainReport};

/// Train a network, dense or masked.
///
/// A recipe says how. Everything about a run lies in its folder: the same command goes on where the last was cut off,
/// or shows the result of a run that is done. Ctrl-C and the signals that end a job (TERM, HUP, USR1, USR2, XCPU) write a
/// checkpoint first; the exit code is then 75. A second Ctrl-C leaves at once. Threads that wait sleep, unless
/// `OMP_WAIT_POLICY` says otherwise.
#[derive(Debug, Args)]
pub struct Train {
    #[command(flatten)]
    network: NetworkArgs,

    #[command(flatten)]
    training: TrainingArgs,

    #[command(flatten)]
    runs: RunArgs,

    #[command(flatten)]
    pruning: PruningArgs,
}

/// Which runs, and where they lie.
#[derive(Debug, Args)]
#[command(next_help_heading = "Runs")]
struct RunArgs {
    /// Folder of the run
    #[arg(short, long, value_name = "DIR", required_unless_present = "dry_run")]
    output: Option<PathBuf>,

    /// Seed of the order of the images, of their augmentation and, unless told otherwise, of the weights
    #[arg(long, default_value_t = 0)]
    seed: u64,

    /// Several runs side by side on one device, one for each seed, in folders seed-N of the output; they share the
    /// threads
    #[arg(long, value_name = "SEEDS", value_delimiter = ',', conflicts_with = "seed")]
    seeds: Vec<u64>,

    #[command(flatten)]
    device: DeviceArgs,

    /// What computes the gradients
    #[arg(long, default_value_t, value_parser = choice::<Backend>())]
    backend: Backend,

    /// Epochs between checkpoints
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    checkpoint_every: u64,

    /// Keep the network as it is at these steps, in early-STEP.safetensors, for others to begin --from; a run that is
    /// done keeps them too
    #[arg(long, value_name = "STEP", value_delimiter = ',', conflicts_with = "prune")]
    remember: Vec<u64>,

    /// Begin from the network that another run has kept with --remember, at that step of the recipe
    #[arg(long, value_name = "FILE", conflicts_with = "prune")]
    from: Option<PathBuf>,

    /// Print the recipe with every default spelt out, and train nothing
    #[arg(long)]
    dry_run: bool,
}

impl RunArgs {
    /// The folder, if it can be one.
    fn folder(&self) -> anyhow::Result<&Path> {
        let Some(folder) = &self.output else { unreachable!("clap asks for it") };
        if folder.exists() && !folder.is_dir() {
            return Err(usage(format!("{}: is a file, expected a folder", folder.display())));
        }
        Ok(folder)
    }
}

/// What the runs of all seeds share.
#[derive(Clone, Copy)]
struct Shared<'a> {
    recipe: &'a Recipe,
    images: &'a Dataset,
    /// The same images on the device.
    data: &'a DeviceDataset,
    stop: &'a AtomicBool,
}

impl Train {
    fn train(&self, recipe: &Recipe) -> anyhow::Result<TrainReport> {
        let folder = self.runs.folder()?;
        // Before the data are loaded, which takes its time: a signal that comes meanwhile counts.
        let stop = interrupt::checkpoint_flag();
        let images = data_cache::images(&recipe.data)?;
        let data = data_cache::on_device(&recipe.data, self.device())?;
        let shared = Shared { recipe, images: &images, data: &data, stop: &stop };
        if self.runs.seeds.is_empty() {
            let result = self.one(shared, folder, self.runs.seed, String::new())?;
            return Ok(TrainReport::Run { result: Box::new(result), folder: folder.to_owned() });
        }
        let results = self.several(shared, folder)?;
        Ok(TrainReport::Runs { results, folder: folder.to_owned() })
    }

    /// The run of one seed.
    fn one(
        &self,
        shared: Shared<'_>,
        folder: &Path,
        seed: u64,
        name: String,
    ) -> anyhow::Result<RunResult> {
        let Shared { recipe, images, data, stop } = shared;
        let (network, source) = self.network.network(recipe, images, seed)?;
        let mask = self.network.mask(&network, seed)?;
        let made_by = mask.as_ref().and_then(|(_, from)| from.as_ref());
        let method = made_by.map(describe);
        let kept = mask.as_ref().map(|(mask, _)| mask);
        let network = self.pruning.redrawn(network, kept, &recipe.init, seed)?;
        let provenance = self.pruning.noted(provenance(&network, &source, made_by), seed);
        let pruning = self.pruning.pruning(seed)?;
        let from = self.runs.from.as_deref().map(Early::load).transpose()?;
        let pruner = self.pruning.pruner(seed, images, self.device())?;
        let run = Run::builder(&network, data, recipe)
            .mask(kept)
            .method(method.as_deref())
            .provenance(&provenance)
            .pruning(pruning, &*pruner)
            .from(from.as_ref())
            .seed(seed)
            .backend(self.runs.backend)
            .checkpoint_every(self.runs.checkpoint_every)
            .keep_steps(self.runs.remember.iter().copied())
            .build()?;
        let mut progress = Progress::new(&run, name);
        let outcome = run.train_in(folder, &mut progress, stop);
        progress.finish();
        match outcome? {
            RunOutcome::Done(result) => Ok(*result),
            RunOutcome::Stopped { step } => Err(Checkpointed { step }.into()),
        }
    }

    /// The recipe with what the options say otherwise.
    fn checked_recipe(&self) -> anyhow::Result<Recipe> {
        let mut recipe = self.training.recipe()?;
        self.network.apply(&mut recipe);
        recipe.validate()?;
        Ok(recipe)
    }

    /// What would be trained.
    fn planned(&self, recipe: Recipe) -> anyhow::Result<PlannedTraining> {
        let seed = self.runs.seed;
        Ok(PlannedTraining {
            recipe,
            mask: self.network.mask_provenance(seed)?,
            pruning: self.pruning.pruning(seed)?,
            pruner: self.pruning.planned(seed, self.device())?,
        })
    }

    fn device(&self) -> Device {
        self.runs.device.device
    }

    /// The runs of all seeds, each in a thread of its own. Where one fails the others go on to their end.
    fn several(&self, shared: Shared<'_>, folder: &Path) -> anyhow::Result<Results> {
        let mut seeds = self.runs.seeds.clone();
        seeds.sort_unstable();
        seeds.dedup();
        let share = (phew_train::threads() / seeds.len()).max(1);
        let runs: Vec<anyhow::Result<RunResult>> = std::thread::scope(|scope| {
            let runs: Vec<_> = seeds
                .iter()
                .map(|&seed| {
                    scope.spawn(move || {
                        phew_train::set_threads(share);
                        let (folder, name) =
                            (folder.join(format!("seed-{seed}")), format!("seed {seed}  "));
                        self.one(shared, &folder, seed, name)
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
}

impl Command for Train {
    const NAME: &'static str = "train";
    const EXAMPLES: &'static [Example] = &[
        (
            "dense, on digits drawn in code; the same line goes on after a kill",
            "phew train --arch lenet-5 --epochs 5 -o dense",
        ),
        (
            "under a mask, from the weights that it was made from",
            "phew train --arch lenet-5 --weights w.safetensors --mask m.safetensors -o sparse",
        ),
        (
            "lottery tickets: iterative magnitude pruning, rewound to step 200",
            "phew train --recipe resnet20-cifar10 --prune rewind:200 --density 0.5,0.2,0.1 -o tickets",
        ),
    ];
    type Report = TrainReport;

    fn uses_libtorch(&self) -> bool {
        true
    }

    fn run(&self) -> anyhow::Result<TrainReport> {
        let recipe = self.checked_recipe()?;
        if self.runs.dry_run {
            return Ok(TrainReport::Recipe(Box::new(self.planned(recipe)?)));
        }
        self.train(&recipe)
    }
}
