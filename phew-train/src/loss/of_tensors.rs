//! The same of libtorch's tensors.

use tch::{Kind, Reduction, Tensor};

use super::Loss;
use crate::error::Result;

impl Loss {
    /// The loss of a batch's outputs, a tensor with one number.
    ///
    /// # Errors
    /// [`TrainError::Torch`](crate::TrainError::Torch) if outputs and targets do not fit.
    pub fn of(&self, output: &Tensor, target: &Tensor) -> Result<Tensor> {
        Ok(match *self {
            Self::CrossEntropy { smoothing } => output.f_cross_entropy_loss::<Tensor>(
                target,
                None,
                Reduction::Mean,
                -100,
                smoothing,
            )?,
            Self::MeanSquare => output.f_mse_loss(target, Reduction::Mean)?,
        })
    }
}

/// How many of a batch's labels are among the greatest one and five outputs, as a tensor `[2]`.
pub(crate) fn top_counts(output: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let classes = output.size()[1];
    let (_, best) = output.f_topk(classes.min(5), 1, true, true)?;
    let hits = best.f_eq_tensor(&labels.f_unsqueeze(1)?)?.f_to_kind(Kind::Int64)?;
    let first = hits.f_narrow(1, 0, 1)?.f_sum(Kind::Int64)?;
    Ok(Tensor::f_stack(&[first, hits.f_sum(Kind::Int64)?], 0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cross_entropy_and_smoothing_are_those_worked_by_hand() {
        // Logits ln 1, ln 3: probabilities 1/4 and 3/4. Label 0: ln 4. Smoothed by 0.2: 0.9 ln 4 + 0.1 ln 4/3.
        let output = Tensor::from_slice(&[0_f32, 3_f32.ln()]).view([1, 2]);
        let label = Tensor::from_slice(&[0_i64]);
        let loss = |smoothing| {
            let loss = Loss::CrossEntropy { smoothing }.of(&output, &label).unwrap();
            loss.double_value(&[])
        };
        assert!((loss(0.0) - 4_f64.ln()).abs() < 1e-6);
        assert!((loss(0.2) - (0.9 * 4_f64.ln() + 0.1 * (4_f64 / 3.0).ln())).abs() < 1e-6);
    }

    #[test]
    fn mean_square_is_over_all_scalars() {
        let output = Tensor::from_slice(&[0_f32, 1.0, 2.0, 3.0]).view([2, 2]);
        let target = Tensor::from_slice(&[1_f32, 1.0, 0.0, 3.0]).view([2, 2]);
        let loss = Loss::MeanSquare.of(&output, &target).unwrap().double_value(&[]);
        assert!((loss - 1.25).abs() < 1e-6);
    }

    #[test]
    fn the_first_and_the_first_five_are_counted() {
        // The label's place among seven outputs is 1, 2, 5 and 6 (counted from 1).
        let row = [7_f32, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0];
        let output = Tensor::from_slice(&row.repeat(4)).view([4, 7]);
        let counts = top_counts(&output, &Tensor::from_slice(&[0_i64, 1, 4, 5])).unwrap();
        assert_eq!(Vec::<i64>::try_from(counts).unwrap(), [1, 3]);
    }
}
