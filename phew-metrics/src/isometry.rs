//! How near a network is to an isometry: singular values of its layers, and of the Jacobian of a linear network.

mod jacobian;
mod layer;
mod singular_values;

pub use layer::LayerIsometry;
pub use singular_values::SingularValues;
