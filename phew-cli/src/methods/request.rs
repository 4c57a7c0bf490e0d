//! What is asked of a method: densities and a seed, checked before anything is read.

use phew_baselines::{BaselineError, Needs, Oracle};
use phew_graph::{ByTensor, Mask, Network};

use super::made::Made;
use super::options::MethodArgs;
use super::paths::{Wanted, by_gradient};
use super::scores;
use super::table::{Build, Method, PathSet, RankedBy, served};
use crate::failure::{of_baseline, usage};
use crate::interrupt;

/// Gives what answers a method's questions about a network on data, if this build has it.
pub(crate) type OracleFactory<'a> =
    dyn FnMut(Needs, &Network) -> anyhow::Result<Option<Box<dyn Oracle>>> + 'a;

/// Masks that are asked of a method: one for each density.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    method: &'static Method,
    options: &'a MethodArgs,
    densities: &'a [f64],
    seed: u64,
}

impl<'a> Request<'a> {
    /// Refuses what the method does not take, as far as can be told without a network.
    pub(crate) fn new(
        method: &'static Method,
        options: &'a MethodArgs,
        densities: &'a [f64],
        seed: u64,
    ) -> anyhow::Result<Self> {
        options.check(method)?;
        let request = Self { method, options, densities, seed };
        match (method.build, densities) {
            (Build::Paths(set), _) => drop(request.wanted(set)?),
            (Build::Walks | Build::Scores(_), []) => {
                return Err(usage(format!("method `{}` needs --density", method.name)));
            }
            (Build::Walks, _) => drop(phew_walk::WalkParams::nested(densities)?),
            // An oracle needs the network first.
            (Build::Scores(_), _) if served(method.needs) => {}
            (Build::Scores(scored), _) => {
                let (entry, options) = (method.map(|_| scored), options.scored());
                for &density in densities {
                    entry.method(density, seed, &options, None).map_err(of_baseline)?;
                }
            }
        }
        Ok(request)
    }

    /// Makes the masks, by ascending density where they are nested, else in the order of the densities.
    pub(crate) fn make(
        &self,
        network: &Network,
        oracle: &mut OracleFactory<'_>,
    ) -> anyhow::Result<Vec<Made>> {
        let Method { needs, build, .. } = *self.method;
        let made = match build {
            Build::Walks => self.options.walks().make(network, self.densities, self.seed)?,
            Build::Paths(set) => {
                let by = set.ranked_by();
                let ranked = match by {
                    RankedBy::Weight => None,
                    RankedBy::Gradient => Some(self.ranked_by_gradient(network, oracle)?),
                };
                let ranked = ranked.as_ref().unwrap_or(network);
                let wanted = self.wanted(set)?;
                wanted
                    .into_iter()
                    .map(|wanted| wanted.make(ranked, by))
                    .collect::<Result<_, _>>()?
            }
            Build::Scores(scored) => {
                let (entry, options) = (self.method.map(|_| scored), self.options.scored());
                let mut made = Vec::new();
                for &density in self.densities {
                    let oracle = oracle(needs, network)?;
                    let method = entry.method(density, self.seed, &options, oracle);
                    made.push(scores::make(network, &mut method.map_err(of_baseline)?, density)?);
                    interrupt::check()?;
                }
                made
            }
        };
        interrupt::check()?;
        Ok(made)
    }

    /// The scores of the network as it is, which the first step of such a method compares.
    pub(crate) fn scores(
        &self,
        network: &Network,
        oracle: &mut OracleFactory<'_>,
    ) -> anyhow::Result<ByTensor<Vec<f64>>> {
        let (Build::Scores(scored), Some(&density)) = (self.method.build, self.densities.first())
        else {
            return Err(no_scores(self.method));
        };
        let oracle = oracle(self.method.needs, network)?;
        let entry = self.method.map(|_| scored);
        let method = entry.method(density, self.seed, &self.options.scored(), oracle);
        method.map_err(of_baseline)?.scores(network).map_err(of_baseline)
    }

    fn wanted(&self, set: PathSet) -> anyhow::Result<Vec<Wanted>> {
        self.options.path().wanted(self.method.name, set, self.densities)
    }

    /// The network whose products rank the paths by the gradient.
    fn ranked_by_gradient(
        &self,
        network: &Network,
        oracle: &mut OracleFactory<'_>,
    ) -> anyhow::Result<Network> {
        let (method, needs) = (self.method.name, self.method.needs);
        let missing = || of_baseline(BaselineError::NeedsOracle { method, needs });
        let mut oracle = oracle(needs, network)?.ok_or_else(missing)?;
        let dense = Mask::dense(network.arch());
        by_gradient(network, &dense, &mut *oracle).map_err(of_baseline)
    }
}

/// What is said of methods that have no scores to write.
pub(crate) fn no_scores(method: &Method) -> anyhow::Error {
    let name = method.name;
    usage(match method.build {
        Build::Walks => format!(
            "method `{name}` has no scores; `phew inspect --per-weight visits=FILE` writes how often walks pass each weight"
        ),
        _ => format!("method `{name}` ranks paths and has no scores of weights"),
    })
}
