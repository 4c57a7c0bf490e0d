//! `phew prune`: a method, a density, a seed; a mask and its summary.

mod list;
mod options;
mod paths;
mod report;
#[cfg(feature = "train")]
mod samples;
mod scored;
mod walk;

#[cfg(feature = "train")]
pub(super) use paths::by_gradient;

pub(crate) use options::is_option_of_others;

pub use list::KnownMethod;
pub use report::{How, PruneReport, PrunedMask};

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use phew_baselines::Oracle;
use phew_graph::{MaskInfo, Network};
use serde_json::Value;

use crate::args::{ArchArgs, OutputArgs, WeightArgs, WeightSource};
use crate::command::Example;
use crate::failure::usage;
use crate::methods::{Build, DEFAULT, Method, by_name, served};

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
/// was made.
#[derive(Debug, Args)]
pub struct Job {
    #[command(flatten)]
    arch: ArchArgs,

    #[command(flatten)]
    weights: WeightArgs,

    /// Method; --list-methods says what each is
    #[arg(long, help_heading = HEADING, default_value = DEFAULT, value_parser = by_name(|_| true), hide_possible_values = true)]
    method: &'static Method,

    /// Options of methods that were given, as the command line spells them.
    #[arg(skip)]
    given: Vec<String>,

    /// Share of the prunable weights to keep, above 0 and at most 1. Method phew takes several, as in
    /// 0.01,0.05,0.2: the masks are nested, and each file's name ends in its density. Walks and paths are kept whole
    #[arg(long, help_heading = HEADING, value_name = "SHARE", value_delimiter = ',')]
    density: Vec<f64>,

    /// Seed of the method's random choices
    #[arg(long, help_heading = HEADING, default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    walk: walk::WalkArgs,

    #[command(flatten)]
    path: paths::PathArgs,

    #[command(flatten)]
    score: scored::ScoreArgs,

    #[command(flatten)]
    own: scored::OwnArgs,

    #[cfg(feature = "train")]
    #[command(flatten)]
    samples: samples::SampleArgs,
}

const LIST: &str = "list_methods";

/// Where the options that all methods have stand in the help.
const HEADING: &str = "Pruning";

/// `--list-methods` stands alone, whatever a pruning requires: the derive has no word for that.
impl Args for Prune {
    fn augment_args(command: Command) -> Command {
        let list = Arg::new(LIST)
            .long("list-methods")
            .help_heading(HEADING)
            .action(ArgAction::SetTrue)
            .exclusive(true);
        let help = "List the methods with what each needs, its paper and its defaults, and stop";
        Job::augment_args(command.arg(list.help(help)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Prune {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        match matches.get_flag(LIST) {
            true => Ok(Self::List),
            false => {
                let given = options::given(matches);
                Ok(Self::Job(Box::new(Job { given, ..Job::from_arg_matches(matches)? })))
            }
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Job {
    fn run(&self) -> anyhow::Result<Vec<PrunedMask>> {
        let Method { name, build, .. } = self.method;
        let own = options::of(self.method);
        if let Some(other) = self.given.iter().find(|option| !own.contains(option)) {
            return Err(usage(format!("--{other} is not an option of method `{name}`")));
        }
        match (*build, &self.density[..]) {
            (Build::Walks, [_, ..]) => self.walk(),
            (_, [_, _, ..]) => Err(usage(format!("method `{name}` takes one --density at a time"))),
            (Build::Paths(set), _) => Ok(vec![self.paths(set)?]),
            (Build::Scores(scored), &[density]) => Ok(vec![self.scored(scored, density)?]),
            (Build::Walks | Build::Scores(_), []) => {
                Err(usage(format!("method `{name}` needs --density")))
            }
        }
    }

    /// What answers the method's questions about data, if this build has it.
    #[cfg(feature = "train")]
    fn oracle(&self, network: &Network) -> anyhow::Result<Option<Box<dyn Oracle>>> {
        self.samples.oracle(self.method.needs, network)
    }

    /// Nothing: this build runs no networks.
    #[cfg(not(feature = "train"))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "as with the feature `train`"
    )]
    fn oracle(&self, _: &Network) -> anyhow::Result<Option<Box<dyn Oracle>>> {
        Ok(None)
    }

    fn info(
        &self,
        network: &Network,
        source: &WeightSource,
        density: f64,
        mut parameters: BTreeMap<String, Value>,
    ) -> MaskInfo {
        #[cfg(feature = "train")]
        if self.method.needs.data() {
            parameters.extend(self.samples.parameters());
        }
        if let WeightSource::Drawn { init, seed } = source {
            parameters.insert("init".into(), init.to_string().into());
            parameters.insert("init_seed".into(), (*seed).into());
        }
        MaskInfo {
            arch: network.arch().name().to_owned(),
            density,
            method: self.method.name.to_owned(),
            parameters,
            seed: self.seed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            weights: network.fingerprint(),
        }
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
            "Three nested masks of a state dict",
            "phew prune --arch lenet-5 --weights w.safetensors --density 0.01,0.05,0.2 -o nested.safetensors",
        ),
        (
            "A rival",
            "phew prune --arch lenet-5 --method synflow --density 0.05 -o synflow.safetensors",
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
        matches!(self, Self::Job(job) if served(job.method.needs))
    }
}
