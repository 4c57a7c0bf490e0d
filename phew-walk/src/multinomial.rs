//! Many draws at once: how many of `n` walks at a unit take each of its kernels, in one pass over the norms.
//!
//! The law is that of drawing the walks one by one. Where walks are few the sorted points of `n` uniform draws
//! are generated in order, so a kernel that none of them falls on costs an addition and a comparison. Where
//! they are many each kernel's count is drawn from its conditional binomial. The functions of `libm` are the
//! same on every machine, unlike the system's.

use rand::RngCore;
use rand_chacha::ChaCha8Rng;

/// From this many walks for each kernel on, counts are drawn rather than points.
const CROWD: f64 = 1.0;

/// The walks that leave one unit, as the norms of its kernels pass by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowd {
    /// Walks not yet placed.
    left: u64,
    /// Sum of all norms, added up in the order in which they pass.
    total: f64,
    /// Sum of the norms passed.
    passed: f64,
    /// Where the next walk falls, if points are generated.
    point: f64,
    counted: bool,
}

impl Crowd {
    /// `walks` walks onto kernels whose norms, added in order, give `total`.
    pub(crate) fn new(walks: u64, total: f64, kernels: usize, rng: &mut ChaCha8Rng) -> Self {
        let counted = walks as f64 >= CROWD * kernels as f64;
        let mut crowd = Self { left: walks, total, passed: 0.0, point: 0.0, counted };
        if counted {
            // Every kernel is asked.
            crowd.point = -1.0;
        } else {
            crowd.advance(rng);
        }
        crowd
    }

    /// Whether some walk may take a kernel of this norm, which passes by.
    #[inline]
    pub(crate) fn meets(&mut self, norm: f64) -> bool {
        self.passed += norm;
        self.point < self.passed
    }

    /// How many walks take the kernel that [`Crowd::meets`] just let pass.
    pub(crate) fn take(&mut self, norm: f64, rng: &mut ChaCha8Rng) -> u64 {
        if self.counted {
            let taken = if self.passed >= self.total {
                // The last kernel with a norm: the sums agree to the bit.
                self.left
            } else {
                binomial(self.left, norm / (self.total - (self.passed - norm)), rng)
            };
            self.left -= taken;
            if self.left == 0 {
                self.point = f64::INFINITY;
            }
            return taken;
        }
        let mut taken = 0;
        while self.point < self.passed {
            taken += 1;
            self.left -= 1;
            self.advance(rng);
        }
        taken
    }

    /// The least of `left` uniform points between the last one and the end.
    fn advance(&mut self, rng: &mut ChaCha8Rng) {
        if self.left == 0 {
            self.point = f64::INFINITY;
            return;
        }
        let step = one_less_exp(libm::log(open_unit(rng)) / self.left as f64);
        let point = self.point + (self.total - self.point) * step;
        self.point = point.min(self.total.next_down());
    }
}

/// `1 − eˣ` for x ≤ 0: by its series where x is small, which it is in any crowd.
fn one_less_exp(x: f64) -> f64 {
    if x < -1.0 / 32.0 {
        return -libm::expm1(x);
    }
    // The first term left out is below 2⁻⁴⁰ / 9!, or 2⁻⁵⁸, of the whole.
    let tail = 1.0 + x / 5.0 * (1.0 + x / 6.0 * (1.0 + x / 7.0 * (1.0 + x / 8.0)));
    -x * (1.0 + x / 2.0 * (1.0 + x / 3.0 * (1.0 + x / 4.0 * tail)))
}

/// Which of up to 64 scalars `n` draws by score fall on, besides those `marked` already, as bits.
///
/// Marked scalars need no count of their own, so only the others are drawn for where that is less work.
pub(crate) fn occupied(n: u64, scores: &[f64], marked: u64, rng: &mut ChaCha8Rng) -> u64 {
    let all = u64::MAX >> (64 - scores.len());
    let mut open = all & !marked;
    if open == 0 {
        return 0;
    }
    let mut found = 0;
    if n <= 3 * u64::from(open.count_ones()) {
        let total: f64 = scores.iter().sum();
        for _ in 0..n {
            let point = unit(rng) * total;
            let mut passed = 0.0;
            let mut chosen = 0;
            for &score in scores {
                passed += score;
                chosen += usize::from(passed <= point);
            }
            // On the upper end by rounding: the last scalar that has a score.
            let last = || scores.iter().rposition(|&s| s > 0.0).unwrap_or(0);
            found |= 1 << if chosen < scores.len() { chosen } else { last() };
        }
        return found;
    }
    let mut left = n;
    let mut mass: f64 = scores.iter().sum();
    while open != 0 && left > 0 {
        let t = open.trailing_zeros() as usize;
        open &= open - 1;
        let taken = binomial(left, scores[t] / mass, rng);
        mass -= scores[t];
        left -= taken;
        found |= u64::from(taken > 0) << t;
    }
    found
}

/// Distributes `n` draws over scores: calls `place(scalar, count)` for counts above 0.
///
/// Scores that are all 0 count as equal.
pub(crate) fn spread(
    n: u64,
    scores: &[f64],
    rng: &mut ChaCha8Rng,
    mut place: impl FnMut(usize, u64),
) {
    let total: f64 = scores.iter().sum();
    if total == 0.0 {
        return spread(n, &vec![1.0; scores.len()], rng, place);
    }
    if n == 1 {
        let point = unit(rng) * total;
        let mut passed = 0.0;
        let mut chosen = 0;
        for (t, &score) in scores.iter().enumerate() {
            // A score of 0 is never the first to pass the point.
            if passed <= point && score > 0.0 {
                chosen = t;
            }
            passed += score;
        }
        return place(chosen, 1);
    }
    let mut crowd = Crowd::new(n, total, scores.len(), rng);
    for (t, &score) in scores.iter().enumerate() {
        if crowd.meets(score) {
            let taken = crowd.take(score, rng);
            if taken > 0 {
                place(t, taken);
            }
        }
    }
}

