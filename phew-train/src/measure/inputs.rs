//! What a network is measured on.

use phew_graph::ndarray::{ArrayView, Dimension};
use tch::Tensor;

use crate::arrays::tensor_of;
use crate::batches::Batch;
use crate::device::Device;
use crate::error::{Result, TrainError};

/// Inputs of a network on a device: `[n, …]` with as many scalars each as its input has.
#[derive(Debug)]
pub struct Inputs(pub(super) Tensor);

impl Inputs {
    /// Inputs from an array, `[n, …input shape]` or any other shape of as many scalars. They are taken as they are.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] if there is none, [`TrainError::Torch`] if the device has no room.
    pub fn from_array<D: Dimension>(array: ArrayView<'_, f32, D>, device: Device) -> Result<Self> {
        if array.ndim() == 0 || array.is_empty() {
            return Err(TrainError::Parameter {
                what: "inputs",
                found: format!("an array of shape {:?}", array.shape()),
                expected: "at least one input, the first axis".to_owned(),
            });
        }
        Ok(Self(tensor_of(&array)?.f_to_device(device.0)?))
    }

    /// The first `count` inputs of a batch, or all if there are fewer.
    ///
    /// # Errors
    /// [`TrainError::Torch`].
    pub fn of_batch(batch: &Batch, count: usize) -> Result<Self> {
        Ok(Self(batch.input.f_narrow(0, 0, count.min(batch.len()) as i64)?))
    }
}
