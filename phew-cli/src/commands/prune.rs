//! `phew prune`: a method, densities, seeds; masks and their summaries.

mod list;
mod outputs;
mod report;

pub use crate::methods::How;
pub use list::KnownMethod;
pub use report::{PruneReport, PrunedMask};

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use phew_baselines::Needs;
use phew_graph::{Network, PathGraph, Provenance, write_scores};

use crate::args::{
    DensityArgs, ModelArgs, OutputArgs, PRUNING as HEADING, Seeds, WeightArgs, WeightSource,
    all_seeds, seeds,
};
use crate::command::Example;
use crate::failure::usage;
use crate::layers::Layers;
use crate::methods::{
    Build, DEFAULT, Made, Method, MethodArgs, Request, SampleDataArgs, by_name, no_scores, served,
};
use outputs::Outputs;

/// What to do: list the methods, or prune.
#[derive(Debug)]
pub enum Prune {
    /// List the methods.
    List,
    /// Prune.
    Job(Box<Job>),
}

/// Chooses the weights to keep and writes them as a mask.
///
/// The mask is a safetensors file of BOOL tensors with the weights' names and shapes; its metadata says how it
/// was made. Several densities or seeds give a mask each.
#[derive(Debug, Args)]
pub struct Job {
    #[command(flatten)]
    arch: ModelArgs,

    #[command(flatten)]
    weights: WeightArgs,

    /// Method; --list-methods says what each is
    #[arg(long, help_heading = HEADING, default_value = DEFAULT, value_parser = by_name(|_| true), hide_possible_values = true)]
    method: &'static Method,

    #[command(flatten)]
    density: DensityArgs,

    /// Seed of the method's random choices and, unless told otherwise, of drawn weights
    #[arg(long, help_heading = HEADING, default_value_t = 0)]
    seed: u64,

    /// A mask for each of several seeds, as in 0-9 or 0-4,7
    #[arg(long, help_heading = HEADING, value_name = "SEEDS", value_delimiter = ',', value_parser = seeds, conflicts_with = "seed")]
    seeds: Vec<Seeds>,

    #[command(flatten)]
    output: OutputArgs,

    /// Write the scores too that the method compares first, those of the whole network, under the weights' names; the
    /// greatest are kept. {seed} stands for the seed
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    scores_out: Option<PathBuf>,

    #[command(flatten)]
    options: MethodArgs,

    #[command(flatten)]
    data: SampleDataArgs,
}

const LIST: &str = "list_methods";

