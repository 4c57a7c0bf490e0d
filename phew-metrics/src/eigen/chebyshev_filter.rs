//! A Chebyshev filter: a polynomial of the operator that lifts the greatest eigenvalues far above all others.
//!
//! Keeping vectors orthogonal costs many times what a product costs, so it pays to make several products for each
//! vector. `T_d(2λ/b − 1)` lies between −1 and 1 for λ in [0, b] and grows beyond it, monotonically: eigenvalues
//! above b are found from those of the polynomial by its inverse, and so are the bounds of their errors.

/// Products in a polynomial.
const DEGREE: usize = 8;

/// `T_d(2G/b − I)`.
pub(crate) struct ChebyshevFilter {
    cut: f64,
}

impl ChebyshevFilter {
    /// Lifts the eigenvalues above `cut`, which is positive.
    pub(crate) fn new(cut: f64) -> Self {
        Self { cut }
    }

    /// Products that an application takes.
    pub(crate) fn products(&self) -> usize {
        DEGREE
    }

    /// Applies the polynomial by its recurrence.
    pub(crate) fn apply(&self, operator: impl Fn(&[f64], &mut [f64]), v: &[f64], out: &mut [f64]) {
        let mut before = v.to_vec();
        operator(v, out);
        out.iter_mut().zip(v).for_each(|(o, v)| *o = 2.0 / self.cut * *o - v);
        let mut next = vec![0.0; v.len()];
        for _ in 1..DEGREE {
            operator(out, &mut next);
            for ((n, o), b) in next.iter_mut().zip(out.iter_mut()).zip(&mut before) {
                let value = 2.0 * (2.0 / self.cut * *n - *o) - *b;
                *b = *o;
                *o = value;
            }
        }
    }

    /// The value of the polynomial at an eigenvalue above the cut.
    pub(crate) fn value(&self, eigenvalue: f64) -> f64 {
        (DEGREE as f64 * (2.0 * eigenvalue / self.cut - 1.0).max(1.0).acosh()).cosh()
    }

    /// The eigenvalue above the cut at which the polynomial has a value.
    pub(crate) fn inverse(&self, value: f64) -> f64 {
        self.cut / 2.0 * (1.0 + (value.max(1.0).acosh() / DEGREE as f64).cosh())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_polynomial_lifts_what_is_above_the_cut_and_can_be_undone() {
        let values = [0.0, 0.3, 0.999, 1.1, 2.0];
        let diagonal = |v: &[f64], out: &mut [f64]| {
            out.iter_mut().zip(v).zip(values).for_each(|((o, v), d)| *o = d * v);
        };
        let filter = ChebyshevFilter::new(1.0);
        let mut out = [0.0; 5];
        filter.apply(diagonal, &[1.0; 5], &mut out);
        assert!(out[..3].iter().all(|o| o.abs() <= 1.0 + 1e-12), "{out:?}");
        for (value, out) in values.into_iter().zip(out).skip(3) {
            assert!((filter.value(value) / out - 1.0).abs() < 1e-12);
            assert!((filter.inverse(out) - value).abs() < 1e-12 && out > 10.0);
        }
    }
}
