//! The learning rate over a run.

use serde::{Deserialize, Serialize};

use crate::error::{Result, TrainError};

/// The learning rate: where it starts, how it warms up and how it falls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningRate {
    /// The rate after the warm-up, before it falls.
    pub rate: f64,
    /// Epochs over which the rate rises from (nearly) 0, in equal steps.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub warmup: f64,
    /// How it falls.
    #[serde(default)]
    pub fall: Fall,
}

/// How a rate falls.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fall {
    /// Not at all.
    #[default]
    Constant,
    /// By a factor at the beginning of each of these epochs.
    Steps {
        /// Epochs, counted from 0, in ascending order.
        at: Vec<u64>,
        /// What the rate is multiplied by, 0.1 say.
        factor: f64,
    },
    /// By a factor after every epoch.
    Exponential {
        /// What the rate is multiplied by, 0.95 say.
        factor: f64,
    },
    /// Along half a cosine to 0 at the end of the run, step by step.
    Cosine,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(value: &f64) -> bool {
    *value <= 0.0
}

impl LearningRate {
    /// Refuses rates and factors that make no sense.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] naming the parameter.
    pub fn validate(&self, epochs: u64) -> Result<()> {
        let wrong = |what, found: String, expected: &str| {
            Err(TrainError::Parameter { what, found, expected: expected.to_owned() })
        };
        if !(self.rate > 0.0 && self.rate.is_finite()) {
            return wrong("learning rate", self.rate.to_string(), "a positive number");
        }
        if !(self.warmup >= 0.0 && self.warmup <= epochs as f64) {
            return wrong("warmup", self.warmup.to_string(), "0 up to the number of epochs");
        }
        match &self.fall {
            Fall::Steps { at, factor } => {
                if !at.is_sorted() {
                    return wrong(
                        "epochs of a step schedule",
                        format!("{at:?}"),
                        "ascending epochs",
                    );
                }
                if !(*factor > 0.0 && *factor <= 1.0) {
                    return wrong("factor", factor.to_string(), "above 0 and up to 1");
                }
            }
            Fall::Exponential { factor } if !(*factor > 0.0 && *factor <= 1.0) => {
                return wrong("factor", factor.to_string(), "above 0 and up to 1");
            }
            _ => {}
        }
        Ok(())
    }

    /// The rate of a step, counted from 0.
    #[must_use]
    pub fn at(&self, step: u64, steps_per_epoch: u64, epochs: u64) -> f64 {
        let epoch = step / steps_per_epoch;
        let factor = match &self.fall {
            Fall::Constant => 1.0,
            Fall::Steps { at, factor } => {
                factor.powi(at.iter().filter(|&&at| at <= epoch).count() as i32)
            }
            Fall::Exponential { factor } => factor.powi(i32::try_from(epoch).unwrap_or(i32::MAX)),
            Fall::Cosine => {
                let done = step as f64 / (steps_per_epoch * epochs) as f64;
                f64::midpoint(1.0, (std::f64::consts::PI * done).cos())
            }
        };
        let warming = self.warmup * steps_per_epoch as f64;
        let warm = if warming > 0.0 { ((step + 1) as f64 / warming).min(1.0) } else { 1.0 };
        self.rate * factor * warm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-12, "{found} for {wanted}");
    }

    #[test]
    fn steps_drop_at_the_beginning_of_their_epochs() {
        let fall = Fall::Steps { at: vec![80, 120], factor: 0.1 };
        let rate = LearningRate { rate: 0.1, warmup: 0.0, fall };
        close(rate.at(80 * 391 - 1, 391, 160), 0.1);
        close(rate.at(80 * 391, 391, 160), 0.01);
        close(rate.at(120 * 391, 391, 160), 0.001);
    }

    #[test]
    fn exponential_falls_after_every_epoch() {
        let fall = Fall::Exponential { factor: 0.95 };
        let rate = LearningRate { rate: 0.001, warmup: 0.0, fall };
        close(rate.at(9, 10, 20), 0.001);
        close(rate.at(10, 10, 20), 0.00095);
        close(rate.at(199, 10, 20), 0.001 * 0.95_f64.powi(19));
    }

    #[test]
    fn cosine_is_half_way_down_in_the_middle() {
        let rate = LearningRate { rate: 0.4, warmup: 0.0, fall: Fall::Cosine };
        close(rate.at(0, 10, 4), 0.4);
        close(rate.at(20, 10, 4), 0.2);
        assert!(rate.at(39, 10, 4) < 0.001);
    }

    #[test]
    fn the_warm_up_rises_in_equal_steps() {
        let rate = LearningRate { rate: 1.0, warmup: 0.5, fall: Fall::Constant };
        for (step, wanted) in [(0, 0.2), (1, 0.4), (4, 1.0), (5, 1.0)] {
            close(rate.at(step, 10, 2), wanted);
        }
    }

    #[test]
    fn senseless_rates_are_refused() {
        let constant = |rate, warmup| LearningRate { rate, warmup, fall: Fall::Constant };
        for rate in [
            constant(0.0, 0.0),
            constant(f64::NAN, 0.0),
            constant(0.1, 11.0),
            LearningRate {
                fall: Fall::Steps { at: vec![5, 3], factor: 0.1 },
                ..constant(0.1, 0.0)
            },
            LearningRate { fall: Fall::Exponential { factor: 0.0 }, ..constant(0.1, 0.0) },
        ] {
            assert!(rate.validate(10).is_err(), "{rate:?}");
        }
        constant(0.1, 1.0).validate(10).unwrap();
    }
}
