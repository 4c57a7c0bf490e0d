//! The path kernel as a matrix: for small networks.

use ndarray::Array2;

use crate::analysis::Analysis;
use crate::eigen::check_room;
use crate::error::MetricError;
use crate::paths::{Path, Paths};

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
    /// which has a value where `θ_i` is 0.
    pub fn path_kernel(&self, limit: usize) -> Result<(Vec<Path>, Array2<f64>), MetricError> {
        let most = limit.min(self.ln_path_count(Paths::Kept).exp().ceil() as usize);
        check_room("the path kernel", most, most)?;
        let paths = self.paths(limit)?;
        let rows: Vec<Vec<f64>> = paths.iter().map(|p| self.derivatives(p)).collect();
        let entry = |(p, q): (usize, usize)| {
            let mut sum = 0.0;
            for (a, &weight) in paths[p].weights.iter().enumerate() {
                if let Some(b) = paths[q].weights.iter().position(|&w| w == weight) {
                    sum += rows[p][a] * rows[q][b];
                }
            }
            sum
        };
        let kernel = Array2::from_shape_fn((paths.len(), paths.len()), entry);
        Ok((paths, kernel))
    }

    /// The derivatives `∂π_p/∂θ_i` for one path, by place: the products of all its other weights.
    fn derivatives(&self, path: &Path) -> Vec<f64> {
        let at = |skip: usize| {
            let others = path.weights.iter().enumerate().filter(|&(place, _)| place != skip);
            others.map(|(_, &(t, i))| self.weight(t, i)).product()
        };
        (0..path.weights.len()).map(at).collect()
    }
}
