//! Exact expectations of the sampler's walks: visits, and what a walk's path is worth.
//!
//! A walk takes edge e with probability Q(e) where it stands, so expectations over walks are path sums with
//! Q(e) times something as the edge value: nothing is sampled.

use phew_graph::{Direction, EdgeValue, Edges, Kind, PathGraph, SkipPolicy, Transition};
use phew_walk::{Bias, Starts};
use rayon::prelude::*;

use crate::analysis::Analysis;
use crate::dual::{self, Dual};
use crate::scaled::{Scaled, ScaledVec};

/// The law of a random walk over the weights of the dense network.
#[derive(Clone, Debug)]
pub struct Walks<'a> {
    analysis: &'a Analysis<'a>,
    bias: Bias,
    steps: [Steps; 2],
}

#[derive(Clone, Debug)]
struct Steps {
    transition: Transition,
    /// For each connection, the probability of each of its parameter-free edges.
    passage: Vec<f64>,
}

/// What the path of a walk is worth, in expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct WalkWorth {
    /// Natural logarithm of E|π|, the expected edge-weight product (003, eq. 4).
    pub ln_product: f64,
    /// Natural logarithm of `E[π²]`.
    pub ln_square: f64,
    /// Natural logarithm of `E[Π(p, p)]`, a walk's part of the path kernel's trace (001, eq. 11).
    pub ln_kernel: f64,
    /// For each prunable tensor, what its steps are worth.
    pub steps: Vec<StepWorth>,
}

/// The steps of a walk over one prunable tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepWorth {
    /// Expected steps over the tensor in a walk: 1 on a chain.
    pub visits: f64,
    /// Expected |θ| of a step over the tensor.
    pub magnitude: f64,
    /// Expected θ² of a step over the tensor (001, eq. 34).
    pub square: f64,
}

/// What a step is proportional to, as the sampler computes it.
#[derive(Clone, Copy, Debug)]
struct Score(Bias);

impl EdgeValue for Score {
    #[inline]
    fn value(&self, _: usize, _: usize, weight: f32) -> f64 {
        f64::from(match self.0 {
            Bias::Square => weight * weight,
            Bias::Uniform => 1.0,
            Bias::Inverse => 1.0 / weight.abs().max(1e-30),
            _ => weight.abs(),
        })
    }
}

/// An edge of a walk with the probability of taking it.
struct Probable<'a, F> {
    walks: &'a Walks<'a>,
    steps: &'a Steps,
    edges: Edges<'a, Score>,
    worth: F,
}

impl<F: Fn(f64) -> (f64, f64) + Sync> Dual for Probable<'_, F> {
    #[inline]
    fn dual(&self, tensor: usize, index: usize) -> (f64, f64) {
        let analysis = self.walks.analysis;
        let q = self.steps.transition.probability(&analysis.graph, &self.edges, tensor, index);
        let (value, tangent) = (self.worth)(f64::from(analysis.weights[tensor][index]));
        (q * value, q * tangent)
    }

    fn passage(&self, connection: usize) -> f64 {
        self.steps.passage[connection]
    }
}

impl<'a> Analysis<'a> {
    /// Walks with a bias over the weights of the dense network: the sampler walks before there is a mask, so
    /// a mask has no say here.
    ///
    /// # Complexity
    /// Two passes over the weights.
    #[must_use]
    pub fn walks(&'a self, bias: Bias, skips: SkipPolicy) -> Walks<'a> {
        let edges = Edges::new(&self.weights, Score(bias));
        let steps = [Direction::Forward, Direction::Reverse].map(|direction| Steps {
            transition: Transition::new(&self.graph, &edges, direction, skips),
            passage: passage(&self.graph, direction, skips),
        });
        Walks { analysis: self, bias, steps }
    }
}

impl Walks<'_> {
    /// Expected visits of each unit by one walk, by layer and unit.
    ///
    /// With [`Starts::Balanced`] and [`Starts::Random`] half of the walks are reverse ones, and every input
    /// and output starts its share. W walks visit W times as often.
    ///
    /// # Complexity
    /// One pass over the weights for each direction.
    ///
    /// # References
    /// Patil & Dovrolis 2021, eq. (24), whose approximation is 1/N for a layer of N units.
    #[must_use]
    pub fn unit_visits(&self, starts: Starts) -> Vec<Vec<f64>> {
        let layers = self.analysis.graph.layers();
        let mut visits: Vec<Vec<f64>> = layers.iter().map(|l| vec![0.0; l.units]).collect();
        for (direction, share) in directions(starts) {
            for (total, layer) in visits.iter_mut().zip(self.visits(direction)) {
                total.iter_mut().zip(layer).for_each(|(t, v)| *t += share * v);
            }
        }
        visits
    }

    /// Expected visits of each scalar of a prunable tensor by one walk, row-major.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[must_use]
    pub fn edge_visits(&self, tensor: usize, starts: Starts) -> Vec<f64> {
        let (shape, ..) = self.analysis.ends(tensor);
        let mut visits = vec![0.0; shape.len()];
        for (direction, share) in directions(starts) {
            let units = self.visits(direction);
            self.add_edge_visits(tensor, direction, share, &units, &mut visits);
        }
        visits
    }

