//! `phew prune`: a method, a density, a seed; a mask and its summary.

mod job;
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

pub use job::Job;
pub use list::KnownMethod;
pub use report::{How, PruneReport, PrunedMask};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use crate::command::Example;
use crate::failure::usage;
use crate::methods::{Build, Method, served};
use job::HEADING;

/// What to do: list the methods, or prune.
#[derive(Debug)]
pub enum Prune {
    /// List the methods.
    List,
    /// Prune.
    Job(Box<Job>),
}

const LIST: &str = "list_methods";

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
