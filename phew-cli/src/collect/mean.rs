//! Mean and standard deviation of repeated measurements.

/// What is drawn of several measurements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, with n − 1 in the denominator; NaN of a single one.
    pub deviation: f64,
    /// How many.
    pub n: usize,
}

impl Statistics {
    /// Of at least one number; in two passes.
    pub(crate) fn of(values: &[f64]) -> Self {
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = if n > 1 { (squares / (n - 1) as f64).sqrt() } else { f64::NAN };
        Self { mean, deviation, n }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deviation_is_that_of_a_sample() {
        let found = Statistics::of(&[2.0, 4.0, 6.0]);
        assert_eq!(found, Statistics { mean: 4.0, deviation: 2.0, n: 3 });
        assert!(Statistics::of(&[1.0]).deviation.is_nan());
    }
}
