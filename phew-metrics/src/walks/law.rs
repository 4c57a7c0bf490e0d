//! The law of a walk: the probability of each step.

use phew_graph::{Direction, Edges, PathGraph, SkipPolicy, Transition};
use phew_walk::{Bias, Starts};

use crate::analysis::Analysis;

/// The law of a random walk over the weights of the dense network.
#[derive(Clone, Debug)]
pub struct Walks<'a> {
    pub(super) analysis: &'a Analysis<'a>,
    pub(super) bias: Bias,
    steps: [Steps; 2],
}

#[derive(Clone, Debug)]
pub(super) struct Steps {
    pub(super) transition: Transition,
    /// For each connection, the probability of each of its parameter-free edges.
    pub(super) passage: Vec<f64>,
}

impl<'a> Analysis<'a> {
    /// Walks with a bias over the weights of the dense network: the sampler walks before there is a mask, so
    /// a mask has no say here.
    ///
    /// # Complexity
    /// Two passes over the weights.
    #[must_use]
    pub fn walks(&'a self, bias: Bias, skips: SkipPolicy) -> Walks<'a> {
        let edges = Edges::new(&self.weights, bias);
        let steps = [Direction::Forward, Direction::Reverse].map(|direction| Steps {
            transition: Transition::new(&self.graph, &edges, direction, skips),
            passage: passage(&self.graph, direction, skips),
        });
        Walks { analysis: self, bias, steps }
    }
}

impl Walks<'_> {
    pub(super) fn edges(&self) -> Edges<'_, Bias> {
        Edges::new(&self.analysis.weights, self.bias)
    }

    pub(super) fn steps(&self, direction: Direction) -> &Steps {
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

/// Probability of each parameter-free edge, by connection: walks choose among a layer's onward connections
/// uniformly, then among the features of a flattened channel.
fn passage(graph: &PathGraph, direction: Direction, skips: SkipPolicy) -> Vec<f64> {
    let walked = graph.walked(skips);
    let probability = |c: usize| {
        if !walked[c] {
            return 0.0;
        }
        let choices = graph.alternatives(c, direction, &walked);
        let features = match (direction, graph.connections()[c].wiring()) {
            (Direction::Forward, Some(wiring)) => wiring.fan_out(),
            _ => 1,
        };
        1.0 / (choices * features) as f64
    };
    (0..graph.connections().len()).map(probability).collect()
}
