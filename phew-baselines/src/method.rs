//! Methods that score, by name: built from an entry of the table and what was asked for.

use std::fmt;
use std::ops::ControlFlow;

use phew_graph::{ByTensor, LayerShares, Mask, Network, PathGraph, TensorSpec};

use crate::allocation::Allocation;
use crate::error::BaselineError;
use crate::inverted::Inverted;
use crate::needs::Needs;
use crate::option::{MethodOption, OptionValue};
use crate::oracle::Oracle;
use crate::pattern::Pattern;
use crate::plan::Plan;
use crate::prune::prune_by_scores_with;
use crate::registry::Entry;
use crate::schedule::Schedule;
use crate::scorer::{Scorer, State, Watch};

/// Makes the scorer of a method from what was asked for.
pub type ScorerOf = for<'o> fn(&mut Request<'o>) -> Result<Box<dyn Scorer + 'o>, BaselineError>;

/// How a method that scores is built.
///
/// By default it prunes in one shot, and all scores compete with each other.
#[derive(Clone, Copy, Debug)]
pub struct Scored {
    /// Schedule unless another is asked for; parses as [`Schedule`].
    pub schedule: &'static str,
    /// Allocation unless another is asked for; parses as [`Allocation`].
    pub allocation: &'static str,
    /// Options of its own.
    pub options: &'static [MethodOption],
    /// What the metadata of a mask say of it besides, by name.
    pub facts: &'static [(&'static str, &'static str)],
    /// Makes its scorer.
    pub scorer: ScorerOf,
}

impl Scored {
    /// Scores, once, against each other.
    #[must_use]
    pub const fn by(scorer: ScorerOf) -> Self {
        Self { schedule: "one-shot", allocation: "global", options: &[], facts: &[], scorer }
    }

    /// Sets the default schedule.
    #[must_use]
    pub const fn schedule(self, schedule: &'static str) -> Self {
        Self { schedule, ..self }
    }

    /// Sets the default allocation.
    #[must_use]
    pub const fn allocation(self, allocation: &'static str) -> Self {
        Self { allocation, ..self }
    }

    /// Sets the options of its own.
    #[must_use]
    pub const fn options(self, options: &'static [MethodOption]) -> Self {
        Self { options, ..self }
    }

    /// Sets what the metadata say of it besides.
    #[must_use]
    pub const fn facts(self, facts: &'static [(&'static str, &'static str)]) -> Self {
        Self { facts, ..self }
    }
}

/// What may be asked of a method; by default its defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Schedule.
    pub schedule: Option<Schedule>,
    /// Allocation.
    pub allocation: Option<Allocation>,
    /// Layers that keep a share of their own.
    pub layers: LayerShares,
    /// N of each M weights along the input, in place of a density.
    pub pattern: Option<Pattern>,
    /// Keep the lowest scores instead of the highest.
    pub invert: bool,
    /// Options that the method has of its own, with the texts of their values; of two of one name the last counts.
    pub own: Vec<(String, String)>,
}

impl Options {
    /// Gives an option that the method has of its own.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.own.push((name.into(), value.to_string()));
        self
    }
}

/// What a scorer is made from: a seed, an oracle, the values of the method's own options.
pub struct Request<'o> {
    method: &'static str,
    needs: Needs,
    seed: u64,
    oracle: Option<Box<dyn Oracle + 'o>>,
    values: Vec<(&'static str, String)>,
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("seed", &self.seed)
            .field("values", &self.values)
            .finish_non_exhaustive()
    }
}

impl<'o> Request<'o> {
    /// Seed of the method's random choices.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The oracle, to be taken once.
    ///
    /// # Errors
    /// [`BaselineError::NeedsOracle`] if none was given.
    pub fn oracle(&mut self) -> Result<Box<dyn Oracle + 'o>, BaselineError> {
        let (method, needs) = (self.method, self.needs);
        self.oracle.take().ok_or(BaselineError::NeedsOracle { method, needs })
    }

    /// The value of one of the method's own options.
    ///
    /// # Errors
    /// [`BaselineError::Parameter`] if its default is no value of this type.
    pub fn value<T: OptionValue>(&self, option: &MethodOption) -> Result<T, BaselineError> {
        let given = self.values.iter().find(|(name, _)| *name == option.name);
        option.parse(given.map_or(option.default, |(_, text)| text))
    }
}

/// A method, ready to prune.
pub struct Method<'o> {
    /// Its entry in the table.
    pub entry: Entry<Scored>,
    /// Its score.
    pub scorer: Box<dyn Scorer + 'o>,
    /// How far, how shared out, in which steps.
    pub plan: Plan,
    /// All parameters by name, defaults included, for the metadata of a mask.
    pub parameters: Vec<(&'static str, String)>,
}

impl fmt::Debug for Method<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Method")
            .field("name", &self.entry.name)
            .field("plan", &self.plan)
            .field("parameters", &self.parameters)
            .finish_non_exhaustive()
    }
}

