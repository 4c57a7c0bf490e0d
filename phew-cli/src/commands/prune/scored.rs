//! `phew prune` with a method that scores: scores, an allocation, a schedule.

use std::collections::BTreeMap;
use std::time::Instant;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use phew_baselines::{Allocation, Method, MethodOption, Options, Schedule, Scored, methods};
use phew_graph::{Mask, Network, PathGraph};
use serde_json::Value;

use super::Job;
use super::report::{How, PrunedMask};
use crate::failure::of_baseline;
use crate::interrupt;
use crate::layers::Layers;
use crate::methods::served;
use crate::output::grouped;
use crate::progress;

/// Where the options of the methods that score stand in the help.
const HEADING: &str = "Options of the other methods";

/// Options of all methods that score.
#[derive(Debug, Args)]
#[command(next_help_heading = HEADING)]
pub(super) struct ScoreArgs {
    /// Steps: one-shot, linear:N, exponential:N or given:DENSITY,…; +revive after it lets pruned weights come back
    #[arg(long, value_name = "STEPS")]
    schedule: Option<Schedule>,

    /// Shares of the layers: global, uniform, er, erk, igq or given:DENSITY,… with one for each tensor
    #[arg(long, value_name = "NAME")]
    allocation: Option<Allocation>,

    /// Keep the weights with the worst scores instead of the best
    #[arg(long)]
    invert: bool,
}

/// The values of options that some methods have of their own, by name: those of the table, whatever they are.
#[derive(Debug)]
pub(super) struct OwnArgs(Vec<(&'static str, String)>);

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

impl Job {
    pub(super) fn scored(&self, scored: Scored, density: f64) -> anyhow::Result<PrunedMask> {
        let (entry, options) = (self.method.map(|_| scored), self.options());
        let build =
            |oracle| entry.method(density, self.seed, &options, oracle).map_err(of_baseline);
        // What is wrong with the request shows before anything is read; an oracle needs the network first.
        let early = if served(self.method.needs) { None } else { Some(build(None)?) };
        self.output.check()?;
        let clock = Instant::now();
        let (network, source) = self.weights.load(self.arch.load()?, self.seed)?;
        let mut method = match early {
            Some(method) => method,
            None => build(self.oracle(&network)?)?,
        };
        let steps = method.plan.steps();
        let load = clock.elapsed().as_secs_f64();

        let clock = Instant::now();
        let mask = score(&network, &mut method)?;
        let prune = clock.elapsed().as_secs_f64();
        interrupt::check()?;

        let clock = Instant::now();
        let given = method.parameters.iter();
        let mut parameters: BTreeMap<String, Value> =
            given.map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
        parameters.insert("engine".into(), "scores".into());
        let info = self.info(&network, &source, density, parameters);
        mask.save(&self.output.output, &info, self.output.overwrite())?;
        let write = clock.elapsed().as_secs_f64();

        let layers = Layers::new(&PathGraph::new(network.arch()), &mask);
        let phases = vec![("load", load), ("prune", prune), ("write", write)];
        let output = self.output.output.clone();
        let how = How::Scores { steps };
        Ok(PrunedMask::new(info, source.to_string(), (layers, &mask), how, phases, output))
    }
}

impl Job {
    fn options(&self) -> Options {
        let ScoreArgs { schedule, allocation, invert } = &self.score;
        let (schedule, allocation, invert) = (schedule.clone(), allocation.clone(), *invert);
        let options = Options { schedule, allocation, invert, ..Options::default() };
        self.own.0.iter().fold(options, |options, (name, value)| options.with(*name, value))
    }
}

/// Prunes under a progress bar; Ctrl-C stops between two steps.
fn score(network: &Network, method: &mut Method<'_>) -> anyhow::Result<Mask> {
    let bar = progress::bar(method.plan.steps() as u64, "pruning", "steps");
    let mask = method.prune_with(network, &mut |p| {
        bar.set_position(p.done as u64);
        bar.set_message(format!("· {} weights kept", grouped(p.kept)));
        interrupt::flow()
    });
    bar.finish_and_clear();
    mask.map_err(of_baseline)
}