/// `--list-methods` stands alone, whatever a pruning requires: the derive has no word for that.
impl Args for Prune {
    fn augment_args(command: Command) -> Command {
        let help = "List the methods with what each needs, its paper and its defaults, and stop";
        let others = Job::augment_args(Command::new("prune"));
        let others = others.get_arguments().map(|option| option.get_id().clone());
        let list = Arg::new(LIST)
            .long("list-methods")
            .help_heading(HEADING)
            .action(ArgAction::SetTrue)
            .conflicts_with_all(others);
        Job::augment_args(command.arg(list.help(help))).mut_args(|option| {
            // Of `--arch` clap says no such thing: it is required where no file stands first.
            match option.is_required_set() || option.get_id() == "arch" {
                true => option.required(false).required_unless_present(LIST),
                false => option,
            }
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Prune {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        match matches.get_flag(LIST) {
            true => Ok(Self::List),
            false => Ok(Self::Job(Box::new(Job::from_arg_matches(matches)?))),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Job {
    fn run(&self) -> anyhow::Result<Vec<PrunedMask>> {
        let densities = self.densities()?;
        let seeds = match &self.seeds[..] {
            [] => vec![self.seed],
            several => all_seeds(several),
        };
        let outputs = Outputs::new(&self.output.output, &densities, &seeds)?;
        // What is wrong with the request shows before anything is read.
        for &seed in &seeds {
            self.request(&densities, seed)?;
        }
        self.check_outputs(&outputs, &densities, &seeds)?;
        let scores_out = self.scores_files(&seeds)?;
        let data = self.data.load(self.method.needs)?;
        self.data.say(self.method.needs);
        let mut oracle = |needs: Needs, network: &Network| {
            let data = data.as_deref().filter(|_| needs.data());
            let own = || self.data.oracle(self.options.samples(), data, network);
            served(needs).then(own).transpose()
        };

        let mut masks = Vec::with_capacity(seeds.len() * densities.len().max(1));
        let arch = self.arch.load()?;
        let own = self.arch.own_weights();
        let mut loaded = None;
        for &seed in &seeds {
            let clock = Instant::now();
            let (network, source) = match loaded.take() {
                // The same weights for every seed are read once.
                Some(same) if !self.weights.follow_seed(own) => same,
                _ => self.weights.load(arch.clone(), own, seed)?,
            };
            let load = clock.elapsed().as_secs_f64();
            let request = self.request(&densities, seed)?;
            // The weights' hash is another thread's work, while most walks keep one busy.
            let mut from = Provenance::default();
            let (scores, made) = rayon::in_place_scope(|scope| {
                scope.spawn(|_| from = source.provenance(&network));
                let scores = scores_out.as_ref().map(|_| request.scores(&network, &mut oracle));
                Ok::<_, anyhow::Error>((scores.transpose()?, request.make(&network, &mut oracle)?))
            })?;
            let method = Some(self.method.name.to_owned());
            let from = Provenance { method, seed: Some(seed), ..from };
            let (needs, samples) = (self.method.needs, self.options.samples());
            let from = self.data.provenance(needs, data.as_deref(), samples, from)?;
            if let (Some(file), Some(names), Some(scores)) = (&self.scores_out, &scores_out, scores)
            {
                let note = serde_json::to_string(&from)?;
                let (file, overwrite) = (names.path(file, None, seed), self.output.overwrite());
                let values = |tensor| scores[tensor].to_vec();
                write_scores(&file, network.arch(), values, note, overwrite)?;
            }
            for made in made {
                let path = outputs.path(&self.output.output, Some(made.density), seed);
                masks.push(self.write(made, from.clone(), (&network, &source), path, load)?);
            }
            loaded = Some((network, source));
        }
        Ok(masks)
    }

    fn request<'a>(&'a self, densities: &'a [f64], seed: u64) -> anyhow::Result<Request<'a>> {
        self.data.check(self.method)?;
        Request::new(self.method, &self.options, densities, seed)
    }

    /// The densities that are asked for; that of a pattern is its own.
    fn densities(&self) -> anyhow::Result<Vec<f64>> {
        let densities = self.density.densities();
        match self.options.pattern() {
            None => Ok(densities),
            Some(pattern) if densities.is_empty() => Ok(vec![pattern.density()]),
            Some(_) => Err(usage("--pattern is a density of its own, and takes none beside it")),
        }
    }

    /// The names of the files of scores, if they are asked for and can be had.
    fn scores_files(&self, seeds: &[u64]) -> anyhow::Result<Option<Outputs>> {
        let Some(file) = &self.scores_out else { return Ok(None) };
        if !matches!(self.method.build, Build::Scores(_)) {
            return Err(no_scores(self.method));
        }
        let names = Outputs::new(file, &[], seeds)?;
        for &seed in seeds {
            self.output.check_path(&names.path(file, None, seed))?;
        }
        Ok(Some(names))
    }

    /// Refuses before the work what would be refused after it.
    fn check_outputs(
        &self,
        outputs: &Outputs,
        densities: &[f64],
        seeds: &[u64],
    ) -> anyhow::Result<()> {
        let mut seen = BTreeSet::new();
        for &seed in seeds {
            let one = [None];
            let all: Vec<Option<f64>> = densities.iter().copied().map(Some).collect();
            for &density in if all.is_empty() { &one[..] } else { &all } {
                let path = outputs.path(&self.output.output, density, seed);
                self.output.check_path(&path)?;
                if !seen.insert(path.clone()) {
                    let twice = density.unwrap_or_default();
                    return Err(usage(format!(
                        "{}: two masks of this name: density {twice} is given twice",
                        path.display()
                    )));
                }
            }
        }
        Ok(())
    }

    /// Writes a mask and reports on it.
    fn write(
        &self,
        made: Made,
        from: Provenance,
        (network, source): (&Network, &WeightSource),
        path: PathBuf,
        load: f64,
    ) -> anyhow::Result<PrunedMask> {
        let Made { mask, density, parameters, how, phases } = made;
        let clock = Instant::now();
        let from = Provenance {
            density: Some(density),
            kept: Some(mask.kept()),
            parameters: from.parameters.into_iter().chain(parameters).collect(),
            ..from
        };
        network.check_unchanged()?;
        mask.save(&path, &from, self.output.overwrite())?;
        let write = clock.elapsed().as_secs_f64();
        let layers = Layers::new(&PathGraph::new(network.arch()), &mask);
        let phases = [vec![("load", load)], phases, vec![("write", write)]].concat();
        Ok(PrunedMask::new(from, source.to_string(), layers, how, phases, path))
    }
}

impl crate::command::Command for Prune {
    const NAME: &'static str = "prune";
    const EXAMPLES: &'static [Example] = &[
        (
            "5% of LeNet-5 by PHEW, from weights that are drawn",
            "phew prune --arch lenet-5 --density 0.05 --seed 0 -o phew.safetensors",
        ),
        (
            "5% of a model exported by torch.export.save, from its own weights",
            "phew prune model.pt2 --density 0.05 -o mask.safetensors",
        ),
        (
            "Three nested masks of a state dict",
            "phew prune --arch lenet-5 --weights w.safetensors --density 0.01,0.05,0.2 -o nested.safetensors",
        ),
        (
            "A rival",
            "phew prune --arch lenet-5 --method synflow --density 0.05 -o synflow.safetensors",
        ),
        (
            "Ten seeds at two sparsities: a file each",
            "phew prune --arch lenet-5 --sparsity 0.9,0.95 --seeds 0-9 -o masks-{density}-{seed}.safetensors",
        ),
        ("What methods there are", "phew prune --list-methods"),
    ];
    type Report = PruneReport;

    fn run(&self) -> anyhow::Result<PruneReport> {
        Ok(match self {
            Self::List => PruneReport::Methods { methods: list::known() },
            Self::Job(job) => PruneReport::Masks(job.run()?),
        })
    }

    fn uses_libtorch(&self) -> bool {
        matches!(self, Self::Job(job) if job.data.uses_libtorch(job.method.needs))
    }
}
