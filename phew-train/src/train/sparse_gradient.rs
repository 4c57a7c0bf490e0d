//! Gradients by phew's own engine, of the parameters of a libtorch model.

use phew_graph::execute::{TensorValues, Training};
use phew_graph::{Arch, Mask};
use tch::Tensor;

use crate::arrays::{array_of, tensor_of};
use crate::batches::Batch;
use crate::error::Result;
use crate::loss::Loss;
use crate::model::Model;

/// The engine, compiled for what a mask keeps.
#[derive(Debug)]
pub(super) struct SparseGradient {
    training: Training,
    values: TensorValues,
}

impl SparseGradient {
    /// Refuses an operator that the engine does not train.
    pub(super) fn new(arch: &Arch, mask: &Mask) -> Result<Self> {
        let values = TensorValues::zeros(arch);
        Ok(Self { training: Training::new(arch.clone(), Some(mask))?, values })
    }

    /// Outputs, loss and gradient of a batch, the gradient as one vector; the running statistics of the model move.
    ///
    /// The loss is libtorch's, and so is its gradient by the outputs.
    pub(super) fn of(
        &mut self,
        model: &Model,
        batch: &Batch,
        loss: Loss,
    ) -> Result<(Tensor, Tensor, Tensor)> {
        self.load(model)?;
        let mut sizes = vec![batch.input.size()[0]];
        sizes.extend(model.arch().input_shape().sizes().iter().map(|&size| size as i64));
        let inputs = array_of(&batch.input.f_reshape(&sizes)?)?;
        let outputs = self.training.forward(&self.values, inputs.view())?;
        let output = tensor_of(&outputs.view())?.set_requires_grad(true);
        let loss = loss.of(&output, &batch.target)?;
        let by_outputs = Tensor::f_run_backward(&[&loss], &[&output], false, false)?;
        let gradient = self.training.backward(array_of(&by_outputs[0])?.view())?;
        self.training.move_statistics(&mut self.values)?;
        let specs = model.arch().auxiliary().iter();
        let mut buffers = model.buffers().iter();
        let mut flat = gradient.weights.concat();
        for ((spec, slopes), values) in specs.zip(&gradient.auxiliary).zip(&self.values.auxiliary) {
            if !spec.role.is_buffer() {
                flat.extend_from_slice(slopes);
            } else if let Some(buffer) = buffers.next() {
                buffer.shallow_clone().copy_(&Tensor::f_from_slice(values)?);
            }
        }
        Ok((output.f_detach()?, loss.f_detach()?, Tensor::f_from_slice(&flat)?))
    }

    /// Takes the model's parameters and statistics.
    fn load(&mut self, model: &Model) -> Result<()> {
        let mut parameters = model.leaves().iter();
        let mut buffers = model.buffers().iter();
        let TensorValues { weights, auxiliary } = &mut self.values;
        for values in weights {
            copy(parameters.next(), values)?;
        }
        for (spec, values) in model.arch().auxiliary().iter().zip(auxiliary) {
            let buffer = spec.role.is_buffer();
            copy(if buffer { buffers.next() } else { parameters.next() }, values)?;
        }
        Ok(())
    }
}

fn copy(tensor: Option<&Tensor>, values: &mut [f32]) -> Result<()> {
    let Some(tensor) = tensor else { unreachable!("a model has all tensors of its architecture") };
    Ok(tensor.f_detach()?.f_contiguous()?.f_copy_data(values, values.len())?)
}
