//! Measures of a network that need inputs: its Jacobian and its empirical neural tangent kernel.

mod gradient;
mod jacobian;
mod kernel;

pub use gradient::{GradientShare, gradient_share};
pub use jacobian::{Spread, jacobian_extremes, jacobian_singular_values};
pub use kernel::TangentKernel;

use phew_graph::{Mask, Network};
use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::model::Model;
use crate::train::mask_vector;

/// A model in f64 with all that a mask prunes at 0, as a vector that can be differentiated by, and the mask's vector.
fn masked(network: &Network, mask: &Mask, device: Device) -> Result<(Model, Tensor, Tensor)> {
    let ones = mask_vector(network.arch(), mask, device)?.f_to_kind(Kind::Double)?;
    let model = Model::new(network, device, Kind::Double)?;
    let parameters = model.parameters().f_detach()?.f_mul(&ones)?;
    Ok((model, parameters, ones))
}

/// Copies the values of a vector in f64.
fn copy_to(vector: &Tensor, out: &mut [f64]) -> Result<()> {
    let vector = vector.f_to_device(Device::Cpu)?.f_contiguous()?;
    Ok(vector.f_copy_data(out, out.len())?)
}
