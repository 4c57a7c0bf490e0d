//! The input-output Jacobian of a linear network.
//!
//! A network of linear operators computes `J x + c`: each row of J is one output scalar carried back through the
//! transposed operators as they are, borders, strides and skips included.

use std::collections::BTreeMap;

use ndarray::Array2;
use phew_graph::{Arch, NonZero, Reach, Role, TensorSpec};
use rayon::prelude::*;

use super::singular_values::SingularValues;
use crate::analysis::Analysis;
use crate::eigen::{matrix, singular_values};
use crate::error::MetricError;

impl Analysis<'_> {
    /// Jacobian of a linear network, outputs × inputs, both flattened row-major, with masked weights.
    ///
    /// Batch normalisation is that of evaluation: a fixed scale for each channel.
    ///
    /// # Errors
    /// [`MetricError::NotLinear`] for ReLU, leaky ReLU with a slope other than 1, tanh and max-pooling;
    /// [`MetricError::Limit`] if inputs × outputs are more than `limit`; [`MetricError::Range`] if entries are too great for
    /// double precision, or all too small.
    ///
    /// # Complexity
    /// A backward pass for each output scalar.
    pub fn linear_jacobian(&self, limit: usize) -> Result<Array2<f64>, MetricError> {
        let arch = self.network.arch();
        // The first node is the input, which is no map.
        if let Some(node) = arch.nodes().iter().skip(1).find(|node| !node.op.is_linear()) {
            let (operator, kind) = (node.name.clone(), node.op.kind());
            return Err(MetricError::NotLinear { operator, kind });
        }
        let (inputs, outputs) = (arch.input_shape().scalars(), arch.output_shape().scalars());
        if inputs.saturating_mul(outputs) > limit {
            let found = inputs as f64 * outputs as f64;
            return Err(MetricError::Limit { what: "entries of the Jacobian", found, limit });
        }
        let tensors = self.tensors_by_node();
        let row = |output: usize| pulled_back(arch, &tensors, output);
        let rows: Vec<Vec<f64>> = (0..outputs).into_par_iter().map(row).collect();
        let all = || rows.iter().flatten();
        let vanished = || all().all(|&entry| entry.abs() < f64::MIN_POSITIVE) && self.connects();
        if all().any(|entry| !entry.is_finite()) || vanished() {
            return Err(MetricError::Range { what: "the Jacobian" });
        }
        Ok(Array2::from_shape_fn((outputs, inputs), |(o, i)| rows[o][i]))
    }

    /// Whether weights and scales that are not 0 lead from the inputs to the outputs: a Jacobian of zeros has lost its
    /// entries then.
    fn connects(&self) -> bool {
        let (specs, values) = (self.network.arch().auxiliary(), self.network.auxiliary());
        let is_scale = |role| matches!(role, Role::NormScale);
        let mut scales = specs.iter().zip(values).filter(|(spec, _)| is_scale(spec.role));
        scales.all(|(_, values)| values.iter().all(|scale| scale.abs() > 0.0))
            && Reach::new(&self.graph, &self.edges(NonZero)).connected()
    }

    /// Singular values of [`Analysis::linear_jacobian`].
    ///
    /// # Errors
    /// As [`Analysis::linear_jacobian`], and [`MetricError::Decomposition`].
    ///
    /// # References
    /// Saxe et al. 2014 (dynamical isometry); Lee et al. 2020, figures 2 and 4.
    pub fn linear_jacobian_spectrum(&self, limit: usize) -> Result<SingularValues, MetricError> {
        let jacobian = matrix(&self.linear_jacobian(limit)?);
        Ok(SingularValues::new(singular_values(jacobian.as_ref())?))
    }

    /// Values of each node's tensors by their roles, weights masked.
    fn tensors_by_node(&self) -> Vec<Vec<Vec<f64>>> {
        let arch = self.network.arch();
        let mut tensors: Vec<BTreeMap<Role, Vec<f64>>> = vec![BTreeMap::new(); arch.nodes().len()];
        let mut used = |spec: &TensorSpec, values: Vec<f64>| {
            for &node in &spec.nodes {
                tensors[node].insert(spec.role, values.clone());
            }
        };
        for (tensor, spec) in arch.prunable().with_ids() {
            used(spec, (0..spec.len()).map(|index| self.weight(tensor, index)).collect());
        }
        for (spec, values) in arch.auxiliary().iter().zip(self.network.auxiliary()) {
            used(spec, values.iter().map(|&value| f64::from(value)).collect());
        }
        tensors.into_iter().map(|tensors| tensors.into_values().collect()).collect()
    }
}

/// Derivatives of one output scalar by all input scalars.
fn pulled_back(arch: &Arch, tensors: &[Vec<Vec<f64>>], output: usize) -> Vec<f64> {
    let nodes = arch.nodes();
    let zeros = |node: usize| vec![0.0; nodes[node].shape.scalars()];
    // By node, once an operator that reads it has been passed.
    let mut derivatives: Vec<Option<Vec<f64>>> = vec![None; nodes.len()];
    let mut last = zeros(nodes.len() - 1);
    last[output] = 1.0;
    derivatives[nodes.len() - 1] = Some(last);
    for (index, node) in nodes.iter().enumerate().skip(1).rev() {
        let Some(dy) = derivatives[index].take() else { continue };
        let tensors: Vec<&[f64]> = tensors[index].iter().map(Vec::as_slice).collect();
        for (place, &input) in node.inputs.iter().enumerate() {
            let Some(back) = arch.pull_back(index, place, &tensors, &dy) else {
                unreachable!("all operators are linear: checked at the start");
            };
            let sum = derivatives[input].get_or_insert_with(|| zeros(input));
            sum.iter_mut().zip(&back).for_each(|(s, b)| *s += b);
        }
    }
    derivatives[0].take().unwrap_or_else(|| zeros(0))
}
