//! Layerwise shuffle.

use phew_graph::{LayerMask, Mask, stream, stream_key};
use rayon::prelude::*;

use crate::draw::below;

/// Moves the kept weights of each tensor to uniformly random places of it: only the layers' densities stay.
///
/// # References
/// Frankle et al. 2021, section 5. In two public programs this ablation does nothing: the shuffled mask is
/// dropped, or written to a copy.
#[must_use]
pub fn shuffle(mask: &Mask, seed: u64) -> Mask {
    let key = stream_key("phew 1 layerwise shuffle", seed);
    let layers = mask.layers().par_iter().enumerate().map(|(t, layer)| {
        let mut rng = stream(key, t as u64);
        // Floyd's sampling draws as many places as are kept (or pruned, if those are fewer) without a table.
        let (len, few) = (layer.len(), layer.kept().min(layer.len() - layer.kept()));
        let mut chosen = LayerMask::empty(layer.name(), layer.shape());
        for last in len - few..len {
            let place = below(&mut rng, last + 1);
            if !chosen.insert(place) {
                chosen.insert(last);
            }
        }
        if few == layer.kept() { chosen } else { chosen.not() }
    });
    Mask::from_layers(layers.collect())
}
