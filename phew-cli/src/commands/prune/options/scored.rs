//! Options of the methods that score: those of all, and those that some have of their own.

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use phew_baselines::{Allocation, MethodOption, Schedule, methods};

/// Where the options of the methods that score stand in the help.
const HEADING: &str = "Options of the other methods";

/// Options of all methods that score.
#[derive(Debug, Args)]
#[command(next_help_heading = HEADING)]
pub(crate) struct ScoreArgs {
    /// Steps: one-shot, linear:N, exponential:N or given:DENSITY,…; +revive after it lets pruned weights come back
    #[arg(long, value_name = "STEPS")]
    pub(crate) schedule: Option<Schedule>,

    /// Shares of the layers: global, uniform, er, erk, igq or given:DENSITY,… with one for each tensor
    #[arg(long, value_name = "NAME")]
    pub(crate) allocation: Option<Allocation>,

    /// Keep the weights with the worst scores instead of the best
    #[arg(long)]
    pub(crate) invert: bool,
}

/// The values of options that some methods have of their own, by name: those of the table, whatever they are.
#[derive(Debug)]
pub(crate) struct OwnArgs(pub(in super::super) Vec<(&'static str, String)>);

/// Each of these options once.
fn own_options() -> Vec<&'static MethodOption> {
    let mut own: Vec<&MethodOption> = Vec::new();
    for option in methods().iter().flat_map(|entry| entry.build.options) {
        if own.iter().all(|other| other.name != option.name) {
            own.push(option);
        }
    }
    own
}

impl Args for OwnArgs {
    fn augment_args(command: Command) -> Command {
        own_options().into_iter().fold(command, |command, option| {
            let arg = Arg::new(option.name).long(option.name).value_name(option.placeholder);
            let arg = arg.help(option.help).help_heading(HEADING);
            command.arg(arg.value_parser(move |text: &str| option.check(text)))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for OwnArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |option: &MethodOption| {
            Some((option.name, matches.get_one::<String>(option.name)?.clone()))
        };
        Ok(Self(own_options().into_iter().filter_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
