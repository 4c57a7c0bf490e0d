//! Options of `phew train` about pruning in the course of training.

use std::str::FromStr;

use clap::{Args, ValueEnum};
use phew_baselines::reinitialise;
use phew_graph::{Mask, Network, Provenance};
use phew_train::{
    Dataset, Device, Pruner, PrunerInfo, Pruning, Redraw, RedrawVariance, ScoredPruner,
};

use super::paths::{Gradients, PathPruner, Ways};
use crate::failure::usage;
use crate::methods::{Build, Method, MethodArgs, PathSet, RankedBy, by_name};

/// When and how to prune while training.
#[derive(Debug, Args)]
#[command(next_help_heading = "Pruning in the course of training")]
pub(super) struct PruningArgs {
    /// at:STEP, then train on; restart:STEP, then train by the whole recipe from the weights of that step; during:ROUNDS,
    /// little by little in the first half of training; after, and train again from the trained weights; gradual:ROUNDS
    /// after training, then train again; rewind:STEP (the recipe's step without one), back to the weights of that step
    /// and train again
    #[arg(long, value_name = "WHEN", requires = "density")]
    prune: Option<When>,

    /// Share of the prunable weights to keep; with rewind several, as in 0.5,0.2, for iterative pruning
    #[arg(long, value_name = "SHARE", value_delimiter = ',', requires = "prune")]
    density: Vec<f64>,

    /// The weights are those that the recipe has come to: begin gradual with its first pruning
    #[arg(long, requires = "prune")]
    trained: bool,

    /// What to keep: any method of `phew prune --list-methods` that takes a density, asked about the network as it is
    /// then
    #[arg(long, value_parser = by_name(|method| method.build.takes_density()), hide_possible_values = true,
        default_value = "magnitude", requires = "prune")]
    method: &'static Method,

    /// Seed of the method's random choices; that of the run by default
    #[arg(long, value_name = "SEED", requires = "prune")]
    method_seed: Option<u64>,

    /// Draw new weights for the mask of --mask, or in place of the last rewinding, with variance as if nothing were
    /// pruned, or by the density of each layer or the fan-in of each unit
    #[arg(long, value_name = "VARIANCE")]
    redraw: Option<Variance>,

    /// Seed of those weights; by default one more than that of the run
    #[arg(long, value_name = "SEED", requires = "redraw")]
    redraw_seed: Option<u64>,

    /// Options of the method, as `phew prune` has them.
    #[command(flatten)]
    options: MethodArgs,
}

