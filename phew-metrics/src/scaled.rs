//! Numbers and vectors with a binary exponent of their own, so that depth neither over- nor underflows.

/// `v · 2^exponent`; 0 or infinite only where the result is beyond f64.
pub(crate) fn times_power(v: f64, exponent: i64) -> f64 {
    let (mut v, mut left) = (v, exponent.clamp(-2300, 2300));
    while left != 0 {
        let step = left.clamp(-1000, 1000);
        v *= 2f64.powi(step as i32);
        left -= step;
    }
    v
}

/// `mantissa · 2^exponent`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scaled {
    pub(crate) mantissa: f64,
    pub(crate) exponent: i64,
}

impl Scaled {
    pub(crate) fn new(mantissa: f64, exponent: i64) -> Self {
        Self { mantissa, exponent }
    }

    /// The sum, on the greater scale of the terms that are not 0.
    pub(crate) fn sum(terms: impl IntoIterator<Item = Self>) -> Self {
        let zero = Self::new(0.0, 0);
        terms.into_iter().filter(|t| t.mantissa != 0.0).fold(zero, |total, term| {
            if total.mantissa == 0.0 {
                return term;
            }
            let exponent = total.exponent.max(term.exponent);
            let on_scale = |s: Self| times_power(s.mantissa, s.exponent - exponent);
            Self::new(on_scale(total) + on_scale(term), exponent)
        })
    }

    pub(crate) fn ln(self) -> f64 {
        self.mantissa.ln() + self.exponent as f64 * std::f64::consts::LN_2
    }

    pub(crate) fn value(self) -> f64 {
        times_power(self.mantissa, self.exponent)
    }

    /// `self / other`; 0 where `other` is 0.
    pub(crate) fn over(self, other: Self) -> f64 {
        if other.mantissa == 0.0 {
            return 0.0;
        }
        times_power(self.mantissa / other.mantissa, self.exponent - other.exponent)
    }
}

/// A vector on one scale; the greatest entry lies near 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ScaledVec {
    pub(crate) values: Vec<f64>,
    pub(crate) exponent: i64,
}

impl ScaledVec {
    pub(crate) fn zeros(len: usize) -> Self {
        Self { values: vec![0.0; len], exponent: 0 }
    }

    /// Sum of vectors of one length, with the greatest entry brought near 1.
    pub(crate) fn sum(len: usize, parts: &[Self]) -> Self {
        let present = |p: &&Self| p.values.iter().any(|&v| v != 0.0);
        let exponent = parts.iter().filter(present).map(|p| p.exponent).max().unwrap_or(0);
        let mut total = Self { values: vec![0.0; len], exponent };
        for part in parts.iter().filter(present) {
            let factor = times_power(1.0, part.exponent - exponent);
            total.values.iter_mut().zip(&part.values).for_each(|(t, v)| *t += v * factor);
        }
        let greatest = total.values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        if greatest > 0.0 && greatest.is_finite() {
            let shift = greatest.log2().floor() as i64;
            total.values.iter_mut().for_each(|v| *v = times_power(*v, -shift));
            total.exponent += shift;
        }
        total
    }

    pub(crate) fn total(&self) -> Scaled {
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
}
