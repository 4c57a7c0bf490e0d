//! `phew prune`: a method, a density, a seed; a mask and its summary.

mod list;
mod paths;
mod rival;
#[cfg(feature = "train")]
mod samples;
mod walk;

#[cfg(feature = "train")]
pub(super) use paths::{GRADIENT, by_gradient};

use std::collections::BTreeMap;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use phew_baselines::{Needs, Oracle, find};
use phew_graph::{MaskInfo, Network};
use serde_json::Value;

use crate::args::{ArchArgs, OutputArgs, WeightArgs, WeightSource};
use crate::failure::usage;

/// The method of the walks; all others are those of `phew_baselines::methods`.
pub(super) const PHEW: &str = "phew";

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
    #[arg(long, default_value = PHEW, value_parser = names(), hide_possible_values = true)]
    method: String,

    /// Share of the prunable weights to keep, above 0 and at most 1. Method phew takes several, as in
    /// 0.01,0.05,0.2: the masks are nested, and each file's name ends in its density. Walks and paths are kept whole
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

    #[cfg(feature = "train")]
    #[command(flatten)]
    samples: samples::SampleArgs,
}

fn names() -> PossibleValuesParser {
    let rivals = phew_baselines::methods().iter().map(|m| m.name);
    let paths = paths::METHODS.map(|(name, ..)| name);
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

impl Job {
    fn run(&self) -> anyhow::Result<()> {
        let walks = self.method == PHEW;
        let paths = paths::METHODS.iter().any(|(name, ..)| *name == self.method);
        let other = [
            self.walk.given().filter(|_| !walks),
            self.path.given().filter(|_| !paths),
            self.rival.given().filter(|_| walks || paths),
            self.samples_given().filter(|_| !looks_at_images(self.needs())),
        ];
        if let Some(option) = other.into_iter().flatten().next() {
            return Err(usage(format!("{option} is not an option of method `{}`", self.method)));
        }
        match self.density[..] {
            [] if !paths => Err(usage(format!("method `{}` needs --density", self.method))),
            _ if walks => self.walk(),
            [_, _, ..] => {
                Err(usage(format!("method `{}` takes one --density at a time", self.method)))
            }
            _ if paths => self.paths(),
            [density] => self.rival(density),
            [] => unreachable!("refused above"),
        }
    }

    /// What the method looks at.
    fn needs(&self) -> Needs {
        needs(&self.method)
    }

    /// The first option about images that was given.
    #[cfg(feature = "train")]
    fn samples_given(&self) -> Option<&'static str> {
        self.samples.given()
    }

    /// None: this build reads no images.
    #[cfg(not(feature = "train"))]
    #[expect(clippy::unused_self, reason = "as with the feature `train`")]
    fn samples_given(&self) -> Option<&'static str> {
        None
    }

    /// What answers the method's questions about data, if this build has it.
    #[cfg(feature = "train")]
    fn oracle(&self, network: &Network) -> anyhow::Result<Option<Box<dyn Oracle>>> {
        self.samples.oracle(self.needs(), network)
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
        if looks_at_images(self.needs()) {
            parameters.extend(self.samples.parameters());
        }
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

/// What a method looks at.
pub(super) fn needs(method: &str) -> Needs {
    let paths = paths::METHODS.iter().find(|(name, ..)| *name == method);
    let rival = || find(method).ok().map(|info| info.needs);
    paths.map(|(.., needs)| *needs).or_else(rival).unwrap_or(Needs::Weights)
}

/// Whether this build has an oracle for what a method needs.
fn served(needs: Needs) -> bool {
    cfg!(feature = "train") && needs.oracle()
}

/// Whether a method that asks an oracle asks about images of a data set.
pub(super) fn looks_at_images(needs: Needs) -> bool {
    needs.oracle() && !matches!(needs, Needs::OnesPass | Needs::Perturbations)
}

impl crate::command::Command for Prune {
    const NAME: &'static str = "prune";
    const EXAMPLES: &'static [crate::command::Example] = &[];
    type Report = Printed;

    fn run(&self) -> anyhow::Result<Printed> {
        match self {
            Self::List => list::print()?,
            Self::Job(job) => job.run()?,
        }
        Ok(Printed {})
    }
}

/// A result that was printed as the work went on.
#[derive(Debug, serde::Serialize)]
pub struct Printed {}

impl crate::command::Report for Printed {
    fn text(&self) -> String {
        String::new()
    }

    fn json(&self) -> serde_json::Result<String> {
        Ok(String::new())
    }
}
