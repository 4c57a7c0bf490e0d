//! Summary of the singular values of a matrix.

use serde::Serialize;

/// Summary of a set of singular values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SingularValues {
    /// The greatest.
    pub max: f64,
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub std: f64,
    /// The least.
    pub min: f64,
    /// Greatest over least; infinite for a singular matrix.
    pub condition: f64,
    /// All of them, greatest first.
    pub values: Vec<f64>,
}

impl SingularValues {
    /// From the values in any order.
    #[must_use]
    pub fn new(mut values: Vec<f64>) -> Self {
        values.sort_by(|a, b| b.total_cmp(a));
        let n = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        let max = values.first().copied().unwrap_or(0.0);
        let min = values.last().copied().unwrap_or(0.0);
        // Below this a singular value is 0 up to rounding.
        let zero = max * n * f64::EPSILON;
        let condition = if min > zero { max / min } else { f64::INFINITY };
        Self { max, mean, std: variance.sqrt(), min, condition, values }
    }
}
