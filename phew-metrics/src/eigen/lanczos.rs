//! Thick-restart Lanczos for the greatest and least eigenvalues of a symmetric operator.
//!
//! The projected matrix is kept in full: its columns fall out of the reorthogonalisation, which makes the
//! Rayleigh quotients exact to rounding and a restart no special case.

use faer::Mat;

use super::dense::{check_room, eigen};
use super::krylov_basis::{KrylovBasis, norm};
use super::random_vector::random_vector;
use crate::error::MetricError;

/// A residual below this, relative to the operator, is rounding: the vectors span an invariant subspace.
const BREAKDOWN: f64 = 1e-14;

/// Products between two looks at the eigenvalues. Looking is cheap beside a product over millions of weights, but not
/// beside one over hundreds, and the more vectors there are, the more it costs.
fn between_looks(vectors: usize) -> usize {
    4 * (vectors / 128).max(1)
}

/// The greatest, and perhaps the least, eigenvalues of a symmetric operator, known only by its products with vectors.
///
/// For operators of a few dozen rows, form the matrix instead: all eigenvalues of it take less than an iteration.
///
/// ```
/// use phew_metrics::{Lanczos, MetricError};
/// // A path of 200 units: the second difference has the eigenvalues 2 − 2 cos(kπ / 201).
/// let second_difference = |v: &[f64], out: &mut [f64]| {
///     for i in 0..v.len() {
///         let (left, right) = (if i > 0 { v[i - 1] } else { 0.0 }, v.get(i + 1).unwrap_or(&0.0));
///         out[i] = 2.0 * v[i] - left - right;
///     }
///     Ok::<(), MetricError>(())
/// };
/// let found = Lanczos::greatest(2)?.least(1).basis(60)?.eigenvalues(200, second_difference)?;
/// let exact = |k: f64| 2.0 - 2.0 * (k * std::f64::consts::PI / 201.0).cos();
/// assert!(found.converged);
/// assert!((found.greatest[1].value - exact(199.0)).abs() <= found.greatest[1].bound);
/// assert!((found.least[0].value - exact(1.0)).abs() <= found.least[0].bound);
/// # Ok::<(), MetricError>(())
/// ```
///
/// # References
/// Wu & Simon 2000 (thick-restart Lanczos).
#[derive(Clone, Debug, PartialEq)]
pub struct Lanczos {
    pub(crate) greatest: usize,
    least: usize,
    tolerance: f64,
    pub(crate) basis: usize,
    pub(crate) max_products: usize,
    pub(crate) seed: u64,
    /// Of the greatest, eigenvalues below this need not be found.
    floor: f64,
}

/// An eigenvalue as it was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Eigenvalue {
    /// The Rayleigh quotient.
    pub value: f64,
    /// Length of the residual: the operator has an eigenvalue at most this far from `value`.
    pub bound: f64,
}

/// What [`Lanczos::eigenvalues`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct Eigenvalues {
    /// The greatest eigenvalues, greatest first; no more than the operator has rows.
    pub greatest: Vec<Eigenvalue>,
    /// The least eigenvalues, least first; no more than the operator has rows.
    pub least: Vec<Eigenvalue>,
    /// Whether all were found to the tolerance.
    pub converged: bool,
    /// Products with vectors.
    pub products: usize,
}

impl Lanczos {
    /// The `count` greatest eigenvalues; tolerance 10⁻⁶, seed 0, a basis of `2 · count + 20` vectors, at most 2,000
    /// products.
    ///
    /// # Errors
    /// [`MetricError::Parameter`] if `count` is 0.
    pub fn greatest(count: usize) -> Result<Self, MetricError> {
        if count == 0 {
            let (name, expected) = ("number of eigenvalues", "at least 1");
            return Err(MetricError::Parameter { name, found: "0".into(), expected });
        }
        let (basis, max_products) = (default_basis(count), 2_000);
        Ok(Self {
            greatest: count,
            least: 0,
            tolerance: 1e-6,
            basis,
            max_products,
            seed: 0,
            floor: f64::NEG_INFINITY,
        })
    }

