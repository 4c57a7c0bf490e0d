//! What a mask leaves of each layer: width, degrees, dead and stub units, layer collapse, effective density.

mod degrees;
mod neuron_sparsity;
mod stub_law;
mod stub_units;
mod summary;

pub use degrees::Degrees;
pub use neuron_sparsity::{NeuronSparsity, neuron_sparsity};
pub use stub_law::StubLaw;
pub(crate) use stub_law::stub_probability;
pub use summary::{LayerStructure, Structure, TensorStructure};
