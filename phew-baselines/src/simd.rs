//! Inner loops, compiled for the widest vectors that the machine has.
//!
//! What is computed never depends on the width: sums run in a fixed number of lanes, so that any machine gives the
//! same bytes.

/// Runs `work`, and all that is inlined into it, with the widest vectors that the machine has.
pub(crate) fn widest<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// Bit `i` says whether `test(i)` holds.
#[inline(always)]
pub(crate) fn pack(test: impl Fn(usize) -> bool) -> u64 {
    let mut bytes = [0u8; 64];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from(test(i));
    }
    // A product packs eight of them.
    let mut bits = 0;
    for (o, &octet) in bytes.as_chunks::<8>().0.iter().enumerate() {
        bits |= u64::from_le_bytes(octet).wrapping_mul(0x0102_0408_1020_4080) >> 56 << (8 * o);
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_test_sets_its_own_bit() {
        for word in [0, 1, 1 << 63, 0x0123_4567_89ab_cdef, u64::MAX] {
            assert_eq!(widest(|| pack(|i| word >> i & 1 == 1)), word);
        }
    }
}
