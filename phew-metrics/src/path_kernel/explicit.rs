//! The path kernel as a matrix: for small networks.

use ndarray::Array2;
use phew_graph::TensorId;

use crate::analysis::Analysis;
use crate::eigen::check_room;
use crate::error::MetricError;
use crate::paths::{Path, Paths};

/// A weight, by its tensor and index, and the derivative by it.
type Derivative = ((TensorId, usize), f64);

impl Analysis<'_> {
    /// The path kernel `Π = J Jᵀ`, paths × paths, with the paths of its rows.
    ///
    /// # Errors
    /// [`MetricError::Limit`] if there are more than `limit` paths; [`MetricError::Memory`] if the matrix is too large.
    ///
    /// # Complexity
    /// O(paths² · depth²) time, O(paths²) memory.
    ///
    /// # References
    /// Patil & Dovrolis 2021, eq. (5). Stated as the product of all weights but one instead of `π_p / θ_i`,
    /// which has a value where `θ_i` is 0. By a tied weight that a path passes several times the derivative is the sum of
    /// those products.
    pub fn path_kernel(&self, limit: usize) -> Result<(Vec<Path>, Array2<f64>), MetricError> {
        let most = limit.min(self.ln_path_count(Paths::Kept).exp().ceil() as usize);
        check_room("the path kernel", most, most)?;
        let paths = self.paths(limit)?;
        let rows: Vec<Vec<Derivative>> = paths.iter().map(|p| self.derivatives(p)).collect();
        let entry = |(p, q): (usize, usize)| {
            let mut sum = 0.0;
            for (weight, a) in &rows[p] {
                if let Some((_, b)) = rows[q].iter().find(|(other, _)| other == weight) {
                    sum += a * b;
                }
            }
            sum
        };
        let kernel = Array2::from_shape_fn((paths.len(), paths.len()), entry);
        Ok((paths, kernel))
    }

    /// The derivatives `∂π_p/∂θ_i` for one path, in the order of its weights: the product of all others, summed over the
    /// places of the weight.
    fn derivatives(&self, path: &Path) -> Vec<Derivative> {
        let mut derivatives: Vec<Derivative> = Vec::new();
        for (skip, &weight) in path.weights.iter().enumerate() {
            let others = path.weights.iter().enumerate().filter(|&(place, _)| place != skip);
            let product: f64 = others.map(|(_, &(t, i))| self.weight(t, i)).product();
            match derivatives.iter_mut().find(|(known, _)| *known == weight) {
                Some((_, sum)) => *sum += product,
                None => derivatives.push((weight, product)),
            }
        }
        derivatives
    }
}
