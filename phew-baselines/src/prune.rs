//! Score, allocate, schedule: the loop that makes a mask.

use std::ops::ControlFlow;

use phew_graph::{Mask, Network, PathGraph, kept_at};

use crate::allocation::Allocation;
use crate::error::BaselineError;
use crate::schedule::Schedule;
use crate::scores::Scores;
use crate::select::keep_highest;

/// What a scorer sees: the network and how far the pruning has come.
#[derive(Clone, Copy, Debug)]
pub struct State<'a> {
    /// The network, dense.
    pub network: &'a Network,
    /// Its prunable weights, in the order of [`phew_graph::Arch::prunable`].
    pub weights: &'a [&'a [f32]],
    /// Its path graph.
    pub graph: &'a PathGraph,
    /// What is kept so far: everything at the first step.
    pub mask: &'a Mask,
    /// Number of this step, from 0.
    pub step: usize,
    /// Number of steps.
    pub steps: usize,
}

/// How far a pruning has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Steps done.
    pub done: usize,
    /// Steps in all.
    pub steps: usize,
    /// Weights kept after the last one.
    pub kept: usize,
}

/// Hears of every step, and may stop the pruning.
pub type Watch<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

impl State<'_> {
    /// An oracle's answer, if it has one value for each prunable scalar.
    pub(crate) fn check<T>(
        &self,
        what: &'static str,
        answer: Vec<Vec<T>>,
    ) -> Result<Vec<Vec<T>>, BaselineError> {
        let specs = self.network.arch().prunable();
        for (t, spec) in specs.iter().enumerate() {
            let (found, expected) = (answer.get(t).map_or(0, Vec::len), spec.len());
            if found != expected {
                let tensor = spec.name.clone();
                return Err(BaselineError::Length { what, tensor, found, expected });
            }
        }
        Ok(answer)
    }
}

/// What makes one weight worth more than another.
///
/// # Examples
/// A new scorer is one function: here the magnitude relative to the greatest of the tensor.
/// ```
/// use phew_baselines::{BaselineError, Plan, Scorer, Scores, State, prune};
/// use phew_graph::{Init, Network, zoo};
///
/// struct Relative;
/// impl Scorer for Relative {
///     fn score<'s>(&'s mut self, state: &'s State<'_>) -> Result<Scores<'s>, BaselineError> {
///         let most: Vec<f32> =
///             state.weights.iter().map(|w| w.iter().fold(0.0, |m, x| x.abs().max(m))).collect();
///         Ok(Scores::from_fn(move |t, i| f64::from(state.weights[t][i].abs() / most[t])))
///     }
/// }
///
/// let network = Network::initialise(zoo::mlp(&[20, 30, 10]).build()?, Init::default(), 0)?;
/// let mask = prune(&network, &mut Relative, &Plan::new(0.1))?;
/// assert_eq!(mask.kept(), 90);
/// # Ok::<(), BaselineError>(())
/// ```
pub trait Scorer {
    /// Scores of the weights, the greatest best, given what is kept so far.
    ///
    /// Scores of pruned weights are not looked at, unless the schedule revives.
    ///
    /// # Errors
    /// What the scorer or its oracle runs into.
    fn score<'s>(&'s mut self, state: &'s State<'_>) -> Result<Scores<'s>, BaselineError>;

    /// The whole plan at once, for scorers that know a faster way to the same mask; `None` by default.
    ///
    /// It reports to `watch` after each step, as [`prune_with`] does.
    ///
    /// # Errors
    /// As [`prune_with`].
    fn whole(
        &mut self,
        state: &State<'_>,
        plan: &Plan,
        watch: &mut Watch<'_>,
    ) -> Option<Result<Mask, BaselineError>> {
        let _ = (state, plan, watch);
        None
    }
}

