//! Activation functions on libtorch.

use phew_graph::Activation;
use tch::{Scalar, TchError, Tensor};

/// The activation of a value, in its place where `overwrite` allows it and libtorch gains by it.
pub(super) fn activate(
    x: &mut Tensor,
    activation: Activation,
    overwrite: bool,
) -> Result<Tensor, TchError> {
    match activation {
        Activation::Relu if overwrite => x.f_relu_(),
        Activation::Relu => x.f_relu(),
        Activation::LeakyRelu { slope } => {
            x.f_prelu(&Tensor::f_full([1], slope, (x.kind(), x.device()))?)
        }
        // libtorch's own takes no alpha here: α·(eˣ − 1) below 0, where the exponential cannot overflow.
        Activation::Elu { alpha } => {
            let below = x.f_clamp_max(0.0)?.f_expm1()?.f_mul_scalar(Scalar::float(alpha))?;
            x.f_relu()?.f_add(&below)
        }
        Activation::Clip { min, max } => x.f_clamp(min, max),
        Activation::Gelu { tanh } => x.f_gelu(if tanh { "tanh" } else { "none" }),
        Activation::Silu => x.f_silu(),
        Activation::Mish => x.f_mish(),
        Activation::Softplus => x.f_softplus(),
        Activation::HardSwish => x.f_hardswish(),
        Activation::Sigmoid => x.f_sigmoid(),
        Activation::HardSigmoid => x.f_hardsigmoid(),
        Activation::Tanh if overwrite => x.f_tanh_(),
        Activation::Tanh => x.f_tanh(),
        Activation::Identity => Ok(x.shallow_clone()),
        other => Err(TchError::Kind(format!("the activation {other:?} is not known here"))),
    }
}