    /// Finds the `count` least eigenvalues as well; the basis becomes two vectors for each eigenvalue and 20 more.
    ///
    /// Where small eigenvalues lie close together, as in most Gram matrices, a basis of some hundred vectors takes
    /// fewer products.
    #[must_use]
    pub fn least(self, count: usize) -> Self {
        Self { least: count, basis: default_basis(self.greatest.saturating_add(count)), ..self }
    }

    /// Sets the greatest residual, relative to the greatest eigenvalue in magnitude, at which an eigenvalue counts as
    /// found. An eigenvalue's own error is at most the residual, and of the order of its square over the distance to
    /// the next eigenvalue.
    ///
    /// # Errors
    /// [`MetricError::Parameter`] unless the tolerance is at least 10⁻¹² and below 1.
    pub fn tolerance(self, tolerance: f64) -> Result<Self, MetricError> {
        if !(1e-12..1.0).contains(&tolerance) {
            let (name, expected) = ("tolerance", "a number from 1e-12 to 1, 1 excluded");
            return Err(MetricError::Parameter { name, found: tolerance.to_string(), expected });
        }
        Ok(Self { tolerance, ..self })
    }

    /// Sets the seed of the first vector.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Sets how many vectors are kept before a restart. Each takes 8 bytes for each row.
    ///
    /// # Errors
    /// [`MetricError::Parameter`] unless there are at least two more than eigenvalues.
    pub fn basis(self, vectors: usize) -> Result<Self, MetricError> {
        if vectors < self.greatest.saturating_add(self.least).saturating_add(2) {
            let (name, expected) = ("basis", "at least two vectors more than eigenvalues");
            return Err(MetricError::Parameter { name, found: vectors.to_string(), expected });
        }
        Ok(Self { basis: vectors, ..self })
    }

    /// Sets the greatest number of products.
    #[must_use]
    pub fn max_products(self, products: usize) -> Self {
        Self { max_products: products, ..self }
    }

    /// Of the greatest, eigenvalues below `floor` need not be found.
    #[must_use]
    pub(crate) fn floor(self, floor: f64) -> Self {
        Self { floor, ..self }
    }

    /// The eigenvalues of a symmetric operator with so many rows. `apply(v, out)` writes its product with v to `out`;
    /// the first error ends the iteration.
    ///
    /// The same parameters and products give the same eigenvalues on any number of threads.
    ///
    /// # Errors
    /// What `apply` returns; [`MetricError::Memory`] if the vectors are too many; [`MetricError::Decomposition`] if a
    /// small dense eigenproblem fails.
    ///
    /// # Complexity
    /// For each product `O(rows · basis)` to keep the vectors orthogonal; memory of `8 · rows · basis` bytes.
    pub fn eigenvalues<E: From<MetricError>>(
        &self,
        rows: usize,
        apply: impl FnMut(&[f64], &mut [f64]) -> Result<(), E>,
    ) -> Result<Eigenvalues, E> {
        self.eigenvalues_from(random_vector(rows, self.seed, |_| true), apply)
    }

