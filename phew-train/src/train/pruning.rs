//! Pruning in the course of training: when it takes place, and from where training goes on.

use phew_baselines::Reinit;
use serde::{Deserialize, Serialize};

use super::Recipe;
use crate::error::{Result, TrainError};

/// When a network is pruned while it is trained.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "when", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Pruning {
    /// Never; what a mask prunes from the beginning stays pruned.
    #[default]
    Never,
    /// At a step of training, which then goes on to its end by what is left of the schedule. Frankle et al. 2021 repeat the
    /// whole schedule instead: [`Pruning::Restart`].
    At {
        /// Steps done before.
        step: u64,
        /// What to keep.
        density: f64,
    },
    /// At a step of training; then the whole recipe again from the weights and statistics of that step, with a fresh
    /// optimiser (Frankle et al. 2021, section 3: "repeating the entire learning rate schedule from the start"; their
    /// figure 7). At step 0 it is pruning before training, at the recipe's last step [`Pruning::After`].
    Restart {
        /// Steps done before.
        step: u64,
        /// What to keep.
        density: f64,
    },
    /// Little by little, at even distances over the first half of the recipe's steps, the last time in its middle;
    /// training goes on between the prunings and to its end by the one schedule (Zhu & Gupta 2017, Gale et al. 2019).
    ///
    /// Round `i` takes place after `⌊i·steps / 2·rounds⌋` steps. Its density is that of [`Pruning::Gradual`].
    During {
        /// Prunings.
        rounds: u32,
        /// What to keep at the end.
        density: f64,
    },
    /// Once, after training; then the whole recipe again from the trained weights (one shot, with the learning rate
    /// rewound as Renda et al. 2020 found best: what Frankle et al. 2021 call magnitude pruning after training).
    After {
        /// What to keep.
        density: f64,
    },
    /// After training, little by little, with an epoch at the recipe's last rate after each pruning; then the whole
    /// recipe again from the weights as they are: the upper bound of Patil & Dovrolis 2021, D.2.
    ///
    /// The density of round `i` follows Zhu & Gupta (2017): `1 − (1 − density)(1 − (1 − i/rounds)³)`.
    Gradual {
        /// Prunings.
        rounds: u32,
        /// What to keep at the end.
        density: f64,
        /// Whether the weights and statistics given are those that the recipe has come to: the training before the first
        /// pruning is then left out, and what follows begins with a fresh optimiser.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        trained: bool,
    },
    /// After training, then back to the weights of an early step: lottery-ticket rewinding. With several densities it
    /// is iterative magnitude pruning, trained to the end before each; with step 0 it goes back to the initial weights.
    Rewind {
        /// The step to go back to; the recipe's own by default, and 0 where it has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<u64>,
        /// What to keep, pruning by pruning.
        densities: Vec<f64>,
        /// New weights in place of the last rewinding: the control experiment.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        redraw: Option<Redraw>,
    },
}

/// How weights are drawn anew for a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redraw {
    /// How their variance answers to the mask.
    pub variance: RedrawVariance,
    /// Seed of the new weights.
    pub seed: u64,
}

/// [`Reinit`] by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RedrawVariance {
    /// As if nothing were pruned.
    Dense,
    /// By the density of each tensor.
    LayerwiseSparse,
    /// By the fan-in of each unit.
    NeuronwiseSparse,
}

impl From<RedrawVariance> for Reinit {
    fn from(variance: RedrawVariance) -> Self {
        match variance {
            RedrawVariance::Dense => Self::Dense,
            RedrawVariance::LayerwiseSparse => Self::LayerwiseSparse,
            RedrawVariance::NeuronwiseSparse => Self::NeuronwiseSparse,
        }
    }
}

/// One thing to do in the course of training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Act {
    /// Train to a step, at the schedule's rate or another.
    Train { to: u64, rate: Option<f64> },
    /// Take so many steps for done: those that the weights have behind them.
    Skip { to: u64 },
    /// Keep the model as it is, to go back to.
    Remember,
    /// Prune to a density.
    Prune { density: f64 },
    /// Go back to what was remembered.
    Rewind,
    /// Go back to step 0 with the weights as they are.
    Restart,
    /// Go back to step 0 with new weights.
    Redraw(Redraw),
}

impl Pruning {
    /// Whether there is none.
    #[must_use]
    pub fn is_never(&self) -> bool {
        *self == Self::Never
    }

