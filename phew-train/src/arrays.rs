//! Arrays as tensors, and back.

use phew_graph::ndarray::{ArrayD, ArrayView, Dimension};
use tch::{Device, Kind, Tensor};

use crate::error::Result;

/// The tensor of an array, on the processor.
pub(crate) fn tensor_of<D: Dimension>(array: &ArrayView<'_, f32, D>) -> Result<Tensor> {
    let sizes: Vec<i64> = array.shape().iter().map(|&size| size as i64).collect();
    let array = array.as_standard_layout();
    Ok(Tensor::f_from_slice(array.as_slice().unwrap_or_default())?.f_view(sizes.as_slice())?)
}

/// The array of a tensor, in single precision.
pub(crate) fn array_of(tensor: &Tensor) -> Result<ArrayD<f32>> {
    let shape: Vec<usize> = tensor.size().iter().map(|&size| size as usize).collect();
    let tensor = tensor.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?;
    let numbers = Vec::<f32>::try_from(tensor.f_contiguous()?.f_view([-1])?)?;
    Ok(ArrayD::from_shape_vec(shape, numbers)
        .unwrap_or_else(|e| unreachable!("as many numbers as the shape says: {e}")))
}
