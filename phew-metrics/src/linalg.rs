//! Dense decompositions, with faer underneath.

use faer::MatRef;

use crate::error::MetricError;

/// Singular values, greatest first.
pub(crate) fn singular_values(matrix: MatRef<'_, f64>) -> Result<Vec<f64>, MetricError> {
    let failed = |_| failed("singular value decomposition", matrix);
    // Tall matrices are faster than wide ones.
    match matrix.nrows() < matrix.ncols() {
        true => matrix.transpose().singular_values().map_err(failed),
        false => matrix.singular_values().map_err(failed),
    }
}

fn failed(what: &'static str, matrix: MatRef<'_, f64>) -> MetricError {
    MetricError::Decomposition { what, rows: matrix.nrows(), columns: matrix.ncols() }
}
