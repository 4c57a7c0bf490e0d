//! Derivatives that scores are made of, on libtorch or by phew's own engine. The network that is scored is never changed.

#[cfg(feature = "torch")]
mod activity;
#[cfg(feature = "torch")]
mod answers;
#[cfg(feature = "torch")]
mod batches;
mod engine_oracle;
mod failed;
mod mode;
#[cfg(feature = "torch")]
mod oracle;
mod oracle_kind;
mod samples;
#[cfg(feature = "torch")]
mod spatial;

#[cfg(feature = "torch")]
pub use batches::score_batches;
pub use engine_oracle::EngineOracle;
pub use mode::OracleMode;
#[cfg(feature = "torch")]
pub use oracle::TorchOracle;
pub use oracle_kind::OracleKind;
pub use samples::SampleSpec;
#[cfg(feature = "torch")]
pub use spatial::{OnesPass, ones_pass};

use phew_graph::{Mask, Network};

/// Effective prunable weights (0 where the mask prunes), in the order of the architecture, as one vector.
fn effective(weights: &[&[f32]], mask: &Mask) -> Vec<f32> {
    let mut all = Vec::with_capacity(weights.iter().map(|w| w.len()).sum());
    for (values, layer) in weights.iter().zip(mask.layers()) {
        let from = all.len();
        all.resize(from + values.len(), 0.0);
        for index in layer.iter() {
            all[from + index] = values[index];
        }
    }
    all
}

/// Splits a vector over all prunable scalars into one for each tensor.
fn by_tensor<T: Copy>(network: &Network, all: &[T]) -> Vec<Vec<T>> {
    let mut rest = all;
    network
        .arch()
        .prunable()
        .iter()
        .map(|spec| {
            let (head, tail) = rest.split_at(spec.len());
            rest = tail;
            head.to_vec()
        })
        .collect()
}
