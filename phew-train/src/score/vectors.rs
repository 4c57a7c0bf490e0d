//! All prunable scalars as one vector, as libtorch has them.

use phew_graph::{Mask, Network};

/// Effective prunable weights (0 where the mask prunes), in the order of the architecture, as one vector.
pub(super) fn effective(weights: &[&[f32]], mask: &Mask) -> Vec<f32> {
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
pub(super) fn by_tensor<T: Copy>(network: &Network, all: &[T]) -> Vec<Vec<T>> {
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
