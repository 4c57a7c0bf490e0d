//! Outputs for arrays, without gradients.

use phew_graph::Network;
use phew_graph::ndarray::{ArrayD, ArrayViewD};
use tch::{Device, Kind, Tensor};

use super::{Mode, Model};
use crate::error::Result;

impl Model {
    /// Puts a network on the processor, in single precision.
    ///
    /// # Errors
    /// As [`Model::new`].
    pub fn on_processor(network: &Network) -> Result<Self> {
        Self::new(network, Device::Cpu, Kind::Float)
    }

    /// The outputs for a batch `[n, …input shape]`: `[n, …output shape]`. Normalisations take their running statistics.
    ///
    /// # Errors
    /// [`TrainError::Torch`](crate::TrainError::Torch) if the batch does not fit the input or the device has no room.
    ///
    /// # Examples
    /// ```
    /// use phew_graph::{Init, Network, zoo};
    /// use phew_train::Model;
    /// use phew_train::ndarray::ArrayD;
    ///
    /// let arch = zoo::by_name("lenet-5")?.build()?;
    /// let model = Model::on_processor(&Network::initialise(arch, Init::default(), 0)?)?;
    /// let outputs = model.predict(ArrayD::zeros(vec![3, 1, 28, 28]).view())?;
    /// assert_eq!(outputs.shape(), [3, 10]);
    /// # Ok::<(), phew_train::TrainError>(())
    /// ```
    pub fn predict(&self, inputs: ArrayViewD<'_, f32>) -> Result<ArrayD<f32>> {
        let _guard = tch::no_grad_guard();
        let sizes: Vec<i64> = inputs.shape().iter().map(|&size| size as i64).collect();
        let inputs = inputs.as_standard_layout();
        let batch =
            Tensor::f_from_slice(inputs.as_slice().unwrap_or_default())?.f_view(&sizes[..])?;
        let outputs = self.forward(&batch.f_to_device(self.device())?, Mode::Eval)?;
        let shape: Vec<usize> = outputs.size().iter().map(|&size| size as usize).collect();
        let outputs = outputs.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?;
        let numbers = Vec::<f32>::try_from(outputs.f_contiguous()?.f_view([-1])?)?;
        Ok(ArrayD::from_shape_vec(shape, numbers)
            .unwrap_or_else(|e| unreachable!("as many numbers as the shape says: {e}")))
    }
}
