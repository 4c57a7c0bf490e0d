//! The options of all methods, and which belong to which: those of the arguments that serve them.

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use phew_baselines::{Options, Pattern};

use super::layers::LayerArgs;
use super::paths::PathArgs;
use super::scores::{self, OwnArgs, ScoreArgs};
use super::table::{Build, Method, methods};
use super::walks::{WalkArgs, Walks};
use super::{data::SampleDataArgs, oracle::ORACLE, samples::SampleArgs};
use crate::failure::usage;

/// The options of all methods, and which of them were given.
#[derive(Debug)]
pub(crate) struct MethodArgs {
    /// Their values.
    all: All,
    /// The names of those that the command line gives.
    given: Vec<String>,
}

#[derive(Debug, Args)]
struct All {
    #[command(flatten)]
    walk: WalkArgs,

    #[command(flatten)]
    path: PathArgs,

    #[command(flatten)]
    score: ScoreArgs,

    #[command(flatten)]
    own: OwnArgs,

    #[command(flatten)]
    layers: LayerArgs,

    #[command(flatten)]
    samples: SampleArgs,
}

impl MethodArgs {
    /// Refuses options of other methods.
    pub(crate) fn check(&self, method: &Method) -> anyhow::Result<()> {
        let own = names_of(method);
        match self.given.iter().find(|option| !own.contains(option)) {
            None => Ok(()),
            Some(other) => {
                Err(usage(format!("--{other} is not an option of method `{}`", method.name)))
            }
        }?;
        match self.pattern().is_some() && self.all.layers.has_parts() {
            true => {
                Err(usage("--pattern says what each layer keeps, and --layer-density otherwise"))
            }
            false => Ok(()),
        }
    }

    /// Refuses any option of a method where there is none for it, for want of another option.
    #[cfg(feature = "train")]
    pub(crate) fn check_unused(&self, wanted: &str) -> anyhow::Result<()> {
        match self.given.first() {
            None => Ok(()),
            Some(option) => Err(usage(format!("--{option} needs {wanted}"))),
        }
    }

    /// Options of walks.
    pub(crate) fn walks(&self) -> Walks<'_> {
        Walks { options: &self.all.walk, layers: &self.all.layers }
    }

    /// The density of the pattern that is asked for in place of one.
    pub(crate) fn pattern(&self) -> Option<Pattern> {
        self.all.score.pattern()
    }

    /// Options of sets of paths.
    pub(super) fn path(&self) -> &PathArgs {
        &self.all.path
    }

    /// Options of methods that score.
    pub(crate) fn scored(&self) -> Options {
        scores::options(&self.all.score, &self.all.own, &self.all.layers)
    }

    /// Which images methods look at that look at data, and how.
    pub(crate) fn samples(&self) -> &SampleArgs {
        &self.all.samples
    }
}

impl Args for MethodArgs {
    fn augment_args(command: Command) -> Command {
        All::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for MethodArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |option: &clap::Arg| {
            let source = matches.value_source(option.get_id().as_str());
            (source == Some(ValueSource::CommandLine))
                .then(|| option.get_long())?
                .map(str::to_owned)
        };
        let given = command::<All>().get_arguments().filter_map(given).collect();
        Ok(Self { all: All::from_arg_matches(matches)?, given })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The options that a method has beside those of all methods, as the command line spells them.
fn names_of(method: &Method) -> Vec<String> {
    let options = match method.build {
        Build::Walks => [names::<WalkArgs>(), names::<LayerArgs>()].concat(),
        Build::Paths(_) => names::<PathArgs>(),
        Build::Scores(scored) => {
            let own = scored.options.iter().map(|option| option.name.to_owned());
            let options = [names::<ScoreArgs>(), names::<LayerArgs>()].concat();
            options.into_iter().chain(own).collect()
        }
    };
    match method.needs.data() {
        true => [options, names::<SampleArgs>()].concat(),
        false => options,
    }
}

/// Whether an option is one of methods: of some, or of all that score.
pub(crate) fn is_option_of_methods(option: &str) -> bool {
    names::<All>().iter().any(|name| name == option)
}

/// Whether an option belongs to other methods than this one.
pub(crate) fn is_option_of_others(method: &str, option: &str) -> bool {
    let Ok(method) = methods().find(method) else { return false };
    if option == ORACLE {
        return !method.needs.oracle();
    }
    if names::<SampleDataArgs>().iter().any(|name| name == option) {
        return !method.needs.data();
    }
    is_option_of_methods(option) && !names_of(method).iter().any(|name| name == option)
}

fn names<A: Args>() -> Vec<String> {
    let command = command::<A>();
    command.get_arguments().filter_map(|option| option.get_long()).map(str::to_owned).collect()
}

fn command<A: Args>() -> Command {
    A::augment_args(Command::new("method"))
}
