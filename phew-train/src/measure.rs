//! Measures of a network that need inputs: its Jacobian, its empirical neural tangent kernel.

mod gradient;
mod inputs;
mod jacobian;
mod kernel;
mod masked;
mod sensitivity;

pub use gradient::{GradientShare, gradient_norm, gradient_share};
pub use inputs::Inputs;
pub use jacobian::{Spread, jacobian_extremes, jacobian_singular_values};
pub use kernel::TangentKernel;
pub use sensitivity::{LayerSensitivity, connection_sensitivity};
