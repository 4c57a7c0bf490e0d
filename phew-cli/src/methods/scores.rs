//! Scores: their options, and masks made of scores, an allocation and a schedule.

use std::collections::BTreeMap;
use std::time::Instant;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use phew_baselines::{
    Allocation, Method, MethodOption, Options, Pattern, Schedule, StepProgress, methods,
};
use phew_graph::{Mask, Network};
use serde_json::Value;

use super::layers::LayerArgs;
use super::made::{How, Made};
use crate::failure::of_baseline;
use crate::interrupt;
use crate::output::grouped;
use crate::{progress, stderr};

/// Where the options of the methods that score stand in the help.
const HEADING: &str = "Options of the other methods";

/// Options of all methods that score.
#[derive(Debug, Args)]
#[command(next_help_heading = HEADING)]
pub(crate) struct ScoreArgs {
    /// Steps: one-shot, linear:N, exponential:N or given:DENSITY,…; +revive after it lets pruned weights come back
    #[arg(long, value_name = "STEPS")]
    schedule: Option<Schedule>,

    /// Shares of the layers: global, uniform, er, erk, igq or given:DENSITY,… with one for each tensor
    #[arg(long, value_name = "NAME")]
    allocation: Option<Allocation>,

    /// N of each M weights along the input, as in 2:4, instead of a density
    #[arg(long, value_name = "N:M")]
    pattern: Option<Pattern>,

    /// Keep the weights with the worst scores instead of the best
    #[arg(long)]
    invert: bool,
}

impl ScoreArgs {
    /// N of each M weights, if that is asked for.
    pub(super) fn pattern(&self) -> Option<Pattern> {
        self.pattern
    }
}

/// The values of options that some methods have of their own, by name: those of the table, whatever they are.
#[derive(Debug)]
pub(crate) struct OwnArgs(Vec<(&'static str, String)>);

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

/// The options of a method that scores, as `phew-baselines` takes them.
pub(super) fn options(args: &ScoreArgs, own: &OwnArgs, layers: &LayerArgs) -> Options {
    let ScoreArgs { schedule, allocation, pattern, invert } = args;
    let options = Options {
        schedule: schedule.clone(),
        allocation: allocation.clone(),
        pattern: *pattern,
        layers: layers.shares(),
        invert: *invert,
        ..Options::default()
    };
    own.0.iter().fold(options, |options, (name, value)| options.with(*name, value))
}

/// The mask that a method makes of a network, at the density that it was built for.
pub(super) fn make(
    network: &Network,
    method: &mut Method<'_>,
    density: f64,
) -> anyhow::Result<Made> {
    let steps = method.plan.steps();
    let clock = Instant::now();
    let mask = prune(network, method)?;
    let seconds = clock.elapsed().as_secs_f64();
    let given = method.parameters.iter();
    let mut parameters: BTreeMap<String, Value> =
        given.map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
    parameters.insert("engine".into(), "scores".into());
    let phases = vec![("prune", seconds)];
    Ok(Made { mask, density, parameters, how: How::Scores { steps }, phases })
}

/// Prunes under a progress bar; Ctrl-C stops between two steps.
fn prune(network: &Network, method: &mut Method<'_>) -> anyhow::Result<Mask> {
    /// The share of the kept weights from which it is said that ties chose them.
    const TOLD: f64 = 0.01;

    let bar = progress::bar(method.plan.steps() as u64, "pruning", "steps");
    let mut ties: Option<StepProgress> = None;
    let mask = method.prune_with(network, &mut |p| {
        if p.by_index as f64 > TOLD * p.kept as f64 {
            ties.get_or_insert(p);
        }
        bar.set_position(p.done as u64);
        bar.set_message(format!("· {} weights kept", grouped(p.kept)));
        interrupt::flow()
    });
    bar.finish_and_clear();
    if let (Some(StepProgress { done, steps, kept, by_index }), Ok(_)) = (ties, &mask) {
        let (kept, by_index) = (grouped(kept), grouped(by_index));
        stderr::warn(format_args!(
            "the scores of step {done} of {steps} are equal where they decide: {by_index} of {kept} weights were kept because \
             they stand first"
        ));
    }
    mask.map_err(of_baseline)
}
