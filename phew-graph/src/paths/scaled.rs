//! Numbers and vectors with a binary exponent of their own, so that neither depth nor width over- or underflows.

/// `v · 2^exponent`; 0 or infinite only where the result is beyond f64.
#[must_use]
pub fn times_power_of_two(v: f64, exponent: i64) -> f64 {
    let (mut v, mut left) = (v, exponent.clamp(-2300, 2300));
    while left != 0 {
        let step = left.clamp(-1000, 1000);
        v *= 2f64.powi(step as i32);
        left -= step;
    }
    v
}

/// `⌊log₂ v⌋` of a positive number.
fn exponent_of(v: f64) -> i64 {
    match (v.to_bits() >> 52) as i64 {
        0 => exponent_of(v * 2f64.powi(64)) - 64,
        biased => biased - 1023,
    }
}

/// `mantissa · 2^exponent`, for numbers beyond the range of f64.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaled {
    /// Any number.
    pub mantissa: f64,
    /// Binary exponent.
    pub exponent: i64,
}

impl Scaled {
    /// `mantissa · 2^exponent`.
    #[must_use]
    pub fn new(mantissa: f64, exponent: i64) -> Self {
        Self { mantissa, exponent }
    }

    /// The sum of numbers, on the greatest scale of those that are not 0.
    #[must_use]
    pub fn sum(terms: impl IntoIterator<Item = Self>) -> Self {
        let zero = Self::new(0.0, 0);
        terms.into_iter().filter(|t| t.mantissa != 0.0).fold(zero, |total, term| {
            if total.mantissa == 0.0 {
                return term;
            }
            let exponent = total.exponent.max(term.exponent);
            let on_scale = |s: Self| times_power_of_two(s.mantissa, s.exponent - exponent);
            Self::new(on_scale(total) + on_scale(term), exponent)
        })
    }

    /// Natural logarithm; `-inf` for 0.
    #[must_use]
    pub fn ln(self) -> f64 {
        self.mantissa.ln() + self.exponent as f64 * std::f64::consts::LN_2
    }

    /// The number in f64, where it may over- or underflow.
    #[must_use]
    pub fn value(self) -> f64 {
        times_power_of_two(self.mantissa, self.exponent)
    }

    /// `self / other` in f64; 0 where `other` is 0.
    #[must_use]
    pub fn over(self, other: Self) -> f64 {
        if other.mantissa == 0.0 {
            return 0.0;
        }
        times_power_of_two(self.mantissa / other.mantissa, self.exponent - other.exponent)
    }
}

/// A vector `values · 2^exponent`: the units of a layer on one scale.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaledVec {
    /// Scaled values.
    pub values: Vec<f64>,
    /// Binary exponent of all of them.
    pub exponent: i64,
}

impl From<Vec<f64>> for ScaledVec {
    /// Values on the scale 1.
    fn from(values: Vec<f64>) -> Self {
        Self { values, exponent: 0 }
    }
}

impl ScaledVec {
    /// A vector of zeros.
    #[must_use]
    pub fn zeros(len: usize) -> Self {
        vec![0.0; len].into()
    }

    /// The sum of vectors of one length, its greatest entry (in magnitude) brought into [1, 2): exact, but for what
    /// falls out of f64 beside it.
    #[must_use]
    pub fn sum(len: usize, parts: &[Self]) -> Self {
        // A part of zeros has no scale of its own and must not set the sum's.
        let present = |part: &&Self| part.values.iter().any(|&v| v != 0.0);
        let exponent = parts.iter().filter(present).map(|p| p.exponent).max().unwrap_or(0);
        let mut total = Self { values: vec![0.0; len], exponent };
        for part in parts.iter().filter(present) {
            let factor = times_power_of_two(1.0, part.exponent - exponent);
            total.values.iter_mut().zip(&part.values).for_each(|(t, v)| *t += v * factor);
        }
        let greatest = total.values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        if greatest > 0.0 && greatest.is_finite() {
            let shift = exponent_of(greatest);
            total.values.iter_mut().for_each(|v| *v = times_power_of_two(*v, -shift));
            total.exponent += shift;
        }
        total
    }

    /// Natural logarithm of a unit's value; `-inf` for 0.
    ///
    /// # Panics
    /// If there is no such unit.
    #[must_use]
    pub fn ln(&self, unit: usize) -> f64 {
        Scaled::new(self.values[unit], self.exponent).ln()
    }

    /// A unit's value, which may over- or underflow.
    ///
    /// # Panics
    /// If there is no such unit.
    #[must_use]
    pub fn value(&self, unit: usize) -> f64 {
        Scaled::new(self.values[unit], self.exponent).value()
    }

    /// The sum of the entries.
    #[must_use]
    pub fn total(&self) -> Scaled {
        Scaled::new(self.values.iter().sum(), self.exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_keep_their_scale_far_beyond_f64() {
        let huge = Scaled::new(1.0, 5_000);
        let sum = Scaled::sum([huge, Scaled::new(0.0, 9_999), Scaled::new(1.0, 4_999)]);
        assert_eq!(sum, Scaled::new(1.5, 5_000));
        assert!((sum.ln() - (1.5f64.ln() + 5_000.0 * 2f64.ln())).abs() < 1e-9);
        assert!((huge.over(Scaled::new(1.0, 4_990)) - 1024.0).abs() < f64::EPSILON);
        assert!(huge.value().is_infinite());
    }

    #[test]
    fn a_vector_of_zeros_has_no_say_in_the_scale_of_a_sum() {
        let tiny = ScaledVec { values: vec![1.0, 3.0], exponent: -4_000 };
        let sum = ScaledVec::sum(2, &[ScaledVec::zeros(2), tiny]);
        assert_eq!(sum, ScaledVec { values: vec![0.5, 1.5], exponent: -3_999 });
    }

    #[test]
    fn the_greatest_entry_of_a_sum_lies_from_1_to_2() {
        for v in [5e-324, 1e-310, 0.3, 1.0, f64::from_bits(2f64.to_bits() - 1), 2.0, 1e300] {
            let sum = ScaledVec::sum(2, &[vec![v, -v].into()]);
            assert!((1.0..2.0).contains(&sum.values[0]), "{v}: {sum:?}");
            assert_eq!(times_power_of_two(sum.values[0], sum.exponent).to_bits(), v.to_bits());
        }
    }
}
