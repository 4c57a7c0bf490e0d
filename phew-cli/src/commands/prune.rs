//! `phew prune`: a method, a density, a seed; a mask and its summary.

mod list;
mod paths;
mod rival;
#[cfg(feature = "train")]
mod samples;
mod walk;

use std::collections::BTreeMap;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use phew_graph::{MaskInfo, Network};
use serde_json::Value;

use crate::args::{ArchArgs, OutputArgs, WeightArgs, WeightSource};
use crate::failure::usage;

/// The method of the walks; all others are those of `phew_baselines::methods`.
const PHEW: &str = "phew";

/// What to do: list the methods, or prune.
#[derive(Debug)]
pub(crate) enum Prune {
    List,
    Job(Box<Job>),
}

/// Chooses the weights to keep and writes them as a mask.
///
/// The mask is a safetensors file of BOOL tensors with the weights' names and shapes; its metadata says how it
/// was made.
#[derive(Debug, Args)]
pub(crate) struct Job {
    #[command(flatten)]
    arch: ArchArgs,

    #[command(flatten)]
    weights: WeightArgs,

    /// Method; --list-methods says what each is
    #[arg(long, default_value = PHEW, value_parser = names(), hide_possible_values = true)]
    method: String,

    /// Share of the prunable weights to keep, above 0 and at most 1. Method phew takes several, as in
    /// 0.01,0.05,0.2: the masks are nested, and each file's name ends in its density
    #[arg(long, value_name = "SHARE", value_delimiter = ',')]
    density: Vec<f64>,

    /// Seed of the method's random choices
    #[arg(long, default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    output: OutputArgs,

    /// Print one JSON object, of several densities one on each line
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    walk: walk::WalkArgs,

    #[command(flatten)]
    path: paths::PathArgs,

    #[command(flatten)]
    rival: rival::RivalArgs,
}

fn names() -> PossibleValuesParser {
    let rivals = phew_baselines::methods().iter().map(|m| m.name);
    let paths = paths::METHODS.map(|(name, _)| name);
    [PHEW].into_iter().chain(paths).chain(rivals).map(PossibleValue::new).collect::<Vec<_>>().into()
}

const LIST: &str = "list_methods";

/// `--list-methods` stands alone, whatever a pruning requires: the derive has no word for that.
impl Args for Prune {
    fn augment_args(command: Command) -> Command {
        let list = Arg::new(LIST).long("list-methods").action(ArgAction::SetTrue).exclusive(true);
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
            false => Ok(Self::Job(Box::new(Job::from_arg_matches(matches)?))),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Prune {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::List => list::print(),
            Self::Job(job) => job.run(),
        }
    }
}

impl Job {
    fn run(&self) -> anyhow::Result<()> {
        let walks = self.method == PHEW;
        let paths = paths::METHODS.iter().any(|(name, _)| *name == self.method);
        let other = [
            self.walk.given().filter(|_| !walks),
            self.path.given().filter(|_| !paths),
            self.rival.given().filter(|_| walks || paths),
        ];
        if let Some(option) = other.into_iter().flatten().next() {
            return Err(usage(format!("{option} is not an option of method `{}`", self.method)));
        }
        if paths {
            return self.paths();
        }
        match self.density[..] {
            [] => Err(usage(format!("method `{}` needs --density", self.method))),
            _ if walks => self.walk(),
            [density] => self.rival(density),
            _ => Err(usage(format!("method `{}` takes one --density at a time", self.method))),
        }
    }

    fn info(
        &self,
        network: &Network,
        source: &WeightSource,
        density: f64,
        mut parameters: BTreeMap<String, Value>,
    ) -> MaskInfo {
        if let WeightSource::Drawn { init, seed } = source {
            parameters.insert("init".into(), init.to_string().into());
            parameters.insert("init_seed".into(), (*seed).into());
        }
        MaskInfo {
            arch: network.arch().name().to_owned(),
            density,
            method: self.method.clone(),
            parameters,
            seed: self.seed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            weights: network.fingerprint(),
        }
    }
}
