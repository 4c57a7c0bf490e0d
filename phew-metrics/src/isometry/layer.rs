//! The singular values of each layer's masked weight matrix.

use faer::Mat;
use phew_graph::TensorId;
use rayon::prelude::*;
use serde::Serialize;

use super::singular_values::SingularValues;
use crate::analysis::Analysis;
use crate::eigen::singular_values;
use crate::error::MetricError;

/// How near one layer is to an isometry.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerIsometry {
    /// Name of the prunable tensor.
    pub name: String,
    /// Of the masked matrix `[out, in · kh · kw]`; a grouped convolution has one matrix for each group.
    pub singular_values: SingularValues,
    /// `‖WᵀW − I‖`, Frobenius; a matrix with fewer rows than columns cannot come below the root of their
    /// difference.
    pub departure: f64,
    /// The same for the smaller of `WᵀW` and `WWᵀ`: 0 exactly if W preserves lengths one way.
    pub least_departure: f64,
}

impl Analysis<'_> {
    /// Layerwise isometry.
    ///
    /// # Errors
    /// [`MetricError::Decomposition`] if a singular value decomposition fails.
    ///
    /// # Complexity
    /// `O(out² · in · kh · kw)` for each layer with `out` the smaller side: seconds for VGG-19.
    ///
    /// # References
    /// Lee et al., "A signal propagation perspective for pruning neural networks at initialization", 2020.
    pub fn layer_isometry(&self) -> Result<Vec<LayerIsometry>, MetricError> {
        let tensors: Vec<TensorId> = self.graph.tensors().collect();
        tensors.into_par_iter().map(|tensor| self.isometry_of(tensor)).collect()
    }

    fn isometry_of(&self, tensor: TensorId) -> Result<LayerIsometry, MetricError> {
        let shape = self.graph.shape(tensor);
        let (rows, columns) = (shape.outputs_per_group(), shape.row());
        let mut values = Vec::new();
        for group in 0..shape.groups {
            let first = group * rows * columns;
            let matrix =
                Mat::from_fn(rows, columns, |r, c| self.weight(tensor, first + r * columns + c));
            values.extend(singular_values(matrix.as_ref())?);
        }
        let stretched: f64 = values.iter().map(|v| (v * v - 1.0).powi(2)).sum();
        let lost = columns.saturating_sub(rows) * shape.groups;
        Ok(LayerIsometry {
            name: self.network.arch().prunable()[tensor].name.clone(),
            singular_values: SingularValues::new(values),
            departure: (stretched + lost as f64).sqrt(),
            least_departure: stretched.sqrt(),
        })
    }
}
