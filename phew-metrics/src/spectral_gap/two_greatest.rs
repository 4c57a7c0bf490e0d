//! The two greatest eigenvalues of an adjacency operator: their difference is the gap.

use crate::eigen::Lanczos;
use crate::error::MetricError;

/// Relative residual of an eigenvalue; its own error is of the order of the square.
const TOLERANCE: f64 = 1e-7;

/// The two greatest eigenvalues of a symmetric matrix, or one if that is all there is, given its products with vectors.
///
/// # Errors
/// [`MetricError::Decomposition`] if 3,000 products do not find them.
pub(super) fn two_greatest_eigenvalues(
    apply: impl Fn(&[f64], &mut [f64]),
    start: Vec<f64>,
    [rows, columns]: [usize; 2],
) -> Result<Vec<f64>, MetricError> {
    let lanczos = Lanczos::greatest(2)?.basis(60)?.tolerance(TOLERANCE)?.max_products(3_000);
    let found = lanczos.eigenvalues_from(start, |v, out| {
        apply(v, out);
        Ok::<(), MetricError>(())
    })?;
    match found.converged {
        true => Ok(found.greatest.iter().map(|e| e.value).collect()),
        false => Err(MetricError::Decomposition { what: "spectral gap", rows, columns }),
    }
}
