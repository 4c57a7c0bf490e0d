//! The second half of a step: which scalar of the kernel.

use crate::params::bias::Score;
use crate::rng::{Stream, below, fraction};

/// A scalar of a kernel, with probability proportional to its score; uniform if all are 0.
///
/// The scalars passed by are counted rather than searched: where the count ends cannot be predicted.
#[inline]
pub(crate) fn draw_scalar<S: Score>(stream: &mut Stream, kernel: &[f32]) -> usize {
    let total: f32 = kernel.iter().map(|&w| S::of(w)).sum();
    let point = fraction((stream.next() >> 32) as u32) * total;
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
    last.unwrap_or_else(|| below(stream, kernel.len()))
}
