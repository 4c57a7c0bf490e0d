//! Gauss quadrature of an operator's spectrum by Lanczos.

use faer::Mat;

use super::dense::eigen;
use super::krylov_basis::{KrylovBasis, norm};
use crate::error::MetricError;

/// Nodes and weights of a Gauss quadrature for `zᵀ f(G) z`, with G a symmetric operator: `Σ_j weight_j · f(node_j)`.
///
/// Exact for polynomials of degree up to `2 · steps − 1`, and for all functions once the Krylov space of z is
/// exhausted.
///
/// # References
/// Golub & Welsch 1969.
pub(crate) fn gauss_quadrature<E: From<MetricError>>(
    basis: &mut KrylovBasis,
    z: Vec<f64>,
    steps: usize,
    mut apply: impl FnMut(&[f64], &mut [f64]) -> Result<(), E>,
) -> Result<Vec<(f64, f64)>, E> {
    let length = norm(&z);
    basis.set(0, &z, length);
    let (mut v, mut w) = (z, vec![0.0; basis.len()]);
    let mut h: Mat<f64> = Mat::zeros(steps, steps);
    let mut made = 0;
    while made < steps {
        basis.get(made, &mut v);
        apply(&v, &mut w)?;
        let before = norm(&w);
        let (column, left) = basis.orthogonalise(made + 1, &mut w);
        for (i, &c) in column.iter().enumerate() {
            h[(i, made)] = c;
            h[(made, i)] = c;
        }
        made += 1;
        // The Krylov space is exhausted: the quadrature is exact.
        if left <= 1e-14 * before {
            break;
        }
        if made < steps {
            basis.set(made, &w, left);
        }
    }
    let (values, vectors) = eigen(h.submatrix(0, 0, made, made))?;
    let weight = |j: usize| (vectors[(0, j)] * length).powi(2);
    Ok(values.into_iter().enumerate().map(|(j, x)| (x, weight(j))).collect())
}
