//! Loss and accuracy of anything that makes outputs of images.

use phew_graph::ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::data::{Dataset, NumberedImages, Targets};
use crate::error::{Result, TrainError};
use crate::loss::Loss;

/// Means over the images of a set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// The loss.
    pub loss: f64,
    /// Share of images whose class has the greatest output; none for regression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top1: Option<f64>,
    /// Share of images whose class is among the five greatest outputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top5: Option<f64>,
}

/// Images of a batch: whole groups of sixteen, which phew's engine computes side by side.
const BATCH: usize = 512;

/// Loss and accuracy of `model` over the test images of a set, normalised as for training.
///
/// The loss is the cross-entropy, or the mean square where images are to be made. An error of the model ends it.
///
/// # Shapes
/// `model` is given `[n, scalars of an image]` and gives `[n, outputs]`.
///
/// # Errors
/// Those of the model; [`TrainError::Parameter`] if its outputs are not as many as the set's.
///
/// # Examples
/// phew's own engine instead of libtorch:
/// ```
/// use std::sync::Arc;
///
/// use phew_graph::execute::Program;
/// use phew_graph::ndarray::Ix2;
/// use phew_graph::{GraphError, Init, Network, Shape, zoo};
/// use phew_train::{DrawSpec, Set, TrainError, test_quality};
///
/// let data = "digits".parse::<Set>()?.load(None, Some(DrawSpec { train: 10, test: 20, seed: 0 }))?;
/// let arch = Arc::new(zoo::by_name("lenet-300-100")?.build()?);
/// let program = Program::new(&Network::initialise(arch, Init::default(), 0)?, None)?;
/// let quality = test_quality(&data, |images| {
///     let images = images.to_shape(vec![images.nrows(), 1, 28, 28]).unwrap();
///     let outputs = program.run(images.view())?;
///     Ok::<_, TrainError>(outputs.into_dimensionality::<Ix2>().unwrap())
/// })?;
/// assert!(quality.top1.is_some_and(|share| (0.0..=1.0).contains(&share)));
/// # Ok::<(), TrainError>(())
/// ```
pub fn test_quality<E: From<TrainError>>(
    data: &Dataset,
    mut model: impl FnMut(ArrayView2<'_, f32>) -> Result<Array2<f32>, E>,
) -> Result<Quality, E> {
    let images = NumberedImages::new(&data.test, &data.normalisation());
    let loss = Loss::suiting(data);
    let all: Vec<usize> = (0..data.test.len()).collect();
    let (mut sum, mut first, mut five) = (0.0, 0, 0);
    for indices in all.chunks(BATCH) {
        let batch = images.batch(indices);
        let outputs = model(batch.inputs.view())?;
        let (wanted, found) = ([indices.len(), data.summary().outputs], outputs.shape().to_vec());
        if found != wanted {
            let (found, expected) = (format!("{found:?}"), format!("{wanted:?}"));
            return Err(TrainError::Parameter { what: "outputs", found, expected }.into());
        }
        sum += loss.value(outputs.view(), &batch.targets) * indices.len() as f64;
        if let Targets::Classes(classes) = &batch.targets {
            for (outputs, &class) in outputs.outer_iter().zip(classes) {
                let rank = rank(outputs.iter().copied(), usize::from(class));
                first += usize::from(rank < 1);
                five += usize::from(rank < 5);
            }
        }
    }
    let count = all.len() as f64;
    let share = |hits: usize| (!loss.is_regression()).then_some(hits as f64 / count);
    Ok(Quality { loss: sum / count, top1: share(first), top5: share(five) })
}

/// How many outputs come before that of a class: those that are greater or no numbers, and of equals the first.
fn rank(outputs: impl Iterator<Item = f32> + Clone, class: usize) -> usize {
    let Some(own) = outputs.clone().nth(class) else { return usize::MAX };
    let before = |(place, output): (usize, f32)| match output.partial_cmp(&own) {
        Some(std::cmp::Ordering::Greater) | None => place != class,
        Some(std::cmp::Ordering::Equal) => place < class,
        Some(std::cmp::Ordering::Less) => false,
    };
    outputs.enumerate().filter(|&output| before(output)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_comes_after_what_is_greater_and_after_equals_before_it() {
        let rank = |class| super::rank([2.0, 5.0, 2.0, f32::NAN, -1.0].into_iter(), class);
        assert_eq!([0, 1, 2, 4].map(rank), [2, 1, 3, 4]);
    }

    #[test]
    fn quality_is_that_worked_by_hand() {
        let data = crate::digits(20, 600, 0).unwrap();
        // Every output is 0 but that of class 3, which is ln 6: a share of 6/15, of others 1/15.
        let threes = data.test.labels().iter().filter(|&&label| label == 3).count();
        let Quality { loss, top1, top5 } = test_quality(&data, |images| {
            Ok::<_, TrainError>(Array2::from_shape_fn((images.nrows(), 10), |(_, class)| {
                if class == 3 { 6_f32.ln() } else { 0.0 }
            }))
        })
        .unwrap();
        let share = threes as f64 / 600.0;
        assert_eq!((top1, threes), (Some(share), 60));
        // Beside class 3 the first four.
        assert_eq!(top5, Some(0.5));
        let wanted = share * 2.5_f64.ln() + (1.0 - share) * 15_f64.ln();
        assert!((loss - wanted).abs() < 1e-6, "{loss} {wanted}");
    }
}