    /// As [`Lanczos::eigenvalues`], from a vector whose entries of 0 must stay 0 under the operator: those rows are
    /// left out.
    pub(crate) fn eigenvalues_from<E: From<MetricError>>(
        &self,
        start: Vec<f64>,
        mut apply: impl FnMut(&[f64], &mut [f64]) -> Result<(), E>,
    ) -> Result<Eigenvalues, E> {
        let rows = start.iter().filter(|&&v| v != 0.0).count();
        let wanted = Wanted { greatest: self.greatest.min(rows), least: self.least.min(rows) };
        if rows == 0 {
            let (greatest, least) = (Vec::new(), Vec::new());
            return Ok(Eigenvalues { greatest, least, converged: true, products: 0 });
        }
        let capacity = self.basis.min(rows);
        check_room("the Krylov vectors", start.len(), capacity)?;
        check_room("the projected matrix", capacity, capacity)?;
        let mut basis = KrylovBasis::new(start.len(), capacity);
        let mut h: Mat<f64> = Mat::zeros(capacity, capacity);
        let keep = |i: usize| start[i] != 0.0;
        basis.set(0, &start, norm(&start));
        let (mut v, mut w) = (vec![0.0; basis.len()], vec![0.0; basis.len()]);
        let (mut at, mut products) = (0, 0);
        let mut settled: Vec<Eigenvalue> = Vec::new();
        loop {
            basis.get(at, &mut v);
            apply(&v, &mut w)?;
            products += 1;
            let scale = norm(&w).max(h[(0, 0)].abs());
            let (column, mut left) = basis.orthogonalise(at + 1, &mut w);
            for (i, &c) in column.iter().enumerate() {
                h[(i, at)] = c;
                h[(at, i)] = c;
            }
            at += 1;
            let full = at == capacity;
            let invariant = left <= BREAKDOWN * scale;
            if full
                || invariant
                || at.is_multiple_of(between_looks(at))
                || products >= self.max_products
            {
                let (values, vectors) = eigen(h.submatrix(0, 0, at, at))?;
                let residual = |j: usize| left * vectors[(at - 1, j)].abs();
                let found = |(j, &value)| Eigenvalue { value, bound: residual(j) };
                let ritz: Vec<Eigenvalue> = values.iter().enumerate().map(found).collect();
                let chosen = wanted.of(&ritz);
                let good = self.settled(&ritz, wanted);
                let whole = at == rows;
                // An invariant subspace may hide further copies of an eigenvalue: go on from a new vector, until
                // one brings nothing new.
                let settles = invariant && good && same(&settled, &chosen);
                if (good && !invariant) || settles || whole || products >= self.max_products {
                    let (greatest, least) = chosen.split_at(wanted.greatest.min(at));
                    return Ok(Eigenvalues {
                        greatest: greatest.to_vec(),
                        least: least.to_vec(),
                        converged: good || whole,
                        products,
                    });
                }
                if invariant {
                    settled = chosen;
                }
                if full {
                    let kept = wanted.kept(capacity);
                    let mix = Mat::from_fn(at, kept.len(), |i, j| vectors[(i, kept[j])]);
                    basis.combine(mix.as_ref());
                    for i in 0..kept.len() {
                        for j in 0..kept.len() {
                            h[(i, j)] = if i == j { values[kept[i]] } else { 0.0 };
                        }
                    }
                    at = kept.len();
                }
            }
            if invariant {
                w = random_vector(basis.len(), products as u64, keep);
                (_, left) = basis.orthogonalise(at, &mut w);
            }
            basis.set(at, &w, left);
        }
    }

    /// Whether all that are wanted are found, or too low to matter.
    fn settled(&self, ritz: &[Eigenvalue], wanted: Wanted) -> bool {
        let ends = [ritz.first(), ritz.last()];
        let scale = ends.into_iter().flatten().fold(0.0f64, |m, e| m.max(e.value.abs()));
        let found = |e: &Eigenvalue| e.bound <= self.tolerance * scale;
        let low = |e: &Eigenvalue| e.value + e.bound < self.floor;
        ritz.len() >= wanted.total()
            && ritz[..wanted.greatest].iter().all(|e| found(e) || low(e))
            && ritz[ritz.len() - wanted.least..].iter().all(found)
    }
}

/// How many eigenvalues of each end are wanted.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    greatest: usize,
    least: usize,
}

impl Wanted {
    fn total(self) -> usize {
        self.greatest + self.least
    }

    /// The wanted ones of all, which are sorted from the greatest: the greatest first, then the least, least first.
    fn of(self, ritz: &[Eigenvalue]) -> Vec<Eigenvalue> {
        ritz.iter().take(self.greatest).chain(ritz.iter().rev().take(self.least)).copied().collect()
    }

    /// Places of the vectors to keep in a restart: those of the wanted eigenvalues, and others beside them, which speed
    /// up what has not converged yet.
    fn kept(self, capacity: usize) -> Vec<usize> {
        let kept = (self.total() + (capacity - self.total()) / 2).min(capacity - 1);
        let low = self.least + (kept - self.total()) * self.least / self.total();
        (0..kept - low).chain(capacity - low..capacity).collect()
    }
}

