//! Which options of `phew prune` belong to which methods: those of the arguments that serve them.

pub(super) mod paths;
pub(super) mod scored;
pub(super) mod walk;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command};

#[cfg(feature = "train")]
use super::samples::SampleArgs;
use crate::methods::{Build, Method};
use paths::PathArgs;
use scored::{OwnArgs, ScoreArgs};
use walk::WalkArgs;

/// The options that a method has beside those of all methods, as the command line spells them.
pub(super) fn of(method: &Method) -> Vec<String> {
    let options = match method.build {
        Build::Walks => names::<WalkArgs>(),
        Build::Paths(_) => names::<PathArgs>(),
        Build::Scores(scored) => {
            let own = scored.options.iter().map(|option| option.name.to_owned());
            names::<ScoreArgs>().into_iter().chain(own).collect()
        }
    };
    #[cfg(feature = "train")]
    let options = match method.needs.data() {
        true => [options, names::<SampleArgs>()].concat(),
        false => options,
    };
    options
}

/// Those that were given of any method's.
pub(super) fn given(matches: &ArgMatches) -> Vec<String> {
    let all = [
        command::<WalkArgs>(),
        command::<PathArgs>(),
        command::<ScoreArgs>(),
        command::<OwnArgs>(),
    ];
    let all = all.into_iter();
    #[cfg(feature = "train")]
    let all = all.chain([command::<SampleArgs>()]);
    let mut given = Vec::new();
    for command in all {
        for option in command.get_arguments() {
            if matches.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine) {
                given.extend(option.get_long().map(str::to_owned));
            }
        }
    }
    given
}

fn names<A: Args>() -> Vec<String> {
    let command = command::<A>();
    command.get_arguments().filter_map(|option| option.get_long()).map(str::to_owned).collect()
}

fn command<A: Args>() -> Command {
    A::augment_args(Command::new("prune"))
}