/// Successes in `n` trials of probability `p`.
pub(crate) fn binomial(n: u64, p: f64, rng: &mut ChaCha8Rng) -> u64 {
    if p >= 1.0 {
        return n;
    }
    if n == 0 || p <= 0.0 {
        return 0;
    }
    if p > 0.5 {
        return n - binomial(n, 1.0 - p, rng);
    }
    // Inversion takes n·p steps and needs (1 − p)^n to be far above 0: trials are drawn in parts.
    let part = ((16.0 / p) as u64).max(1);
    let mut left = n;
    let mut sum = 0;
    while left > 0 {
        let now = left.min(part);
        sum += by_inversion(now, p, rng);
        left -= now;
    }
    sum
}

/// Inversion from 0 upwards.
fn by_inversion(n: u64, p: f64, rng: &mut ChaCha8Rng) -> u64 {
    let odds = p / (1.0 - p);
    let mut mass = libm::exp(n as f64 * libm::log1p(-p));
    let mut point = unit(rng);
    let mut successes = 0;
    while point >= mass && successes < n {
        point -= mass;
        successes += 1;
        mass *= (n - successes + 1) as f64 / successes as f64 * odds;
    }
    successes
}

/// In [0, 1).
fn unit(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 * 2f64.powi(-53)
}

/// In (0, 1].
fn open_unit(rng: &mut ChaCha8Rng) -> f64 {
    ((rng.next_u64() >> 11) + 1) as f64 * 2f64.powi(-53)
}

#[cfg(test)]
mod tests {
    use super::*;
    use phew_graph::{stream, stream_key};

    fn rng(seed: u64) -> ChaCha8Rng {
        stream(stream_key("test", seed), 0)
    }

    /// Upper 0.1 % point of χ² (Wilson and Hilferty).
    fn limit(degrees: f64) -> f64 {
        let a = 2.0 / (9.0 * degrees);
        degrees * (1.0 - a + 3.0902 * a.sqrt()).powi(3)
    }

    /// Both regimes and their boundary: the counts of each place have the multinomial's marginals.
    #[test]
    fn counts_are_multinomial_whatever_the_crowd() {
        let scores = [0.0, 3.0, 1.0, 0.0, 0.5, 0.25, 0.25, 5.0, 0.0];
        let total: f64 = scores.iter().sum();
        let mut rng = rng(1);
        for n in [1u64, 2, 5, 17, 18, 100] {
            let runs = 20_000;
            let mut sum = [0.0; 9];
            let mut squares = [0.0; 9];
            for _ in 0..runs {
                let mut counts = [0u64; 9];
                spread(n, &scores, &mut rng, |t, k| counts[t] += k);
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

    /// How often each set of scalars is hit, against inclusion and exclusion over multinomial misses.
    #[test]
    fn occupied_sets_have_their_exact_probabilities() {
        let scores = [2.0, 0.0, 1.0, 5.0];
        let mut rng = rng(4);
        for n in [1u64, 3, 6, 20] {
            for marked in [0b0000u64, 0b1000, 0b1001] {
                let open = 0b1111 & !marked;
                // Probability that no draw falls on a set of scalars.
                let missed = |set: u64| {
                    let hit: f64 = (0..4).filter(|t| set >> t & 1 == 1).map(|t| scores[t]).sum();
                    (1.0 - hit / 8.0).powi(n as i32)
                };
                let mut counts = [0.0; 16];
                let runs = 40_000;
                (0..runs).for_each(|_| {
                    counts[(occupied(n, &scores, marked, &mut rng) & open) as usize] += 1.0
                });
                let (mut chi, mut degrees) = (0.0, -1.0);
                for set in (0..16u64).filter(|s| s & !open == 0) {
                    // Exactly `set`: the rest missed, and no part of the set missed besides.
                    let rest = open & !set;
                    let subsets = (0..16u64).filter(|s| s & !set == 0);
                    let p: f64 = subsets
                        .map(
                            |s| if s.count_ones() % 2 == 0 { 1.0 } else { -1.0 } * missed(rest | s),
                        )
                        .sum();
                    let expected = p * f64::from(runs);
                    if expected > 5.0 {
                        chi += (counts[set as usize] - expected).powi(2) / expected;
                        degrees += 1.0;
                    } else {
                        assert!(counts[set as usize] < 25.0, "n {n}, set {set:b}");
                    }
                }
                assert!(
                    degrees < 1.0 || chi < limit(degrees),
                    "n {n}, marked {marked:b}: χ² {chi} at {degrees}"
                );
            }
        }
    }

    #[test]
    fn the_series_of_one_less_exp_agrees_with_expm1() {
        for x in [-1e-18, -1e-9, -1e-3, -0.01, -0.0312, -0.0313, -2.0] {
            let (a, b) = (one_less_exp(x), -libm::expm1(x));
            assert!((a - b).abs() <= 2.0 * f64::EPSILON * b, "{x}: {a} {b}");
        }
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

    #[test]
    fn equal_scores_of_0_are_spread_evenly() {
        let mut rng = rng(3);
        let mut counts = [0u64; 4];
        spread(40_000, &[0.0; 4], &mut rng, |t, k| counts[t] += k);
        // Standard deviation √(40000 · 3/16) = 87.
        assert!(counts.iter().all(|&c| c.abs_diff(10_000) < 435), "{counts:?}");
    }
}