impl Method<'_> {
    /// Prunes a network: [`prune_by_scores`](crate::prune_by_scores).
    ///
    /// # Errors
    /// As there.
    pub fn prune(&mut self, network: &Network) -> Result<Mask, BaselineError> {
        self.prune_with(network, &mut |_| ControlFlow::Continue(()))
    }

    /// The scores of the whole network, which the first step compares: the greatest are kept.
    ///
    /// # Errors
    /// What the scorer runs into.
    pub fn scores(&mut self, network: &Network) -> Result<ByTensor<Vec<f64>>, BaselineError> {
        let (arch, weights) = (network.arch(), network.weights());
        let (graph, mask) = (PathGraph::new(arch), Mask::dense(arch));
        let (step, steps) = (0, self.plan.steps());
        let state = State { network, weights: &weights, graph: &graph, mask: &mask, step, steps };
        let scores = self.scorer.score(&state)?;
        let all = |(tensor, spec): (_, &TensorSpec)| {
            let mut values = vec![0.0; spec.len()];
            scores.block(tensor, 0, &mut values);
            values
        };
        Ok(arch.prunable().with_ids().map(all).collect())
    }

    /// As [`Method::prune`], reporting after each step to `watch`, which may stop it.
    ///
    /// # Errors
    /// As [`prune_by_scores_with`](crate::prune_by_scores_with).
    pub fn prune_with(
        &mut self,
        network: &Network,
        watch: &mut Watch<'_>,
    ) -> Result<Mask, BaselineError> {
        prune_by_scores_with(network, &mut self.scorer, &self.plan, watch)
    }
}

/// Refuses what a pattern leaves no room for: it says itself what each layer keeps.
fn check_pattern(options: &Options) -> Result<(), BaselineError> {
    match &options.allocation {
        None | Some(Allocation::Global) => Ok(()),
        Some(other) => {
            let expected = "none beside a pattern, which has a share for every layer";
            Err(BaselineError::parameter("allocation", other, expected))
        }
    }
}

impl Entry<Scored> {
    /// Builds the method.
    ///
    /// # Errors
    /// [`BaselineError::Parameter`] if the density is not in (0, 1], the schedule does not lead to it, or an option that
    /// was given makes no sense or is none of the method's; [`BaselineError::NeedsOracle`] if it asks about data and no
    /// oracle is given.
    pub fn method<'o>(
        &self,
        density: f64,
        seed: u64,
        options: &Options,
        oracle: Option<Box<dyn Oracle + 'o>>,
    ) -> Result<Method<'o>, BaselineError> {
        let values = self.values(options)?;
        let schedule = match &options.schedule {
            Some(schedule) => schedule.clone(),
            None => self.build.schedule.parse()?,
        };
        let allocation = match &options.allocation {
            Some(allocation) => allocation.clone(),
            None => self.build.allocation.parse()?,
        };
        let mut parameters = vec![
            ("allocation", allocation.to_string()),
            ("inverted", options.invert.to_string()),
            ("schedule", schedule.to_string()),
        ];
        let layers = (!options.layers.is_empty()).then(|| ("layers", options.layers.to_string()));
        parameters.extend(layers);
        parameters.extend(options.pattern.map(|pattern| ("pattern", pattern.to_string())));
        parameters.extend(self.build.facts.iter().map(|&(name, fact)| (name, fact.to_owned())));
        parameters.extend(values.iter().cloned());
        let plan = Plan::new(density)?.with_allocation(allocation).with_schedule(schedule)?;
        let mut plan = plan.with_layers(options.layers.clone());
        if let Some(pattern) = options.pattern {
            check_pattern(options)?;
            plan = plan.with_pattern(pattern)?;
        }
        let mut request = Request { method: self.name, needs: self.needs, seed, oracle, values };
        let scorer = (self.build.scorer)(&mut request)?;
        let scorer = if options.invert { Box::new(Inverted(scorer)) } else { scorer };
        Ok(Method { entry: *self, scorer, plan, parameters })
    }

    /// The values of the method's own options, defaults included.
    fn values(&self, options: &Options) -> Result<Vec<(&'static str, String)>, BaselineError> {
        let own = self.build.options;
        if let Some((name, _)) = options.own.iter().find(|(n, _)| own.iter().all(|o| o.name != n)) {
            let names: Vec<&str> = own.iter().map(|o| o.name).collect();
            let expected = match names[..] {
                [] => format!("none: `{}` has no options of its own", self.name),
                _ => format!("one of those of `{}`: {}", self.name, names.join(", ")),
            };
            return Err(BaselineError::parameter("option", format!("`{name}`"), expected));
        }
        let value = |option: &MethodOption| {
            let given = options.own.iter().rfind(|(name, _)| name == option.name);
            Ok((option.name, option.check(given.map_or(option.default, |(_, text)| text))?))
        };
        own.iter().map(value).collect()
    }
}
