//! A mask in the making: the weights that batches of walks keep, as bits that any thread may set.

use std::sync::atomic::{AtomicU64, Ordering};

use phew_graph::{ByTensor, LayerMask, Mask, Network, TensorId};

/// A bit for each scalar of each tensor, as in [`LayerMask`].
pub(crate) struct AtomicMask(ByTensor<AtomicLayer>);

/// A bit for each scalar of a tensor.
pub(crate) struct AtomicLayer(Vec<AtomicU64>);

impl AtomicMask {
    /// The bits of a mask.
    pub(crate) fn new(mask: &Mask) -> Self {
        let word = |&word: &u64| AtomicU64::new(word);
        let tensor = |layer: &LayerMask| AtomicLayer(layer.words().iter().map(word).collect());
        Self(mask.layers().iter().map(tensor).collect())
    }

    /// The bits of a tensor.
    pub(crate) fn layer(&self, tensor: TensorId) -> &AtomicLayer {
        &self.0[tensor]
    }

    /// The mask of the bits that are set.
    pub(crate) fn mask(&self, network: &Network) -> Mask {
        let layers = network.arch().prunable().iter().zip(&self.0).map(|(spec, tensor)| {
            let words = tensor.0.iter().map(|w| w.load(Ordering::Relaxed)).collect();
            LayerMask::from_words(&spec.name, &spec.shape, words)
        });
        Mask::from_layers(layers.collect())
    }
}

impl AtomicLayer {
    /// `len` bits, 64 at most, from any position.
    #[inline]
    pub(crate) fn bits(&self, start: usize, len: usize) -> u64 {
        let word = |w: usize| self.0.get(w).map_or(0, |w| w.load(Ordering::Relaxed));
        let bits = match (start / 64, start % 64) {
            (w, 0) => word(w),
            (w, shift) if shift + len <= 64 => word(w) >> shift,
            (w, shift) => word(w) >> shift | word(w + 1) << (64 - shift),
        };
        bits & u64::MAX >> (64 - len)
    }

    /// Keeps the scalars of these bits, from any position.
    #[inline]
    pub(crate) fn insert(&self, start: usize, bits: u64) {
        let set = |w: usize, bits: u64| {
            // Most are set already where it matters, and reading is cheaper than writing.
            if bits & !self.0[w].load(Ordering::Relaxed) != 0 {
                self.0[w].fetch_or(bits, Ordering::Relaxed);
            }
        };
        let (w, shift) = (start / 64, start % 64);
        set(w, bits << shift);
        if shift > 0 && bits >> (64 - shift) != 0 {
            set(w + 1, bits >> (64 - shift));
        }
    }
}
