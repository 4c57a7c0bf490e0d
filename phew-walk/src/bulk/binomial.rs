//! Binomial numbers. The functions of `libm` are the same on every machine, unlike the system's.

use crate::rng::{Stream, unit_interval};

/// Successes in `n` trials of probability `p`.
pub(crate) fn binomial(n: u64, p: f64, stream: &mut Stream) -> u64 {
    if p >= 1.0 {
        return n;
    }
    if n == 0 || p <= 0.0 {
        return 0;
    }
    if p > 0.5 {
        return n - binomial(n, 1.0 - p, stream);
    }
    // Inversion takes n·p steps and needs (1 − p)^n to be far above 0: trials are drawn in parts.
    let part = ((16.0 / p) as u64).max(1);
    let mut left = n;
    let mut sum = 0;
    while left > 0 {
        let now = left.min(part);
        sum += by_inversion(now, p, stream);
        left -= now;
    }
    sum
}

/// Inversion from 0 upwards.
fn by_inversion(n: u64, p: f64, stream: &mut Stream) -> u64 {
    let odds = p / (1.0 - p);
    let mut mass = libm::exp(n as f64 * libm::log1p(-p));
    let mut point = unit_interval(stream.next());
    let mut successes = 0;
    while point >= mass && successes < n {
        point -= mass;
        successes += 1;
        mass *= (n - successes + 1) as f64 / successes as f64 * odds;
    }
    successes
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

    /// Exact probabilities by the recurrence, χ² at n = 20,000 draws each.
    #[test]
    fn binomials_have_their_exact_probabilities() {
        let mut rng = rng(2);
        for (n, p) in [(1u64, 0.3), (10, 0.5), (10, 0.9), (40, 0.02), (200, 0.3), (5_000, 0.01)] {
            let mut probabilities = vec![0.0f64; n as usize + 1];
            // ln C(n, k) p^k q^(n−k), term by term from k = 0.
            let mut ln = n as f64 * f64::ln(1.0 - p);
            for k in 0..=n {
                probabilities[k as usize] = ln.exp();
                ln += ((n - k) as f64 / (k + 1) as f64).ln() + f64::ln(p / (1.0 - p));
            }
            let runs = 20_000;
            let mut counts = vec![0.0; n as usize + 1];
            (0..runs).for_each(|_| counts[binomial(n, p, &mut rng) as usize] += 1.0);
            let (mut chi, mut degrees, mut rest, mut rest_expected) = (0.0, -1.0, 0.0, 0.0);
            for (count, p) in counts.iter().zip(&probabilities) {
                let expected = p * f64::from(runs);
                if expected > 5.0 {
                    chi += (count - expected).powi(2) / expected;
                    degrees += 1.0;
                } else {
                    (rest, rest_expected) = (rest + count, rest_expected + expected);
                }
            }
            if rest_expected > 5.0 {
                chi += (rest - rest_expected).powi(2) / rest_expected;
                degrees += 1.0;
            }
            assert!(chi < limit(degrees), "n {n}, p {p}: χ² {chi} at {degrees}");
        }
    }
}
