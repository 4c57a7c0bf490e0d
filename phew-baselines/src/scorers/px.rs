//! Path exclusion (PX): SynFlow-L2 with outputs weighed by the paths that the data activate.

use phew_graph::{Direction, Edges, Ends, PathGraph, Square};

use super::synflow::comparable;
use crate::error::BaselineError;
use crate::oracle::{Oracle, Point};
use crate::scorer::{Scorer, State};
use crate::scores::Scores;

/// How the derivative becomes a score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PxSaliency {
    /// `θ² · ∂R/∂(θ²)`: the share of R, conserved from layer to layer.
    #[default]
    Conserved,
    /// `θ² · (∂R/∂(θ²))²`, as the authors' program has it.
    Program,
}

/// A weight's part in a bound of the NTK's trace: `R = Σ_k A_k Σ_{p → k} π_p²`.
///
/// `A_k` sums over the data the squared inputs along the active paths to output `k`
/// ([`Oracle::path_activation`]); the second factor is SynFlow-L2's. With one output, or equal A, it is
/// SynFlow-L2 of the conserved kind. Meant for an exponential schedule. Where no path is kept and active, R is 0 and
/// so are all scores, as SynFlow's where no path is kept.
///
/// # References
/// Iurada et al. 2024 (PX). The second factor is taken on the path graph; the authors send ones through the
/// real layers (see [`crate::SynFlow`]). Their program also squares the derivatives batch by batch before it
/// adds them up; [`PxSaliency::Program`] squares their sum.
#[derive(Clone, Debug)]
pub struct Px<O> {
    oracle: O,
    saliency: PxSaliency,
}

impl<O: Oracle> Px<O> {
    /// With the given saliency.
    #[must_use]
    pub fn new(oracle: O, saliency: PxSaliency) -> Self {
        Self { oracle, saliency }
    }
}

impl<O: Oracle> Scorer for Px<O> {
    fn score<'s>(&'s mut self, state: &'s State<'_>) -> Result<Scores<'s>, BaselineError> {
        let at = Point { weights: state.weights, mask: state.mask };
        let activity = self.oracle.path_activation(&at)?;
        check(&activity, state.graph)?;
        let edges = Edges::new(state.weights, Square).masked(state.mask);
        let forward = state.graph.forward(&edges, None, None);
        let backward = state.graph.backward(&edges, Some(&activity), None);
        // ln R, so that scores are shares of R: the outputs' forward sums weighed by their activity.
        let outputs = &forward[state.graph.start(Direction::Reverse)];
        let ends = outputs.values.iter().zip(&activity);
        let ln_total = libm::log(ends.map(|(f, a)| f * a).sum::<f64>())
            + outputs.exponent as f64 * std::f64::consts::LN_2;
        let saliency = self.saliency;
        Ok(Scores::from_fn(move |t, i| {
            let of_use = |Ends { shape, source, target, .. }| {
                let (f, b) = (&forward[source], &backward[target]);
                let (source, target) = shape.ends(i);
                let product = f.values[source] * b.values[target];
                let exponent = (f.exponent + b.exponent) as f64;
                // Shares of nothing are 0, though the derivative by a weight of 0 may not be.
                if product == 0.0 || ln_total == f64::NEG_INFINITY {
                    return 0.0;
                }
                product * libm::exp(exponent * std::f64::consts::LN_2 - ln_total)
            };
            let derivative = state.graph.uses(t).map(of_use).sum::<f64>();
            let square = f64::from(state.weights[t][i]) * f64::from(state.weights[t][i]);
            comparable(match saliency {
                PxSaliency::Conserved => square * derivative,
                PxSaliency::Program => square * derivative * derivative,
            })
        }))
    }
}

fn check(activity: &[f64], graph: &PathGraph) -> Result<(), BaselineError> {
    if activity.len() != graph.outputs() {
        return Err(BaselineError::Length {
            what: "path activations",
            tensor: "the output".into(),
            found: activity.len(),
            expected: graph.outputs(),
        });
    }
    match activity.iter().find(|a| !(**a >= 0.0 && a.is_finite())) {
        Some(bad) => {
            Err(BaselineError::parameter("a path activation", bad, "a number of at least 0"))
        }
        None => Ok(()),
    }
}
