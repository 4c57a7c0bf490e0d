//! Thick-restart Lanczos for the greatest eigenvalues of a symmetric operator.
//!
//! The projected matrix is kept in full: its columns fall out of the reorthogonalisation, which makes the
//! Rayleigh quotients exact to rounding and a restart no special case.

use std::ops::ControlFlow;

use faer::Mat;

use super::basis::{Basis, norm};
use super::random_vector;
use crate::error::MetricError;
use crate::linalg::{check_room, eigen};

/// Told the number of products after each of them, may ask to stop.
pub(crate) type Watch<'a> = &'a mut dyn FnMut(usize) -> ControlFlow<()>;

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) count: usize,
    pub(crate) basis: usize,
    /// Residual relative to the eigenvalue.
    pub(crate) tolerance: f64,
    pub(crate) max_products: usize,
    /// Eigenvalues below this need not be found.
    pub(crate) floor: f64,
}

/// What was found: values greatest first, each with its residual.
#[derive(Clone, Debug)]
pub(crate) struct Converged {
    pub(crate) values: Vec<f64>,
    pub(crate) bounds: Vec<f64>,
    pub(crate) converged: bool,
    pub(crate) products: usize,
}

/// A residual below this, relative to the operator, is rounding: the vectors span an invariant subspace.
const BREAKDOWN: f64 = 1e-14;

/// The greatest eigenvalues of a symmetric operator with no negative eigenvalue; entries that are 0 in `start`
/// must stay 0 under it.
pub(crate) fn greatest(
    apply: impl Fn(&[f64], &mut [f64]),
    start: Vec<f64>,
    target: &Target,
    watch: Watch<'_>,
) -> Result<Converged, MetricError> {
    let nonzero = start.iter().filter(|&&v| v != 0.0).count();
    let capacity = target.basis.min(nonzero);
    let count = target.count.min(nonzero);
    check_room("the Krylov vectors", start.len(), capacity)?;
    check_room("the projected matrix", capacity, capacity)?;
    let mut basis = Basis::new(start.len(), capacity);
    let mut h: Mat<f64> = Mat::zeros(capacity, capacity);
    let keep = |i: usize| start[i] != 0.0;
    basis.set(0, &start, norm(&start));
    let (mut v, mut w) = (vec![0.0; basis.len()], vec![0.0; basis.len()]);
    let (mut at, mut products) = (0, 0);
    let mut settled: Vec<f64> = Vec::new();
    loop {
        basis.get(at, &mut v);
        apply(&v, &mut w);
        products += 1;
        if watch(products).is_break() {
            return Err(MetricError::Stopped { products });
        }
        let scale = norm(&w).max(h[(0, 0)].abs());
        let (column, mut left) = basis.orthogonalise(at + 1, &mut w);
        for (i, &c) in column.iter().enumerate() {
            h[(i, at)] = c;
            h[(at, i)] = c;
        }
        at += 1;
        let full = at == capacity;
        let invariant = left <= BREAKDOWN * scale;
        // Looking is cheap beside a product over millions of weights, but not beside one over hundreds.
        if full || invariant || at % 4 == 0 || products >= target.max_products {
            let (values, vectors) = eigen(h.submatrix(0, 0, at, at))?;
            let bounds: Vec<f64> = (0..at).map(|j| left * vectors[(at - 1, j)].abs()).collect();
            let limit = target.tolerance * values[0];
            let settled_or_low =
                |j: usize| bounds[j] <= limit || values[j] + bounds[j] < target.floor;
            let good = at >= count && (0..count).all(settled_or_low);
            let whole = at == nonzero;
            // An invariant subspace may hide further copies of an eigenvalue: go on from a new vector, until
            // one brings nothing new.
            let settles = invariant && good && same(&settled, &values[..count]);
            if (good && !invariant) || settles || whole || products >= target.max_products {
                let count = count.min(at);
                return Ok(Converged {
                    values: values[..count].to_vec(),
                    bounds: bounds[..count].to_vec(),
                    converged: (good || whole) && count == target.count.min(nonzero),
                    products,
                });
            }
            if invariant {
                settled = values[..count.min(at)].to_vec();
            }
            if full {
                // Some vectors beyond those asked for speed up what has not converged yet.
                let kept = (count + (capacity - count) / 2).min(capacity - 1);
                basis.combine(vectors.submatrix(0, 0, at, kept));
                for i in 0..kept {
                    for j in 0..kept {
                        h[(i, j)] = if i == j { values[i] } else { 0.0 };
                    }
                }
                at = kept;
            }
        }
        if invariant {
            w = random_vector(basis.len(), products as u64, keep);
            (_, left) = basis.orthogonalise(at, &mut w);
        }
        basis.set(at, &w, left);
    }
}

/// Whether two lists of values agree to rounding.
fn same(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| (x - y).abs() <= 1e-12 * a[0].abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagonal(values: &[f64], count: usize, basis: usize) -> Converged {
        let apply = |v: &[f64], w: &mut [f64]| {
            w.iter_mut().zip(v).zip(values).for_each(|((w, v), d)| *w = d * v);
        };
        let start = random_vector(values.len(), 1, |_| true);
        let target = Target { count, basis, tolerance: 1e-9, max_products: 5_000, floor: 0.0 };
        greatest(apply, start, &target, &mut |_| ControlFlow::Continue(())).unwrap()
    }

    #[test]
    fn restarts_find_the_greatest_eigenvalues_of_a_diagonal() {
        let values: Vec<f64> =
            (0..3_000).map(|i| f64::from(i) / 3_000.0 + f64::from(i / 2_990)).collect();
        let found = diagonal(&values, 8, 20);
        assert!(found.converged && found.products > 20);
        for (i, value) in found.values.iter().enumerate() {
            let expected = values[values.len() - 1 - i];
            assert!((value - expected).abs() < 1e-12, "{value} {expected}");
        }
    }

    #[test]
    fn an_invariant_subspace_is_left_behind() {
        // Three distinct eigenvalues among 40: one Krylov space has three dimensions.
        let values: Vec<f64> = (0..40).map(|i| f64::from(i % 3)).collect();
        let found = diagonal(&values, 5, 40);
        assert!(found.converged);
        for value in found.values {
            assert!((value - 2.0).abs() < 1e-12, "{value}");
        }
    }
}
