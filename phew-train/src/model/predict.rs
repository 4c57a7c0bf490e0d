//! Outputs for arrays, without gradients.

use phew_graph::Network;
use phew_graph::ndarray::{ArrayD, ArrayViewD};
use tch::{Device, Kind};

use super::{Mode, Model};
use crate::arrays::{array_of, tensor_of};
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
        let batch = tensor_of(&inputs)?.f_to_device(self.device())?;
        array_of(&self.forward(&batch, Mode::Eval)?)
    }
}
