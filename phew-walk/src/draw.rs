//! Single random choices, from the words of a stream.

use rand::RngCore;
use rand_chacha::ChaCha8Rng;

use crate::score::Score;

/// A number below `bound`, every one equally likely (Lemire's multiplication, with its rejection).
pub(crate) fn below(rng: &mut ChaCha8Rng, bound: usize) -> usize {
    below_with_rest(rng, bound).0
}

/// As [`below`], with 32 more random bits that the choice did not use.
#[inline]
pub(crate) fn below_with_rest(rng: &mut ChaCha8Rng, bound: usize) -> (usize, u32) {
    let bound = bound as u64;
    loop {
        let bits = rng.next_u64();
        let product = (bits >> 32) * bound;
        let fraction = product & u64::from(u32::MAX);
        if fraction >= bound || fraction >= (1 << 32) % bound {
            return ((product >> 32) as usize, bits as u32);
        }
    }
}

/// In [0, 1), from the upper 53 bits.
pub(crate) fn unit_interval(bits: u64) -> f64 {
    (bits >> 11) as f64 * 2f64.powi(-53)
}

/// A scalar of a kernel, with probability proportional to its score; uniform if all are 0.
///
/// The scalars passed by are counted rather than searched: where the count ends cannot be predicted.
#[inline]
pub(crate) fn within<S: Score>(rng: &mut ChaCha8Rng, kernel: &[f32]) -> usize {
    let total: f32 = kernel.iter().map(|&w| S::of(w)).sum();
    let point = rng.next_u32() as f32 * 2f32.powi(-32) * total;
    let mut sum = 0.0;
    let mut passed = 0;
    for &w in kernel {
        sum += S::of(w);
        passed += usize::from(sum <= point);
    }
    if passed < kernel.len() {
        return passed;
    }
    // The point fell on the upper end by rounding, or there is nothing to prefer.
    let last = kernel.iter().rposition(|&w| S::of(w) > 0.0);
    last.unwrap_or_else(|| below(rng, kernel.len()))
}
