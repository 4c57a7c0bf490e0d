//! Random scores.

use phew_graph::{stream, stream_key};
use rand_chacha::rand_core::RngCore;

use crate::error::BaselineError;
use crate::scorer::{Scorer, State};
use crate::scores::Scores;
use crate::simd::widest;

/// 2⁻³².
const TWO_TO_MINUS_32: f64 = 1.0 / 4_294_967_296.0;

/// Uniform scores in [0, 1): keeps a uniformly random set of weights.
///
/// With [`crate::Allocation`] for the densities of the layers this is random pruning by layer: uniform,
/// Erdős–Rényi, ERK, IGQ. Scores are multiples of 2⁻³², one ChaCha8 stream for each step and tensor, so a
/// weight's score depends on the seed and its place alone.
///
/// # References
/// Patil & Dovrolis 2021, appendix D.2; Frankle et al. 2021.
#[derive(Clone, Copy, Debug)]
pub struct Random {
    /// Seed of the scores.
    pub seed: u64,
}

impl Scorer for Random {
    fn score<'s>(&'s mut self, state: &'s State<'_>) -> Result<Scores<'s>, BaselineError> {
        let key = stream_key("phew 1 random scores", self.seed);
        let step = state.step as u64;
        Ok(Scores::from_blocks(move |tensor, start, block| {
            let mut rng = stream(key, step << 32 | tensor.index() as u64);
            rng.set_word_pos(start as u128);
            let mut bytes = [0u8; 1024];
            for scores in block.chunks_mut(bytes.len() / 4) {
                let bytes = &mut bytes[..4 * scores.len()];
                rng.fill_bytes(bytes);
                widest(
                    #[inline(always)]
                    || {
                        for (s, b) in scores.iter_mut().zip(bytes.as_chunks::<4>().0) {
                            *s = f64::from(u32::from_le_bytes(*b)) * TWO_TO_MINUS_32;
                        }
                    },
                );
            }
        }))
    }
}
