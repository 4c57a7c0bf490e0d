//! Uniform choices from a stream.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;

/// A uniform number below `n`, without bias (Lemire 2019).
///
/// # Panics
/// If `n` is 0.
pub(crate) fn below(rng: &mut ChaCha8Rng, n: usize) -> usize {
    assert!(n > 0, "there must be something to choose from");
    let n = n as u64;
    let reject = n.wrapping_neg() % n;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(n);
        if product as u64 >= reject {
            return (product >> 64) as usize;
        }
    }
}

/// `count` of the items, uniformly, in random order; all of them if there are fewer.
pub(crate) fn choose<T>(rng: &mut ChaCha8Rng, mut items: Vec<T>, count: usize) -> Vec<T> {
    let count = count.min(items.len());
    for i in 0..count {
        let other = i + below(rng, items.len() - i);
        items.swap(i, other);
    }
    items.truncate(count);
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use phew_graph::{stream, stream_key};

    #[test]
    fn every_pair_of_five_is_chosen_equally_often() {
        // χ² over the 20 ordered pairs, n = 20,000: 99.9 % quantile with 19 degrees of freedom is 43.8.
        let mut rng = stream(stream_key("test", 1), 0);
        let mut counts = [0usize; 25];
        for _ in 0..20_000 {
            let pair = choose(&mut rng, vec![0, 1, 2, 3, 4], 2);
            counts[5 * pair[0] + pair[1]] += 1;
        }
        let chi2: f64 = (0..25)
            .filter(|i| i / 5 != i % 5)
            .map(|i| (counts[i] as f64 - 1000.0).powi(2) / 1000.0)
            .sum();
        assert!(chi2 < 43.8, "{chi2}");
        assert_eq!(choose(&mut rng, vec![7], 3), [7]);
    }
}
