//! What the measures have in common: a masked model in f64.

use phew_graph::{Mask, Network};
use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::model::{Model, mask_vector};

/// A model in f64 with all that a mask prunes at 0, as a vector that can be differentiated by, and the mask's vector.
pub(super) fn masked(
    network: &Network,
    mask: &Mask,
    device: Device,
) -> Result<(Model, Tensor, Tensor)> {
    let ones = mask_vector(network.arch(), mask, device)?.f_to_kind(Kind::Double)?;
    let model = Model::new(network, device, Kind::Double)?;
    let parameters = model.parameters().f_detach()?.f_mul(&ones)?;
    Ok((model, parameters, ones))
}

/// Copies the values of a vector in f64.
pub(super) fn copy_to(vector: &Tensor, out: &mut [f64]) -> Result<()> {
    let vector = vector.f_to_device(Device::Cpu)?.f_contiguous()?;
    Ok(vector.f_copy_data(out, out.len())?)
}
