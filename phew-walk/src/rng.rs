//! The generator: a stream of random words for each walk, and single choices from it.

/// The golden ratio as a fraction of 2⁶⁴: odd, and its multiples spread evenly.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The stream of one walk: `SplitMix64` (Steele, Lea & Flood 2014) from a start of its own.
///
/// A counter, mixed: 8 bytes of state and some ten operations for 64 bits. ChaCha8, which serves elsewhere, keeps
/// 320 bytes for each stream, and a batch of some hundred walks would spend its time moving them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stream(u64);

impl Stream {
    /// Stream `walk` of a key: no two walks of a key have the same start.
    #[inline]
    pub(crate) fn new(key: [u64; 2], walk: u64) -> Self {
        Self(mix(mix(walk.wrapping_mul(GAMMA).wrapping_add(key[0])) ^ key[1]))
    }

    /// 64 random bits.
    #[inline]
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        mix(self.0)
    }
}

/// Key of a family of streams: one for each use (`domain`) and seed.
pub(crate) fn key(domain: &str, seed: u64) -> [u64; 2] {
    let bytes = phew_graph::stream_key(domain, seed);
    let (words, _) = bytes.as_chunks::<8>();
    [u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1])]
}

/// A bijection of 64 bits in which every bit of the input moves half of the output's (Stafford's variant 13).
#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number below `bound`, every one equally likely (Lemire's multiplication, with its rejection).
pub(crate) fn below(stream: &mut Stream, bound: usize) -> usize {
    below_with_rest(stream, bound).0
}

/// As [`below`], with 32 more random bits that the choice did not use.
#[inline]
pub(crate) fn below_with_rest(stream: &mut Stream, bound: usize) -> (usize, u32) {
    let bound = bound as u64;
    loop {
        let bits = stream.next();
        let product = (bits >> 32) * bound;
        let fraction = product & u64::from(u32::MAX);
        if fraction >= bound || fraction >= (1 << 32) % bound {
            return ((product >> 32) as usize, bits as u32);
        }
    }
}

/// In [0, 1), from the upper 53 bits.
pub(crate) fn unit_interval(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// In [0, 1], from 32 bits: rounding can give 1.
#[inline]
pub(crate) fn fraction(bits: u32) -> f32 {
    bits as f32 * (1.0 / (1u64 << 32) as f32)
}
