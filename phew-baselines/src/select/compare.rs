//! Comparison of many scores with one, compiled for the widest vectors that the machine has.

use pulp::{Arch, Simd, WithSimd};

/// Bit `i % 64` of word `i / 64` says whether score `i` is not below a limit. NaN is not below.
pub(super) fn not_below(limit: f64, scores: &[f64], words: &mut [u64]) {
    Arch::new().dispatch(NotBelow { limit, scores, words });
}

struct NotBelow<'a> {
    limit: f64,
    scores: &'a [f64],
    words: &'a mut [u64],
}

impl WithSimd for NotBelow<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let limit = self.limit;
        for (word, scores) in self.words.iter_mut().zip(self.scores.as_chunks::<64>().0) {
            #[allow(clippy::neg_cmp_op_on_partial_ord, reason = "NaN passes")]
            let bits = pack(scores, |s| !(s < limit));
            *word = bits;
        }
    }
}

/// Bit i says whether the i-th score passes: comparisons make bytes, products pack eight of them.
#[inline(always)]
pub(super) fn pack(scores: &[f64; 64], test: impl Fn(f64) -> bool) -> u64 {
    let mut bytes = [0u8; 64];
    for (byte, &s) in bytes.iter_mut().zip(scores) {
        *byte = u8::from(test(s));
    }
    bytes.as_chunks::<8>().0.iter().rev().fold(0, |bits, &octet| {
        bits << 8 | u64::from_le_bytes(octet).wrapping_mul(0x0102_0408_1020_4080) >> 56
    })
}
