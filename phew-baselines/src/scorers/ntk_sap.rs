//! NTK-SAP: keeps what the spectrum of the neural tangent kernel depends on.

use phew_graph::{Init, stream, stream_key};
use rand_chacha::rand_core::RngCore;

use crate::error::BaselineError;
use crate::oracle::{Oracle, Point};
use crate::prune::{Scorer, State};
use crate::scores::Scores;

/// `|∂/∂m Σ_x ‖f(x; θ ⊙ m) − f(x; (θ + εξ) ⊙ m)‖²|` at fresh weights θ, with normal ξ and inputs x.
///
/// The change of the outputs under a small random change of the weights is, on average, the nuclear norm of
/// the fixed-weight NTK. Weights are drawn anew for every batch, so that the mask depends on the
/// architecture rather than on one draw; meant for an exponential schedule.
///
/// # References
/// Wang et al. 2023 (NTK-SAP); ε = 0.01 and Kaiming's normal initialiser as in the authors' program. There a
/// round has as many batches as the pruning set; here `draws` counts batches.
#[derive(Clone, Debug)]
pub struct NtkSap<O> {
    oracle: O,
    seed: u64,
    draws: usize,
    epsilon: f64,
    init: Init,
}

impl<O: Oracle> NtkSap<O> {
    /// One batch a step, ε = 0.01, Kaiming normal weights.
    #[must_use]
    pub fn new(oracle: O, seed: u64) -> Self {
        Self { oracle, seed, draws: 1, epsilon: 0.01, init: Init::default() }
    }

    /// Sets the number of batches, each with its own weights, that a step adds up.
    #[must_use]
    pub fn draws(self, draws: usize) -> Self {
        Self { draws, ..self }
    }

    /// Sets the standard deviation of the perturbation.
    #[must_use]
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// Sets the distribution of the weights.
    #[must_use]
    pub fn init(self, init: Init) -> Self {
        Self { init, ..self }
    }
}

impl<O: Oracle> Scorer for NtkSap<O> {
    fn score<'s>(&'s mut self, state: &'s State<'_>) -> Result<Scores<'s>, BaselineError> {
        if self.draws == 0 {
            return Err(BaselineError::parameter("draws", 0, "at least 1"));
        }
        if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            return Err(BaselineError::parameter("epsilon", self.epsilon, "a positive number"));
        }
        let specs = state.network.arch().prunable();
        let mut total: Vec<Vec<f64>> = specs.iter().map(|s| vec![0.0; s.len()]).collect();
        let noise = Init::Normal { std: self.epsilon };
        for draw in 0..self.draws as u64 {
            let number = state.step as u64 * self.draws as u64 + draw;
            let mut rng = stream(stream_key("phew 1 NTK-SAP", self.seed), number);
            let (seed, noise_seed) = (rng.next_u64(), rng.next_u64());
            let weights: Vec<Vec<f32>> = specs.iter().map(|s| self.init.sample(s, seed)).collect();
            let perturbed: Vec<Vec<f32>> = specs
                .iter()
                .zip(&weights)
                .map(|(s, w)| {
                    w.iter().zip(noise.sample(s, noise_seed)).map(|(w, n)| w + n).collect()
                })
                .collect();
            let weights: Vec<&[f32]> = weights.iter().map(Vec::as_slice).collect();
            let perturbed: Vec<&[f32]> = perturbed.iter().map(Vec::as_slice).collect();
            let at = Point { weights: &weights, mask: state.mask };
            let part = self.oracle.perturbation(&at, &perturbed, number)?;
            let part = state.check("the response to perturbed weights", part)?;
            for (total, part) in total.iter_mut().zip(&part) {
                total.iter_mut().zip(part).for_each(|(t, &p)| *t += f64::from(p));
            }
        }
        Ok(Scores::from_fn(move |t, i| total[t][i].abs()))
    }
}