#[derive(Debug, Clone, Copy)]
enum When {
    At(u64),
    Restart(u64),
    During(u32),
    After,
    Gradual(u32),
    Rewind(Option<u64>),
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, number) = match text.split_once(':') {
            Some((word, number)) => (word, Some(number)),
            None => (text, None),
        };
        let wrong = || {
            "expected at:STEP, restart:STEP, during:ROUNDS, after, gradual:ROUNDS, rewind or rewind:STEP"
                .to_owned()
        };
        let parse = |number: &str| number.parse::<u64>().map_err(|_| wrong());
        let rounds = |number: &str| number.parse::<u32>().map_err(|_| wrong());
        match (word, number) {
            ("at", Some(step)) => Ok(Self::At(parse(step)?)),
            ("restart", Some(step)) => Ok(Self::Restart(parse(step)?)),
            ("during", Some(number)) => Ok(Self::During(rounds(number)?)),
            ("after", None) => Ok(Self::After),
            ("gradual", Some(number)) => Ok(Self::Gradual(rounds(number)?)),
            ("rewind", step) => Ok(Self::Rewind(step.map(parse).transpose()?)),
            _ => Err(wrong()),
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Variance {
    Dense,
    LayerwiseSparse,
    NeuronwiseSparse,
}

impl PruningArgs {
    /// When a run of this seed is pruned.
    pub(super) fn pruning(&self, seed: u64) -> anyhow::Result<Pruning> {
        let one = || match self.density[..] {
            [density] => Ok(density),
            _ => Err(usage("--prune takes one --density, unless it is rewind")),
        };
        if self.redraw.is_some() && !matches!(self.prune, None | Some(When::Rewind(_))) {
            return Err(usage("--redraw is an option of --mask and of --prune rewind"));
        }
        if self.trained && !matches!(self.prune, Some(When::Gradual(_))) {
            return Err(usage("--trained is an option of --prune gradual:ROUNDS"));
        }
        Ok(match self.prune {
            None => Pruning::Never,
            Some(When::At(step)) => Pruning::At { step, density: one()? },
            Some(When::Restart(step)) => Pruning::Restart { step, density: one()? },
            Some(When::During(rounds)) => Pruning::During { rounds, density: one()? },
            Some(When::After) => Pruning::After { density: one()? },
            Some(When::Gradual(rounds)) => {
                Pruning::Gradual { rounds, density: one()?, trained: self.trained }
            }
            Some(When::Rewind(step)) => {
                Pruning::Rewind { step, densities: self.density.clone(), redraw: self.redraw(seed) }
            }
        })
    }

    /// What a record says of weights that were drawn anew for a mask.
    pub(super) fn noted(&self, from: Provenance, seed: u64) -> Provenance {
        match self.redraw(seed).filter(|_| self.prune.is_none()) {
            None => from,
            Some(Redraw { variance, seed }) => {
                let mut parameters = from.parameters;
                parameters.insert("redraw".to_owned(), format!("{variance:?}").into());
                Provenance { parameters, weights_seed: Some(seed), ..from }
            }
        }
    }

    /// A pattern is a density too, and here one has to be given.
    fn check_pattern(&self) -> anyhow::Result<()> {
        let Some(pattern) = self.options.pattern() else { return Ok(()) };
        match self.density[..] {
            [density] if (density - pattern.density()).abs() < 1e-9 => Ok(()),
            _ => Err(usage(format!("--pattern {pattern} needs --density {}", pattern.density()))),
        }
    }

    /// What such a pruning would keep, where nothing is pruned yet.
    pub(super) fn planned(&self, seed: u64, device: Device) -> anyhow::Result<Option<PrunerInfo>> {
        // What is said of a pruner does not depend on the images that it would look at.
        let images = phew_train::digits(1, 1, 0)?;
        let pruner = self.pruner(seed, &images, device)?;
        Ok(self.prune.map(|_| pruner.info()))
    }

    fn redraw(&self, seed: u64) -> Option<Redraw> {
        let seed = self.redraw_seed.unwrap_or(seed.wrapping_add(1));
        let variance = match self.redraw? {
            Variance::Dense => RedrawVariance::Dense,
            Variance::LayerwiseSparse => RedrawVariance::LayerwiseSparse,
            Variance::NeuronwiseSparse => RedrawVariance::NeuronwiseSparse,
        };
        Some(Redraw { variance, seed })
    }

    /// The network that a run begins with: new weights for its mask, if they were asked for.
    pub(super) fn redrawn(
        &self,
        network: Network,
        mask: Option<&Mask>,
        init: &str,
        seed: u64,
    ) -> anyhow::Result<Network> {
        match (self.redraw(seed), mask) {
            (Some(Redraw { variance, seed }), Some(mask)) if self.prune.is_none() => {
                Ok(reinitialise(&network, mask, variance.into(), init.parse()?, seed)?)
            }
            (Some(_), None) if self.prune.is_none() => {
                Err(usage("--redraw needs --mask or --prune rewind"))
            }
            _ => Ok(network),
        }
    }

    /// What such a pruning keeps.
    pub(super) fn pruner<'a>(
        &'a self,
        seed: u64,
        data: &'a Dataset,
        device: Device,
    ) -> anyhow::Result<Box<dyn Pruner + 'a>> {
        let seed = self.method_seed.unwrap_or(seed);
        let Method { name, build, .. } = *self.method;
        match self.prune {
            Some(_) => {
                self.options.check(self.method)?;
                self.check_pattern()?;
            }
            None => self.options.check_unused("--prune")?,
        }
        let looks = self.options.samples();
        let (samples, mode) = (looks.spec(seed), looks.oracle_mode());
        let ways = match build {
            Build::Scores(scored) => {
                let pruner = ScoredPruner::builder(self.method.map(|_| scored), data)
                    .seed(seed)
                    .options(self.options.scored())
                    .samples(samples)
                    .mode(mode)
                    .device(device);
                return Ok(Box::new(pruner.build()?));
            }
            Build::Walks => Ways::Walks(self.options.walks()),
            Build::Paths(PathSet::Ranked(order, RankedBy::Weight)) => Ways::Ranked(order, None),
            Build::Paths(PathSet::Ranked(order, RankedBy::Gradient)) => {
                Ways::Ranked(order, Some(Gradients { data, samples, mode, device }))
            }
            Build::Paths(PathSet::Greedy) => {
                return Err(usage(format!("method `{name}` takes no --density")));
            }
        };
        Ok(Box::new(PathPruner { method: name, seed, ways }))
    }
}