fn default_basis(eigenvalues: usize) -> usize {
    eigenvalues.saturating_mul(2).saturating_add(20)
}

/// Whether two lists of eigenvalues agree to rounding.
fn same(a: &[Eigenvalue], b: &[Eigenvalue]) -> bool {
    let near =
        |(x, y): (&Eigenvalue, &Eigenvalue)| (x.value - y.value).abs() <= 1e-12 * a[0].value.abs();
    a.len() == b.len() && a.iter().zip(b).all(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagonal(values: &[f64], greatest: usize, least: usize, basis: usize) -> Eigenvalues {
        let apply = |v: &[f64], w: &mut [f64]| {
            w.iter_mut().zip(v).zip(values).for_each(|((w, v), d)| *w = d * v);
            Ok::<(), MetricError>(())
        };
        let lanczos = Lanczos::greatest(greatest).unwrap().least(least).seed(1).basis(basis);
        let lanczos = lanczos.unwrap().tolerance(1e-9).unwrap().max_products(5_000);
        lanczos.eigenvalues(values.len(), apply).unwrap()
    }

    #[test]
    fn restarts_find_the_greatest_eigenvalues_of_a_diagonal() {
        let values: Vec<f64> =
            (0..3_000).map(|i| f64::from(i) / 3_000.0 + f64::from(i / 2_990)).collect();
        let found = diagonal(&values, 8, 0, 20);
        assert!(found.converged && found.products > 20);
        for (found, expected) in found.greatest.iter().zip(values.iter().rev()) {
            assert!((found.value - expected).abs() < 1e-12, "{found:?} {expected}");
        }
    }

    #[test]
    fn an_invariant_subspace_is_left_behind() {
        // Three distinct eigenvalues among 40: one Krylov space has three dimensions.
        let values: Vec<f64> = (0..40).map(|i| f64::from(i % 3)).collect();
        let found = diagonal(&values, 5, 0, 40);
        assert!(found.converged);
        for found in found.greatest {
            assert!((found.value - 2.0).abs() < 1e-12, "{found:?}");
        }
    }

    #[test]
    fn restarts_find_both_ends_of_a_spectrum_with_negative_eigenvalues() {
        // Equal steps but for three eigenvalues apart at each end.
        let value = |i: u32| {
            f64::from(i) - 500.0 + 40.0 * (f64::from(i / 998) - f64::from((1_000 - i) / 998))
        };
        let values: Vec<f64> = (0..=1_000).map(value).collect();
        let found = diagonal(&values, 3, 2, 30);
        assert!(found.converged && found.products > 30);
        assert_eq!((found.greatest.len(), found.least.len()), (3, 2));
        let expected = values.iter().rev().take(3).chain(values.iter().take(2));
        for (found, expected) in found.greatest.iter().chain(&found.least).zip(expected) {
            assert!((found.value - expected).abs() <= found.bound, "{found:?} {expected}");
        }
    }

    #[test]
    fn more_eigenvalues_than_rows_are_all_of_them() {
        let found = diagonal(&[3.0, -1.0, 2.0], 5, 4, 30);
        let rounded =
            |list: &[Eigenvalue]| list.iter().map(|e| e.value.round() as i32).collect::<Vec<_>>();
        assert!(found.converged);
        assert_eq!(
            (rounded(&found.greatest), rounded(&found.least)),
            (vec![3, 2, -1], vec![-1, 2, 3])
        );
        assert!(diagonal(&[], 1, 1, 30).greatest.is_empty());
    }

    #[test]
    fn the_operators_own_error_ends_the_iteration() {
        let mut products = 0;
        let stop = |_: &[f64], _: &mut [f64]| {
            products += 1;
            Err(MetricError::Stopped { products })
        };
        let found = Lanczos::greatest(1).unwrap().eigenvalues(100, stop);
        assert!(matches!(found, Err(MetricError::Stopped { products: 1 })));
    }
}
