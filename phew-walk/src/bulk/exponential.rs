//! e^−x in a few plain operations, the same on every machine.

use std::sync::OnceLock;

/// Table entries for each unit of x.
const FINE: f64 = 32.0;

/// From here on the result is below 2⁻⁶⁴ and taken as 0.
const GREATEST: f64 = 45.0;

/// e^−j/32 for every j below the greatest.
pub(crate) struct Exponential(Vec<f64>);

impl Exponential {
    /// The table: 12 KB, the same for all.
    pub(crate) fn table() -> &'static Self {
        static TABLE: OnceLock<Exponential> = OnceLock::new();
        TABLE.get_or_init(|| {
            let entry = |j: usize| libm::exp(-(j as f64) / FINE);
            Self((0..=(GREATEST * FINE) as usize).map(entry).collect())
        })
    }

    /// e^−x for x ≥ 0: an entry, times seven terms of the series for what is left, which is below 1/32. Relative
    /// error some 2⁻⁵².
    #[inline]
    pub(crate) fn of_minus(&self, x: f64) -> f64 {
        if x >= GREATEST {
            return 0.0;
        }
        let j = (x * FINE) as usize;
        let x = x - j as f64 * (1.0 / FINE);
        let low = 1.0 - x * (1.0 - x * (1.0 / 2.0) + x * x * (1.0 / 6.0));
        let high = 1.0 / 24.0 - x * (1.0 / 120.0) + x * x * (1.0 / 720.0 - x * (1.0 / 5040.0));
        self.0[j] * (low + x * x * x * x * high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_agrees_with_exp() {
        let table = Exponential::table();
        for i in 0..45_000 {
            let x = f64::from(i) / 1000.0;
            let (a, b) = (table.of_minus(x), libm::exp(-x));
            assert!((a - b).abs() <= 4.0 * f64::EPSILON * b, "{x}: {a} {b}");
        }
        assert_eq!((table.of_minus(0.0), table.of_minus(1e300)), (1.0, 0.0));
        assert!(table.of_minus(f64::INFINITY) == 0.0);
    }
}