    /// Refuses densities and steps that make no sense for a recipe on so many training images.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] naming the parameter.
    pub fn validate(&self, recipe: &Recipe, images: usize) -> Result<()> {
        let densities = self.densities();
        let fits = |d: &f64| *d > 0.0 && *d <= 1.0;
        let falling = densities.iter().all(fits) && densities.is_sorted_by(|a, b| a >= b);
        if !self.is_never() && (densities.is_empty() || !falling) {
            return Err(TrainError::Parameter {
                what: "densities",
                found: format!("{densities:?}"),
                expected: "one or more, above 0 and up to 1, none greater than the one before"
                    .to_owned(),
            });
        }
        let end = recipe.epochs * recipe.steps_per_epoch(images);
        let step = match self {
            Self::At { step, .. } | Self::Restart { step, .. } => *step,
            Self::Rewind { step, .. } => early(*step, recipe),
            _ => 0,
        };
        if step > end {
            return Err(TrainError::Parameter {
                what: "step of pruning or rewinding",
                found: step.to_string(),
                expected: format!("{end} or less, the recipe's last step on {images} images"),
            });
        }
        if let Self::During { rounds, .. } = self
            && u64::from(*rounds) > end / 2
        {
            return Err(TrainError::Parameter {
                what: "rounds of pruning during training",
                found: rounds.to_string(),
                expected: format!("{} or fewer, half of the recipe's {end} steps", end / 2),
            });
        }
        Ok(())
    }

    /// The densities that it passes through.
    #[must_use]
    pub fn densities(&self) -> Vec<f64> {
        match self {
            Self::Never => Vec::new(),
            Self::At { density, .. } | Self::Restart { density, .. } | Self::After { density } => {
                vec![*density]
            }
            Self::Gradual { rounds, density, .. } | Self::During { rounds, density } => {
                (1..=*rounds).map(|round| gradual(*density, round, *rounds)).collect()
            }
            Self::Rewind { densities, .. } => densities.clone(),
        }
    }

    /// Of prunings, each the steps done before it and the density, those that show in the schedule of the network that
    /// comes out: where training goes back to an early step the last one, at that step.
    pub(crate) fn in_schedule(
        &self,
        recipe: &Recipe,
        mut prunings: Vec<(u64, f64)>,
    ) -> Vec<(u64, f64)> {
        if let Self::Rewind { step, redraw, .. } = self {
            let back = if redraw.is_some() { 0 } else { early(*step, recipe) };
            return prunings.pop().map(|(_, density)| (back, density)).into_iter().collect();
        }
        prunings
    }

    /// All that there is to do, in order.
    pub(crate) fn acts(&self, recipe: &Recipe, images: usize) -> Result<Vec<Act>> {
        self.validate(recipe, images)?;
        let steps = recipe.steps_per_epoch(images);
        let end = recipe.epochs * steps;
        let to = |to| Act::Train { to, rate: None };
        let mut acts = Vec::new();
        match self {
            Self::Never => {}
            Self::At { step, density } => {
                acts.extend([to(*step), Act::Prune { density: *density }]);
            }
            Self::Restart { step, density } => {
                acts.extend([to(*step), Act::Prune { density: *density }, Act::Restart]);
            }
            Self::During { rounds, .. } => {
                for (round, density) in (1..).zip(self.densities()) {
                    let step = u128::from(end) * round / (2 * u128::from(*rounds));
                    acts.extend([to(step as u64), Act::Prune { density }]);
                }
            }
            Self::After { density } => {
                acts.extend([to(end), Act::Prune { density: *density }, Act::Restart]);
            }
            Self::Gradual { trained, .. } => {
                acts.push(if *trained { Act::Skip { to: end } } else { to(end) });
                let rate = Some(recipe.learning_rate.at(end - 1, steps, recipe.epochs));
                for (round, density) in (1..).zip(self.densities()) {
                    let to = end + round * steps;
                    acts.extend([Act::Prune { density }, Act::Train { to, rate }]);
                }
                acts.push(Act::Restart);
            }
            Self::Rewind { step, densities, redraw } => {
                acts.extend([to(early(*step, recipe)), Act::Remember]);
                for &density in densities {
                    acts.extend([to(end), Act::Prune { density }, Act::Rewind]);
                }
                if let Some(redraw) = redraw {
                    acts.pop();
                    acts.push(Act::Redraw(*redraw));
                }
            }
        }
        acts.push(to(end));
        Ok(acts)
    }
}

fn early(step: Option<u64>, recipe: &Recipe) -> u64 {
    step.or(recipe.rewind_step).unwrap_or(0)
}

