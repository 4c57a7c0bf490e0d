//! What is minimised, and how well it goes.

#[cfg(feature = "torch")]
mod of_tensors;

use phew_graph::ndarray::{Array2, ArrayView2, Zip};
use serde::{Deserialize, Serialize};

use crate::data::{Dataset, Targets};
use crate::error::{Result, TrainError};

/// A loss: the mean over a batch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Loss {
    /// Cross-entropy of the classes.
    CrossEntropy {
        /// Share of each label that is spread over all classes.
        #[serde(default, skip_serializing_if = "is_zero")]
        smoothing: f64,
    },
    /// Mean squared error of target images, over all their scalars.
    MeanSquare,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(value: &f64) -> bool {
    *value <= 0.0
}

impl Default for Loss {
    fn default() -> Self {
        Self::CrossEntropy { smoothing: 0.0 }
    }
}

impl Loss {
    /// The loss that suits a data set: mean square where the targets are images, cross-entropy of classes elsewhere.
    #[must_use]
    pub fn suiting(data: &Dataset) -> Self {
        if data.train.targets().is_some() { Self::MeanSquare } else { Self::default() }
    }

    /// Refuses a smoothing outside of `[0, 1)`.
    ///
    /// # Errors
    /// [`TrainError::Parameter`].
    pub fn validate(&self) -> Result<()> {
        match *self {
            Self::CrossEntropy { smoothing } if !(0.0..1.0).contains(&smoothing) => {
                Err(TrainError::Parameter {
                    what: "smoothing",
                    found: smoothing.to_string(),
                    expected: "0 or more and below 1".to_owned(),
                })
            }
            _ => Ok(()),
        }
    }

    /// Whether its targets are images rather than classes.
    #[must_use]
    pub fn is_regression(&self) -> bool {
        *self == Self::MeanSquare
    }

    /// The loss of a batch's outputs, `[n, outputs]`.
    pub(crate) fn value(&self, outputs: ArrayView2<'_, f32>, targets: &Targets) -> f64 {
        self.value_and_slopes(outputs, targets).0
    }

    /// The loss of a batch's outputs, `[n, outputs]`, and its derivative by each of them.
    ///
    /// # Panics
    /// If outputs and targets do not fit.
    pub(crate) fn value_and_slopes(
        &self,
        outputs: ArrayView2<'_, f32>,
        targets: &Targets,
    ) -> (f64, Array2<f32>) {
        let [batch, scalars] = [outputs.nrows() as f64, outputs.len() as f64];
        let mut slopes = Array2::zeros(outputs.raw_dim());
        let mut sum = 0.0;
        match targets {
            Targets::Classes(classes) => {
                let Self::CrossEntropy { smoothing } = *self else {
                    unreachable!("classes have no squares")
                };
                assert_eq!(classes.len(), outputs.nrows(), "a class for each image");
                let rows = outputs.outer_iter().zip(slopes.outer_iter_mut()).zip(classes);
                for ((outputs, mut slopes), &class) in rows {
                    let greatest = outputs.fold(f32::NEG_INFINITY, |most, &x| most.max(x));
                    let greatest = f64::from(greatest);
                    let all = outputs.iter().map(|&x| (f64::from(x) - greatest).exp());
                    let logarithm = all.sum::<f64>().ln() + greatest;
                    let spread = smoothing / outputs.len() as f64;
                    for (number, (&x, slope)) in outputs.iter().zip(&mut slopes).enumerate() {
                        let own = number == usize::from(class);
                        let share = spread + if own { 1.0 - smoothing } else { 0.0 };
                        let log = f64::from(x) - logarithm;
                        if share > 0.0 {
                            sum -= share * log;
                        }
                        *slope = ((log.exp() - share) / batch) as f32;
                    }
                }
                (sum / batch, slopes)
            }
            Targets::Numbers(numbers) => {
                Zip::from(&mut slopes).and(outputs).and(numbers).for_each(|slope, &x, &wanted| {
                    let apart = f64::from(x) - f64::from(wanted);
                    sum += apart * apart;
                    *slope = (2.0 * apart / scalars) as f32;
                });
                (sum / scalars, slopes)
            }
        }
    }
}

#[cfg(feature = "torch")]
pub(crate) use of_tensors::top_counts;

#[cfg(test)]
mod tests {
    use phew_graph::ndarray::array;

    use super::*;

    #[test]
    fn cross_entropy_and_smoothing_are_those_worked_by_hand() {
        // Logits ln 1, ln 3: probabilities 1/4 and 3/4. Label 0: ln 4. Smoothed by 0.2: 0.9 ln 4 + 0.1 ln 4/3.
        let (outputs, targets) = (array![[0.0, 3_f32.ln()]], Targets::Classes(vec![0]));
        let loss =
            |smoothing| Loss::CrossEntropy { smoothing }.value_and_slopes(outputs.view(), &targets);
        let near = |(found, slopes): (f64, Array2<f32>), wanted: f64, by: [f32; 2]| {
            assert!((found - wanted).abs() < 1e-6, "{found} {wanted}");
            slopes.iter().zip(by).for_each(|(found, by)| assert!((found - by).abs() < 1e-6));
        };
        near(loss(0.0), 4_f64.ln(), [-0.75, 0.75]);
        near(loss(0.2), 0.9 * 4_f64.ln() + 0.1 * (4_f64 / 3.0).ln(), [-0.65, 0.65]);
    }

    #[test]
    fn outputs_far_apart_are_no_trouble() {
        let targets = Targets::Classes(vec![1]);
        let (loss, slopes) =
            Loss::default().value_and_slopes(array![[3e38, -3e38]].view(), &targets);
        assert!(loss.is_finite() && loss > 5e38, "{loss}");
        assert_eq!(slopes, array![[1.0, -1.0]]);
    }

    #[test]
    fn mean_square_is_over_all_scalars() {
        let outputs = array![[0.0, 1.0], [2.0, 3.0]];
        let targets = Targets::Numbers(array![[1.0, 1.0], [0.0, 3.0]]);
        let (loss, slopes) = Loss::MeanSquare.value_and_slopes(outputs.view(), &targets);
        assert!((loss - 1.25).abs() < 1e-6);
        assert_eq!(slopes, array![[-0.5, 0.0], [1.0, 0.0]]);
    }
}
