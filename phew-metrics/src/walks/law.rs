//! The law of a walk: the probability of each step.

use phew_graph::{Direction, Edges, SkipPolicy, Transition};
use phew_walk::{Bias, Starts};

use crate::analysis::Analysis;

/// The law of a random walk over the weights of the dense network.
#[derive(Clone, Debug)]
pub struct Walks<'a> {
    pub(super) analysis: &'a Analysis<'a>,
    pub(super) bias: Bias,
    /// Forward and in reverse.
    steps: [Transition; 2],
}

impl<'a> Analysis<'a> {
    /// Walks with a bias over the weights of the dense network: the sampler walks before there is a mask, so
    /// a mask changes nothing here.
    ///
    /// # Complexity
    /// Two passes over the weights.
    #[must_use]
    pub fn walks(&'a self, bias: Bias, skips: SkipPolicy) -> Walks<'a> {
        let edges = Edges::new(&self.weights, bias);
        let steps = |direction| Transition::new(&self.graph, &edges, direction, skips);
        let steps = Direction::BOTH.map(steps);
        Walks { analysis: self, bias, steps }
    }
}

impl Walks<'_> {
    pub(super) fn edges(&self) -> Edges<'_, Bias> {
        Edges::new(&self.analysis.weights, self.bias)
    }

    pub(super) fn steps(&self, direction: Direction) -> &Transition {
        &self.steps[usize::from(direction == Direction::Reverse)]
    }
}

/// The directions that walks have, with the share of each.
pub(super) fn directions(starts: Starts) -> impl Iterator<Item = (Direction, f64)> {
    let share = move |direction| (direction, starts.share(direction));
    Direction::BOTH.into_iter().map(share).filter(|&(_, share)| share > 0.0)
}

pub(super) fn even(units: usize) -> Vec<f64> {
    vec![1.0 / units as f64; units]
}
