//! Dense decompositions, with faer underneath.

use faer::{Mat, MatRef, Side};
use ndarray::Array2;

use crate::error::MetricError;

/// An array as faer takes it.
pub(crate) fn matrix(array: &Array2<f64>) -> Mat<f64> {
    Mat::from_fn(array.nrows(), array.ncols(), |i, j| array[(i, j)])
}

/// Singular values, greatest first.
pub(crate) fn singular_values(matrix: MatRef<'_, f64>) -> Result<Vec<f64>, MetricError> {
    let failed = |_| failed("singular value decomposition", matrix);
    // Tall matrices are faster than wide ones.
    match matrix.nrows() < matrix.ncols() {
        true => matrix.transpose().singular_values().map_err(failed),
        false => matrix.singular_values().map_err(failed),
    }
}

/// Eigenvalues of a symmetric matrix, greatest first.
pub(crate) fn eigenvalues(matrix: MatRef<'_, f64>) -> Result<Vec<f64>, MetricError> {
    let values = matrix.self_adjoint_eigenvalues(Side::Lower);
    let mut values = values.map_err(|_| failed("eigendecomposition", matrix))?;
    values.reverse();
    Ok(values)
}

/// Eigenvalues of a symmetric matrix, greatest first, with their unit vectors as columns.
pub(crate) fn eigen(matrix: MatRef<'_, f64>) -> Result<(Vec<f64>, Mat<f64>), MetricError> {
    let eigen = matrix.self_adjoint_eigen(Side::Lower);
    let eigen = eigen.map_err(|_| failed("eigendecomposition", matrix))?;
    let n = matrix.nrows();
    let values: Vec<f64> = (0..n).rev().map(|i| eigen.S().column_vector()[i]).collect();
    let vectors = Mat::from_fn(n, n, |i, j| eigen.U()[(i, n - 1 - j)]);
    Ok((values, vectors))
}

/// Refuses a table of numbers that memory has no room for, where allocating it would end the process.
pub(crate) fn check_room(
    what: &'static str,
    rows: usize,
    columns: usize,
) -> Result<(), MetricError> {
    let numbers = rows.saturating_mul(columns);
    let room = Vec::<f64>::new().try_reserve_exact(numbers);
    room.map_err(|_| MetricError::Memory { what, numbers })
}

fn failed(what: &'static str, matrix: MatRef<'_, f64>) -> MetricError {
    MetricError::Decomposition { what, rows: matrix.nrows(), columns: matrix.ncols() }
}