    /// What the path of a walk is worth: exact expectations, no approximation of width.
    ///
    /// # Complexity
    /// A few passes over the weights for each direction.
    ///
    /// # References
    /// Patil & Dovrolis 2021, appendix A.4; the ICLR text, appendix A.3.
    #[must_use]
    pub fn worth(&self, starts: Starts) -> WalkWorth {
        let mut products = Vec::new();
        let mut squares = Vec::new();
        let mut kernels = Vec::new();
        for (direction, share) in directions(starts) {
            let (value, _) = self.expectation(direction, |w| (w.abs(), 0.0));
            products.push(times(value, share));
            let (value, tangent) = self.expectation(direction, |w| (w * w, 1.0));
            squares.push(times(value, share));
            kernels.push(times(tangent, share));
        }
        let steps = self.step_worths(starts);
        WalkWorth {
            ln_product: Scaled::sum(products).ln(),
            ln_square: Scaled::sum(squares).ln(),
            ln_kernel: Scaled::sum(kernels).ln(),
            steps,
        }
    }

    /// E of the product of edge values along a walk, and of its tangent.
    fn expectation(
        &self,
        direction: Direction,
        worth: impl Fn(f64) -> (f64, f64) + Sync,
    ) -> (Scaled, Scaled) {
        let graph = &self.analysis.graph;
        let edges = self.edges();
        let probable = Probable { walks: self, steps: self.steps(direction), edges, worth };
        let end: (Option<ScaledVec>, Option<ScaledVec>) = match direction {
            Direction::Forward => {
                let sums = dual::forward(graph, &probable, even(graph.inputs()));
                (sums.values.last().cloned(), sums.tangents.last().cloned())
            }
            Direction::Reverse => {
                let sums = dual::backward(graph, &probable, even(graph.outputs()));
                (sums.values.first().cloned(), sums.tangents.first().cloned())
            }
        };
        let total = |v: Option<ScaledVec>| v.map_or(Scaled::new(0.0, 0), |v| v.total());
        (total(end.0), total(end.1))
    }

    fn step_worths(&self, starts: Starts) -> Vec<StepWorth> {
        let units: Vec<_> =
            directions(starts).map(|(d, share)| (d, share, self.visits(d))).collect();
        let worth = |tensor: usize| {
            let weights = self.analysis.weights[tensor];
            let mut visits = vec![0.0; weights.len()];
            for (direction, share, units) in &units {
                self.add_edge_visits(tensor, *direction, *share, units, &mut visits);
            }
            let moment = |power: i32| -> f64 {
                let terms = visits.iter().zip(weights);
                terms.map(|(v, &w)| v * f64::from(w.abs()).powi(power)).sum()
            };
            let total: f64 = visits.iter().sum();
            let mean = |power| if total > 0.0 { moment(power) / total } else { 0.0 };
            StepWorth { visits: total, magnitude: mean(1), square: mean(2) }
        };
        (0..self.analysis.graph.tensors()).into_par_iter().map(worth).collect()
    }

    fn edges(&self) -> Edges<'_, Score> {
        Edges::new(&self.analysis.weights, Score(self.bias))
    }

    fn steps(&self, direction: Direction) -> &Steps {
        &self.steps[usize::from(direction == Direction::Reverse)]
    }

    /// Visits of each unit by one walk in one direction.
    fn visits(&self, direction: Direction) -> Vec<Vec<f64>> {
        let (graph, edges) = (&self.analysis.graph, self.edges());
        let step = Some(&self.steps(direction).transition);
        let sums = match direction {
            Direction::Forward => graph.forward(&edges, Some(&even(graph.inputs())), step),
            Direction::Reverse => graph.backward(&edges, Some(&even(graph.outputs())), step),
        };
        let layer = |l: usize| (0..sums.values[l].len()).map(|u| sums.value(l, u)).collect();
        (0..sums.values.len()).map(layer).collect()
    }

    fn add_edge_visits(
        &self,
        tensor: usize,
        direction: Direction,
        share: f64,
        units: &[Vec<f64>],
        visits: &mut [f64],
    ) {
        let (shape, source, target) = self.analysis.ends(tensor);
        let (transition, edges) = (&self.steps(direction).transition, self.edges());
        for (index, visits) in visits.iter_mut().enumerate() {
            let (i, j) = shape.ends(index);
            let near =
                if direction == Direction::Forward { units[source][i] } else { units[target][j] };
            let q = transition.probability(&self.analysis.graph, &edges, tensor, index);
            *visits += share * near * q;
        }
    }
}

/// The directions that walks have, with the share of each.
fn directions(starts: Starts) -> impl Iterator<Item = (Direction, f64)> {
    let forward = match starts {
        Starts::Forward => 1.0,
        Starts::Reverse => 0.0,
        _ => 0.5,
    };
    [(Direction::Forward, forward), (Direction::Reverse, 1.0 - forward)]
        .into_iter()
        .filter(|&(_, share)| share > 0.0)
}

fn even(units: usize) -> Vec<f64> {
    vec![1.0 / units as f64; units]
}

fn times(value: Scaled, share: f64) -> Scaled {
    Scaled::new(value.mantissa * share, value.exponent)
}

/// Probability of each parameter-free edge, by connection: walks choose among a layer's onward connections
/// uniformly, then among the features of a flattened channel.
fn passage(graph: &PathGraph, direction: Direction, skips: SkipPolicy) -> Vec<f64> {
    let walked = graph.walked(skips);
    let probability = |(c, connection): (usize, &phew_graph::Connection)| {
        if !walked[c] {
            return 0.0;
        }
        let forward = direction == Direction::Forward;
        let onward = match direction {
            Direction::Forward => &graph.layers()[connection.source].outgoing,
            Direction::Reverse => &graph.layers()[connection.target].incoming,
        };
        let choices = onward.iter().filter(|&&c| walked[c]).count();
        let features = match connection.kind {
            Kind::Flatten { block } if forward => block,
            _ => 1,
        };
        1.0 / (choices * features) as f64
    };
    graph.connections().iter().enumerate().map(probability).collect()
}
