//! Spectral gaps: how well each layer, and the whole network, mixes as a graph.

mod components;
mod layer;
mod network;
mod two_greatest;

pub use layer::LayerGap;
