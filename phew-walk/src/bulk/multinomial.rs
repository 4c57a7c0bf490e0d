//! The multinomial draw for a few outcomes: each count from its conditional binomial.
//!
//! How many walks take each connection onwards, each feature of a channel, or each start. The kernels of a weighted
//! connection are many: see [`crate::bulk::kernel_multinomial`].

use crate::bulk::binomial::binomial;
use crate::rng::Stream;

/// Distributes `n` draws over scores, of which at least one is above 0: calls `place(outcome, count)` for counts
/// above 0.
pub(crate) fn multinomial(
    n: u64,
    scores: &[f64],
    stream: &mut Stream,
    mut place: impl FnMut(usize, u64),
) {
    // Added up from the end, so that the last outcome with a score has all of what is left, to the bit.
    let mut masses = scores.to_vec();
    for t in (1..masses.len()).rev() {
        masses[t - 1] += masses[t];
    }
    let mut left = n;
    for (t, (&score, &mass)) in scores.iter().zip(&masses).enumerate() {
        if left == 0 {
            return;
        }
        if score > 0.0 {
            let taken = binomial(left, score / mass, stream);
            left -= taken;
            if taken > 0 {
                place(t, taken);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rng(seed: u64) -> Stream {
        Stream::new([1, 2], seed)
    }

    /// Upper 0.1 % point of χ² (Wilson and Hilferty).
    fn limit(degrees: f64) -> f64 {
        let a = 2.0 / (9.0 * degrees);
        degrees * (1.0 - a + 3.0902 * a.sqrt()).powi(3)
    }

    /// The counts of each place have the multinomial's marginals.
    #[test]
    fn counts_are_multinomial() {
        let scores = [0.0, 3.0, 1.0, 0.0, 0.5, 0.25, 0.25, 5.0, 0.0];
        let total: f64 = scores.iter().sum();
        let mut rng = rng(1);
        for n in [1u64, 2, 5, 17, 18, 100] {
            let runs = 20_000;
            let mut sum = [0.0; 9];
            let mut squares = [0.0; 9];
            for _ in 0..runs {
                let mut counts = [0u64; 9];
                multinomial(n, &scores, &mut rng, |t, k| counts[t] += k);
                assert_eq!(counts.iter().sum::<u64>(), n);
                for t in 0..9 {
                    sum[t] += counts[t] as f64;
                    squares[t] += (counts[t] * counts[t]) as f64;
                }
            }
            let all = (runs * n) as f64;
            let mut chi = 0.0;
            for t in 0..9 {
                let p = scores[t] / total;
                if p == 0.0 {
                    assert!(sum[t] == 0.0, "{t} has no score");
                    continue;
                }
                chi += (sum[t] - all * p).powi(2) / (all * p);
                // Variance n·p·(1 − p); its estimate's relative standard error is below √(2/runs) · 3 for the
                // rarest place here. Five of them.
                let mean = sum[t] / runs as f64;
                let variance = squares[t] / runs as f64 - mean * mean;
                let expected = n as f64 * p * (1.0 - p);
                assert!(
                    (variance / expected - 1.0).abs() < 5.0 * 3.0 * (2.0 / runs as f64).sqrt(),
                    "n {n}, {t}"
                );
            }
            assert!(chi < limit(5.0), "n {n}: χ² {chi}");
        }
    }
}
