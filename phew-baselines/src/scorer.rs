//! What a scorer is and what it sees.

use std::ops::ControlFlow;

use phew_graph::{ByTensor, Mask, Network, PathGraph};

use crate::error::BaselineError;
use crate::plan::Plan;
use crate::scores::Scores;

/// What a scorer sees: the network and how far the pruning has come.
#[derive(Clone, Copy, Debug)]
pub struct State<'a> {
    /// The network, dense.
    pub network: &'a Network,
    /// Its prunable weights.
    pub weights: &'a ByTensor<&'a [f32]>,
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
pub struct StepProgress {
    /// Steps done.
    pub done: usize,
    /// Steps in all.
    pub steps: usize,
    /// Weights kept after the last one.
    pub kept: usize,
    /// Of these, those that the last one chose by their index among equal scores: many where scores say little, all where
    /// they say nothing, as those of a network that has lost a layer.
    pub by_index: usize,
}

/// Hears of every step, and may stop the pruning.
pub type Watch<'a> = dyn FnMut(StepProgress) -> ControlFlow<()> + 'a;

impl State<'_> {
    /// An oracle's answer, if it has one value for each prunable scalar.
    pub(crate) fn check<T>(
        &self,
        what: &'static str,
        answer: Vec<Vec<T>>,
    ) -> Result<ByTensor<Vec<T>>, BaselineError> {
        let specs = self.network.arch().prunable();
        for (t, spec) in specs.iter().enumerate() {
            let (found, expected) = (answer.get(t).map_or(0, Vec::len), spec.len());
            if found != expected {
                let tensor = spec.name.clone();
                return Err(BaselineError::Length { what, tensor, found, expected });
            }
        }
        Ok(answer.into())
    }
}

/// What makes one weight worth more than another.
///
/// # Examples
/// A new scorer is one function: here the magnitude relative to the greatest of the tensor.
/// ```
/// use phew_baselines::{BaselineError, Plan, Scorer, Scores, State, prune_by_scores};
/// use phew_graph::{ByTensor, Init, Network, zoo};
///
/// struct Relative;
/// impl Scorer for Relative {
///     fn score<'s>(&'s mut self, state: &'s State<'_>) -> Result<Scores<'s>, BaselineError> {
///         let most: ByTensor<f32> =
///             state.weights.iter().map(|w| w.iter().fold(0.0, |m, x| x.abs().max(m))).collect();
///         Ok(Scores::from_fn(move |t, i| f64::from(state.weights[t][i].abs() / most[t])))
///     }
/// }
///
/// let network = Network::initialise(zoo::mlp(&[20, 30, 10]).build()?, Init::default(), 0)?;
/// let mask = prune_by_scores(&network, &mut Relative, &Plan::new(0.1)?)?;
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

    /// The same for scorers that take long over one step: they report to `watch` meanwhile, as after the step before, and
    /// end where it breaks. By default [`Scorer::score`].
    ///
    /// # Errors
    /// As [`Scorer::score`]; [`BaselineError::Stopped`] if `watch` breaks.
    fn score_watched<'s>(
        &'s mut self,
        state: &'s State<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<Scores<'s>, BaselineError> {
        let _ = watch;
        self.score(state)
    }

    /// The whole plan at once, for scorers that know a faster way to the same mask; `None` by default.
    ///
    /// It reports to `watch` after each step, as [`prune_by_scores_with`](crate::prune_by_scores_with) does.
    ///
    /// # Errors
    /// As [`prune_by_scores_with`](crate::prune_by_scores_with).
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
    fn score_watched<'s>(
        &'s mut self,
        state: &'s State<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<Scores<'s>, BaselineError> {
        (**self).score_watched(state, watch)
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

/// Reports a step; an error if the pruning is to stop.
pub(crate) fn tell(watch: &mut Watch<'_>, progress: StepProgress) -> Result<(), BaselineError> {
    match watch(progress) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(BaselineError::Stopped { done: progress.done }),
    }
}
