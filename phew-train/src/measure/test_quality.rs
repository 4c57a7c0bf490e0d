//! Loss and accuracy of anything that makes outputs of images.

use phew_graph::ndarray::{Array2, ArrayView2};
use tch::Device;

use crate::arrays::{array_of, tensor_of};
use crate::batches::DeviceImages;
use crate::data::Dataset;
use crate::error::{Result, TrainError};
use crate::loss::Loss;
use crate::train::{Quality, Sums};

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
/// Those of the model; [`TrainError::Parameter`] if its outputs are not as many as the set's;
/// [`TrainError::Torch`] if there is no room.
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
    let images = DeviceImages::new(&data.test, &data.normalisation(), Device::Cpu)?;
    let regression = images.is_regression();
    let loss = if regression { Loss::MeanSquare } else { Loss::default() };
    let mut sums = Sums::new(Device::Cpu)?;
    let all: Vec<i64> = (0..images.len() as i64).collect();
    for indices in all.chunks(BATCH) {
        let batch = images.batch(indices)?;
        let images = array_of(&batch.input.f_flatten(1, -1).map_err(TrainError::from)?)?;
        let images = images.view().into_dimensionality();
        let outputs = model(images.unwrap_or_else(|e| unreachable!("two axes: {e}")))?;
        let (wanted, found) = ([indices.len(), data.summary().outputs], outputs.shape().to_vec());
        if found != wanted {
            let (found, expected) = (format!("{found:?}"), format!("{wanted:?}"));
            return Err(TrainError::Parameter { what: "outputs", found, expected }.into());
        }
        let outputs = tensor_of(&outputs.view())?;
        let counted = (!regression).then_some((&outputs, &batch.target));
        let loss = loss.of(&outputs, &batch.target)?;
        sums.add(&loss, counted, indices.len(), None)?;
    }
    Ok(sums.values()?.quality(regression))
}
