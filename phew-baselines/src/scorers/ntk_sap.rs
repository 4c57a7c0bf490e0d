//! NTK-SAP: keeps what the spectrum of the neural tangent kernel depends on.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use phew_graph::{ByTensor, Init, stream, stream_key};
use rand_chacha::rand_core::RngCore;

use crate::error::BaselineError;
use crate::method::Request;
use crate::option::MethodOption;
use crate::oracle::{Oracle, Point};
use crate::positive::Positive;
use crate::scorer::{Scorer, State, StepProgress, Watch, tell};
use crate::scores::Scores;

const DRAWS: MethodOption = MethodOption::new::<NonZeroUsize>(
    "draws",
    "N",
    "1",
    "NTK-SAP: batches of random inputs in each step; 1 by default",
);

const EPSILON: MethodOption = MethodOption::new::<Positive>(
    "epsilon",
    "X",
    "0.01",
    "NTK-SAP: standard deviation of the perturbation of the weights; 0.01 by default",
);

pub(super) const OPTIONS: &[MethodOption] = &[DRAWS, EPSILON];

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
    draws: NonZeroUsize,
    epsilon: Positive,
    init: Init,
}

impl<O: Oracle> NtkSap<O> {
    /// One batch a step, ε = 0.01, Kaiming normal weights.
    #[must_use]
    pub fn new(oracle: O, seed: u64) -> Self {
        Self {
            oracle,
            seed,
            draws: NonZeroUsize::MIN,
            epsilon: Positive::constant(0.01),
            init: Init::default(),
        }
    }

    /// Sets the number of batches, each with its own weights, that a step adds up.
    #[must_use]
    pub fn draws(self, draws: NonZeroUsize) -> Self {
        Self { draws, ..self }
    }

    /// Sets the standard deviation of the perturbation.
    #[must_use]
    pub fn epsilon(self, epsilon: Positive) -> Self {
        Self { epsilon, ..self }
    }

    /// Sets the distribution of the weights.
    #[must_use]
    pub fn init(self, init: Init) -> Self {
        Self { init, ..self }
    }
}

impl<'o> NtkSap<Box<dyn Oracle + 'o>> {
    /// As asked for by name.
    pub(super) fn requested(asked: &mut Request<'o>) -> Result<Self, BaselineError> {
        let (draws, epsilon) = (asked.value(&DRAWS)?, asked.value(&EPSILON)?);
        Ok(Self::new(asked.oracle()?, asked.seed()).draws(draws).epsilon(epsilon))
    }
}

impl<O: Oracle> Scorer for NtkSap<O> {
    fn score<'s>(&'s mut self, state: &'s State<'_>) -> Result<Scores<'s>, BaselineError> {
        self.score_watched(state, &mut |_| ControlFlow::Continue(()))
    }

    /// Each draw is a step of its own, and there may be any number of them.
    fn score_watched<'s>(
        &'s mut self,
        state: &'s State<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<Scores<'s>, BaselineError> {
        let before = StepProgress {
            done: state.step,
            steps: state.steps,
            kept: state.mask.kept(),
            by_index: 0,
        };
        let specs = state.network.arch().prunable();
        let mut total: ByTensor<Vec<f64>> = specs.iter().map(|s| vec![0.0; s.len()]).collect();
        let noise = Init::Normal { std: self.epsilon.get() };
        let draws = self.draws.get() as u64;
        for draw in 0..draws {
            tell(watch, before)?;
            let number = state.step as u64 * draws + draw;
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