/// Zhu & Gupta 2017, equation 1, in terms of densities.
fn gradual(density: f64, round: u32, rounds: u32) -> f64 {
    let left = 1.0 - f64::from(round) / f64::from(rounds);
    density + (1.0 - density) * left.powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe() -> Recipe {
        Recipe { batch: 50, ..Recipe::preset("digits").unwrap() }.with_epochs(3)
    }

    #[test]
    fn gradual_densities_follow_the_cube() {
        // From 1 to 0.2 in 2 rounds: 0.2 + 0.8 / 8 = 0.3, then 0.2.
        let densities = Pruning::Gradual { rounds: 2, density: 0.2, trained: false }.densities();
        assert!((densities[0] - 0.3).abs() < 1e-12 && (densities[1] - 0.2).abs() < 1e-12);
    }

    #[test]
    fn what_is_trained_already_is_pruned_at_once() {
        let acts = |trained| {
            Pruning::Gradual { rounds: 2, density: 0.2, trained }.acts(&recipe(), 500).unwrap()
        };
        let (whole, rest) = (acts(false), acts(true));
        assert_eq!(whole[0], Act::Train { to: 30, rate: None });
        assert_eq!(rest[0], Act::Skip { to: 30 });
        assert_eq!(whole[1..], rest[1..]);
    }

    #[test]
    fn iterative_pruning_trains_to_the_end_between_rewindings() {
        let redraw = Redraw { variance: RedrawVariance::Dense, seed: 1 };
        let rewind = |redraw| Pruning::Rewind { step: Some(7), densities: vec![0.5, 0.2], redraw };
        let to = |to| Act::Train { to, rate: None };
        let prune = |density| Act::Prune { density };
        let begin = [to(7), Act::Remember, to(30), prune(0.5), Act::Rewind, to(30), prune(0.2)];
        let acts = rewind(None).acts(&recipe(), 500).unwrap();
        assert_eq!(acts[..7], begin);
        assert_eq!(acts[7..], [Act::Rewind, to(30)]);
        let acts = rewind(Some(redraw)).acts(&recipe(), 500).unwrap();
        assert_eq!(acts[..7], begin);
        assert_eq!(acts[7..], [Act::Redraw(redraw), to(30)]);
    }

    #[test]
    fn pruning_at_a_step_goes_on_or_begins_the_recipe_again() {
        let (to, prune) = (|to| Act::Train { to, rate: None }, Act::Prune { density: 0.5 });
        let acts = |pruning: Pruning| pruning.acts(&recipe(), 500).unwrap();
        assert_eq!(acts(Pruning::At { step: 7, density: 0.5 }), [to(7), prune, to(30)]);
        let restart = |step| acts(Pruning::Restart { step, density: 0.5 });
        assert_eq!(restart(7), [to(7), prune, Act::Restart, to(30)]);
        assert_eq!(restart(30), acts(Pruning::After { density: 0.5 }));
    }

    #[test]
    fn pruning_during_training_ends_in_its_middle() {
        // 30 steps: the first half has 15, and 0.2 + 0.8 (1 − i/4)³ is 0.5375, 0.3, 0.2125, 0.2.
        let during = Pruning::During { rounds: 4, density: 0.2 };
        let acts = during.acts(&recipe(), 500).unwrap();
        let steps = [3, 7, 11, 15].map(|to| Act::Train { to, rate: None });
        assert_eq!(acts.iter().step_by(2).copied().take(4).collect::<Vec<_>>(), steps);
        assert_eq!((acts.len(), acts[8]), (9, Act::Train { to: 30, rate: None }));
        for (act, wanted) in acts.iter().skip(1).step_by(2).zip([0.5375, 0.3, 0.2125, 0.2]) {
            let Act::Prune { density } = act else { panic!("{act:?}") };
            assert!((density - wanted).abs() < 1e-12, "{density}");
        }
        let error = Pruning::During { rounds: 16, density: 0.2 }.validate(&recipe(), 500);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("found 16, expected 15 or fewer, half of"), "{error}");
    }

    #[test]
    fn a_recipe_says_where_to_rewind_to() {
        let recipe = Recipe { rewind_step: Some(4), ..recipe() };
        let rewind = Pruning::Rewind { step: None, densities: vec![0.5], redraw: None };
        assert_eq!(rewind.acts(&recipe, 500).unwrap()[0], Act::Train { to: 4, rate: None });
    }

    #[test]
    fn senseless_densities_and_steps_are_refused() {
        let rewind = |densities: &[f64]| Pruning::Rewind {
            step: Some(0),
            densities: densities.to_vec(),
            redraw: None,
        };
        for densities in [&[][..], &[0.5, 0.6], &[1.5], &[f64::NAN], &[0.0]] {
            assert!(rewind(densities).validate(&recipe(), 500).is_err(), "{densities:?}");
        }
        let at = |step| Pruning::At { step, density: 0.5 }.validate(&recipe(), 500);
        at(30).unwrap();
        assert!(at(31).unwrap_err().to_string().contains("found 31, expected 30 or less"));
        let restart = |step| Pruning::Restart { step, density: 0.5 }.validate(&recipe(), 500);
        restart(30).unwrap();
        assert!(restart(31).unwrap_err().to_string().contains("found 31, expected 30 or less"));
        assert!(Pruning::During { rounds: 0, density: 0.5 }.validate(&recipe(), 500).is_err());
        assert!(
            Pruning::Gradual { rounds: 0, density: 0.5, trained: false }
                .validate(&recipe(), 500)
                .is_err()
        );
    }
}
