//! Which options of `phew prune` belong to which methods: those of the arguments that serve them.

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command};

use super::paths::PathArgs;
#[cfg(feature = "train")]
use super::samples::SampleArgs;
use super::scored::{OwnArgs, ScoreArgs};
use super::walk::WalkArgs;
use crate::methods::{Build, Method, methods};

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

/// Whether an option belongs to other methods than this one.
pub(crate) fn is_option_of_others(method: &str, option: &str) -> bool {
    let of_any = commands()
        .iter()
        .flat_map(Command::get_arguments)
        .any(|arg| arg.get_long() == Some(option));
    of_any && methods().find(method).is_ok_and(|method| !of(method).iter().any(|own| own == option))
}

/// Those that were given of any method's.
pub(super) fn given(matches: &ArgMatches) -> Vec<String> {
    let mut given = Vec::new();
    for command in commands() {
        for option in command.get_arguments() {
            if matches.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine) {
                given.extend(option.get_long().map(str::to_owned));
            }
        }
    }
    given
}

/// The options that belong to some methods only.
fn commands() -> Vec<Command> {
    vec![
        command::<WalkArgs>(),
        command::<PathArgs>(),
        command::<ScoreArgs>(),
        command::<OwnArgs>(),
        #[cfg(feature = "train")]
        command::<SampleArgs>(),
    ]
}

fn names<A: Args>() -> Vec<String> {
    let command = command::<A>();
    command.get_arguments().filter_map(|option| option.get_long()).map(str::to_owned).collect()
}

fn command<A: Args>() -> Command {
    A::augment_args(Command::new("prune"))
}
