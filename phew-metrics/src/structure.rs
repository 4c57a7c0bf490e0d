//! What a mask leaves of each layer: width, degrees, dead and stub units, layer collapse, effective density.

mod degrees;
mod stub_units;
mod summary;

pub use degrees::Degrees;
pub use summary::{LayerStructure, Structure, TensorStructure};
