//! Random streams: the same seed gives the same numbers on any machine and any number of threads.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Key of a family of streams: one for each use (`domain`) and seed.
///
/// The domain keeps uses apart, so that the seed 0 of the weights and the seed 0 of the walks share nothing.
#[must_use]
pub fn stream_key(domain: &str, seed: u64) -> [u8; 32] {
    blake3::derive_key(domain, &seed.to_le_bytes())
}

/// The stream with the given number: one per walk, tensor or epoch.
///
/// ChaCha with 8 rounds, counter-based: stream `i` does not depend on any other stream having been drawn.
#[must_use]
pub fn stream(key: [u8; 32], number: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(number);
    rng
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::RngCore;

    #[test]
    fn streams_and_domains_are_independent_and_repeatable() {
        let first = |domain, seed, number| stream(stream_key(domain, seed), number).next_u64();
        assert_eq!(first("a", 1, 2), first("a", 1, 2));
        assert_ne!(first("a", 1, 2), first("b", 1, 2));
        assert_ne!(first("a", 1, 2), first("a", 2, 2));
        assert_ne!(first("a", 1, 2), first("a", 1, 3));
    }
}
