//! `phew prune` with a method that scores: scores, an allocation, a schedule.

use std::collections::BTreeMap;
use std::time::Instant;

use phew_baselines::{Method, Options, Scored};
use phew_graph::{Mask, Network, PathGraph};
use serde_json::Value;

use super::job::Job;
use super::options::scored::ScoreArgs;
use super::report::{How, PrunedMask};
use crate::failure::of_baseline;
use crate::interrupt;
use crate::layers::Layers;
use crate::methods::served;
use crate::output::grouped;
use crate::progress;

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