impl<S: Scorer + ?Sized> Scorer for Box<S> {
    fn score<'s>(&'s mut self, state: &'s State<'_>) -> Result<Scores<'s>, BaselineError> {
        (**self).score(state)
    }
    fn whole(
        &mut self,
        state: &State<'_>,
        plan: &Plan,
        watch: &mut Watch<'_>,
    ) -> Option<Result<Mask, BaselineError>> {
        (**self).whole(state, plan, watch)
    }
}

/// How far to prune, how to share out what is kept, and in which steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Kept over prunable weights at the end; in (0, 1].
    pub density: f64,
    /// How the kept weights are shared out; [`Allocation::Global`] by default.
    pub allocation: Allocation,
    /// The steps; [`Schedule::one_shot`] by default.
    pub schedule: Schedule,
}

impl Plan {
    /// One shot, all scores against each other.
    #[must_use]
    pub fn new(density: f64) -> Self {
        Self { density, allocation: Allocation::Global, schedule: Schedule::one_shot() }
    }

    /// Sets the allocation.
    #[must_use]
    pub fn allocation(self, allocation: Allocation) -> Self {
        Self { allocation, ..self }
    }

    /// Sets the schedule.
    #[must_use]
    pub fn schedule(self, schedule: Schedule) -> Self {
        Self { schedule, ..self }
    }

    /// How many of `len` weights are kept after each step: [`kept_at`] of each density.
    ///
    /// # Errors
    /// [`BaselineError::Graph`] if the density is not in (0, 1] or keeps nothing,
    /// [`BaselineError::Parameter`] if the schedule makes no sense.
    pub fn counts(&self, len: usize) -> Result<Vec<usize>, BaselineError> {
        let last = kept_at(self.density, len)?;
        let densities = self.schedule.densities(self.density)?;
        // A step rounds down as the end does, and never below it.
        densities.iter().map(|&d| Ok(kept_at(d, len)?.max(last))).collect()
    }
}

/// Prunes a network: takes the scores at each step of the schedule and keeps the highest of each allotment.
///
/// # Returns
/// A mask that keeps exactly `kept_at(density, prunable)` weights.
///
/// # Errors
/// As [`Plan::counts`] and [`Allocation::counts`]; [`BaselineError::NotComparable`] if a score is
/// NaN, and what the scorer runs into.
pub fn prune(
    network: &Network,
    scorer: &mut (impl Scorer + ?Sized),
    plan: &Plan,
) -> Result<Mask, BaselineError> {
    prune_with(network, scorer, plan, &mut |_| ControlFlow::Continue(()))
}

/// As [`prune`], reporting after each step to `watch`, which may stop it.
///
/// # Errors
/// As [`prune`]; [`BaselineError::Stopped`] if `watch` breaks.
pub fn prune_with(
    network: &Network,
    scorer: &mut (impl Scorer + ?Sized),
    plan: &Plan,
    watch: &mut Watch<'_>,
) -> Result<Mask, BaselineError> {
    let (arch, weights) = (network.arch(), network.weights());
    let graph = PathGraph::new(arch);
    let counts = plan.counts(arch.prunable_len())?;
    let (dense, steps) = (Mask::dense(arch), counts.len());
    let start = State { network, weights: &weights, graph: &graph, mask: &dense, step: 0, steps };
    if let Some(mask) = scorer.whole(&start, plan, watch) {
        return mask;
    }
    let mut pruned = None;
    for (step, &kept) in counts.iter().enumerate() {
        let mask = pruned.as_ref().unwrap_or(&dense);
        let candidates = if plan.schedule.revives() { &dense } else { mask };
        let counts = plan.allocation.counts(arch, candidates, kept)?;
        let state = State { mask, step, ..start };
        let next = keep_highest(&scorer.score(&state)?, candidates, &counts)?;
        pruned = Some(next);
        tell(watch, Progress { done: step + 1, steps, kept })?;
    }
    Ok(pruned.unwrap_or(dense))
}

/// Reports a step; an error if the pruning is to stop.
pub(crate) fn tell(watch: &mut Watch<'_>, progress: Progress) -> Result<(), BaselineError> {
    match watch(progress) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(BaselineError::Stopped { done: progress.done }),
    }
}
