//! The statistics of few numbers: mean, deviation, confidence, tests of differences.

use serde::Serialize;

use super::mean::Statistics;

/// What a sample says of its mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// Numbers in it.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, with n − 1; none of one number.
    pub deviation: Option<f64>,
    /// The ends of the interval that holds the true mean with 95% confidence, by Student's t; none of one number.
    pub interval: Option<[f64; 2]>,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
}

impl Sample {
    /// Of some numbers; `None` if there are none.
    #[must_use]
    pub fn of(numbers: &[f64]) -> Option<Self> {
        if numbers.is_empty() {
            return None;
        }
        let Statistics { n, mean, deviation } = Statistics::of(numbers);
        let deviation = (n > 1).then_some(deviation);
        let interval = deviation.map(|deviation| {
            let reach = student_quantile(n as f64 - 1.0, 0.05) * deviation / (n as f64).sqrt();
            [mean - reach, mean + reach]
        });
        let (least, greatest) = (f64::INFINITY, f64::NEG_INFINITY);
        Some(Self {
            n,
            mean,
            deviation,
            interval,
            least: numbers.iter().copied().fold(least, f64::min),
            greatest: numbers.iter().copied().fold(greatest, f64::max),
        })
    }

    /// Student's t of the mean against 0; `None` of one number, or where all are the same.
    #[must_use]
    pub fn t(&self) -> Option<f64> {
        let deviation = self.deviation.filter(|&deviation| deviation > 0.0)?;
        Some(self.mean * (self.n as f64).sqrt() / deviation)
    }
}

/// Probability that Student's t with `freedom` degrees is at least as far from 0 as `t`: `I_{ν/(ν+t²)}(ν/2, 1/2)`.
#[must_use]
pub fn student_two_sided(t: f64, freedom: f64) -> f64 {
    incomplete_beta(freedom / (freedom + t * t), freedom / 2.0, 0.5)
}

/// The t that is exceeded, on either side, with the probability `p`: by bisection.
fn student_quantile(freedom: f64, p: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while student_two_sided(high, freedom) > p {
        high *= 2.0;
    }
    // Until the two ends are neighbours, at most.
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if student_two_sided(middle, freedom) > p { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// Probability of differences at least as one-sided as `greater` against `less`, if either sign were as likely: the
/// exact two-sided sign test. Ties are left out.
#[must_use]
pub fn sign_test(greater: usize, less: usize) -> f64 {
    let (n, k) = ((greater + less) as f64, greater.min(less));
    let ln_choose =
        |i: f64| libm::lgamma(n + 1.0) - libm::lgamma(i + 1.0) - libm::lgamma(n - i + 1.0);
    let tail: f64 =
        (0..=k).map(|i| libm::exp(ln_choose(i as f64) - n * std::f64::consts::LN_2)).sum();
    (2.0 * tail).min(1.0)
}

/// The regularised incomplete beta function `I_x(a, b)`, by its continued fraction (Press et al., Numerical Recipes,
/// 3rd edition, section 6.4), evaluated by Lentz's method.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let ln_front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b)
        + a * libm::log(x)
        + b * libm::log1p(-x);
    let front = libm::exp(ln_front);
    // The fraction converges fast below the mean of the distribution; above it the symmetry serves.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(x, a, b) / a
    } else {
        1.0 - front * fraction(1.0 - x, b, a) / b
    }
}

fn fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut c, mut d) = (1.0, 1.0 / away(1.0 - (a + b) * x / (a + 1.0)));
    let mut value = d;
    for step in 1..10_000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            change = c * d;
            value *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{a} {b}");
    }

    #[test]
    fn mean_deviation_and_interval_by_hand() {
        // 1, 2, 3: mean 2, deviation 1; t of two degrees at 95% is 4.302652729911275, over √3.
        let sample = Sample::of(&[1.0, 3.0, 2.0]).unwrap();
        assert_eq!((sample.n, sample.least, sample.greatest), (3, 1.0, 3.0));
        near(sample.mean, 2.0);
        near(sample.deviation.unwrap(), 1.0);
        near(sample.interval.unwrap()[0], 2.0 - 4.302_652_729_911_275 / 3f64.sqrt());
        near(sample.t().unwrap(), 2.0 * 3f64.sqrt());
        let one = Sample::of(&[5.0]).unwrap();
        assert_eq!((one.deviation, one.interval, one.t()), (None, None, None));
        assert_eq!(Sample::of(&[]), None);
        assert_eq!(Sample::of(&[5.0; 3]).unwrap().t(), None);
    }

    #[test]
    fn student_s_t_has_its_closed_forms_and_tabled_values() {
        // One degree: 1 − (2/π) atan t. Two: 1 − t / √(2 + t²).
        for t in [0.0, 0.3, 1.0, 4.0, 60.0] {
            near(student_two_sided(t, 1.0), 1.0 - 2.0 / std::f64::consts::PI * f64::atan(t));
            near(student_two_sided(t, 2.0), 1.0 - t / (2.0 + t * t).sqrt());
        }
        for (freedom, t) in
            [(1.0, 12.706_204_736_432_1), (4.0, 2.776_445_105_197_79), (30.0, 2.042_272_456_301_24)]
        {
            near(student_quantile(freedom, 0.05), t);
        }
        // Cornish and Fisher's first term beyond the normal distribution's z: (z³ + z) / 4ν.
        let z = 1.959_963_984_540_054_f64;
        near(student_quantile(1e6, 0.05), z + (z * z * z + z) / 4e6);
    }

    #[test]
    fn the_sign_test_is_exact() {
        // 5 of 5: 2 / 32. 4 of 5: 2 · 6 / 32. 1 of 2: certain.
        near(sign_test(5, 0), 0.0625);
        near(sign_test(1, 4), 0.375);
        near(sign_test(1, 1), 1.0);
        near(sign_test(0, 0), 1.0);
        near(sign_test(0, 10), 2.0 / 1024.0);
    }
}
