//! The input-output Jacobian of a linear network.
//!
//! A network of linear operators computes `J x + c`: each row of J is one output scalar carried back through the
//! transposed operators as they are, borders, strides and skips included.

use faer::Mat;
use phew_graph::{Activation, Arch, Conv2d, Op, Pool, Role, Shape};
use rayon::prelude::*;

use crate::analysis::Analysis;
use crate::eigen::singular_values;
use crate::error::MetricError;
use crate::isometry::SingularValues;

impl Analysis<'_> {
    /// Jacobian of a linear network, outputs × inputs, both flattened row-major, with masked weights.
    ///
    /// Batch normalisation is that of evaluation: a fixed scale for each channel.
    ///
    /// # Errors
    /// [`MetricError::NotLinear`] for ReLU, leaky ReLU with a slope other than 1, tanh and max-pooling;
    /// [`MetricError::Limit`] if inputs × outputs are more than `limit`.
    ///
    /// # Complexity
    /// A backward pass for each output scalar.
    pub fn linear_jacobian(&self, limit: usize) -> Result<Mat<f64>, MetricError> {
        let arch = self.network.arch();
        for node in arch.nodes() {
            let linear = match &node.op {
                Op::Activation(Activation::Identity) => true,
                Op::Activation(Activation::LeakyRelu { slope }) => {
                    (slope - 1.0).abs() < f64::EPSILON
                }
                Op::Activation(_) => false,
                Op::MaxPool(pool) => pool.kernel == Some([1, 1]),
                _ => true,
            };
            if !linear {
                let (operator, kind) = (node.name.clone(), node.op.kind());
                return Err(MetricError::NotLinear { operator, kind });
            }
        }
        let scalars = |s: Shape| s.units() * s.area();
        let (inputs, outputs) = (scalars(arch.input_shape()), scalars(arch.output_shape()));
        if inputs.saturating_mul(outputs) > limit {
            let found = inputs as f64 * outputs as f64;
            return Err(MetricError::Limit { what: "entries of the Jacobian", found, limit });
        }
        let weights: Vec<Vec<f64>> = (0..self.graph.tensors())
            .map(|t| (0..self.weights[t].len()).map(|i| self.weight(t, i)).collect())
            .collect();
        let row = |output: usize| self.pulled_back(arch, &weights, output);
        let rows: Vec<Vec<f64>> = (0..outputs).into_par_iter().map(row).collect();
        Ok(Mat::from_fn(outputs, inputs, |o, i| rows[o][i]))
    }

    /// Singular values of [`Analysis::linear_jacobian`].
    ///
    /// # Errors
    /// As [`Analysis::linear_jacobian`], and [`MetricError::Decomposition`].
    ///
    /// # References
    /// Saxe et al. 2014 (dynamical isometry); Lee et al. 2020, figures 2 and 4.
    pub fn linear_jacobian_spectrum(&self, limit: usize) -> Result<SingularValues, MetricError> {
        Ok(SingularValues::new(singular_values(self.linear_jacobian(limit)?.as_ref())?))
    }

    /// Derivatives of one output scalar by all input scalars.
    fn pulled_back(&self, arch: &Arch, weights: &[Vec<f64>], output: usize) -> Vec<f64> {
        let nodes = arch.nodes();
        let zeros = |node: usize| vec![0.0; nodes[node].shape.units() * nodes[node].shape.area()];
        let tensor =
            |node: usize| arch.prunable().iter().position(|s| s.node == node).unwrap_or_default();
        // By node, once an operator that reads it has been passed.
        let mut derivatives: Vec<Option<Vec<f64>>> = vec![None; nodes.len()];
        let mut last = zeros(nodes.len() - 1);
        last[output] = 1.0;
        derivatives[nodes.len() - 1] = Some(last);
        for (index, node) in nodes.iter().enumerate().skip(1).rev() {
            let (Some(dy), Some(&input)) = (derivatives[index].take(), node.inputs.first()) else {
                continue;
            };
            let (from, to) = (nodes[input].shape, node.shape);
            let back = match &node.op {
                Op::Linear { .. } => linear(&weights[tensor(index)], &dy, zeros(input)),
                Op::Conv2d(conv) => {
                    convolve(&weights[tensor(index)], conv, &dy, from, to, zeros(input))
                }
                Op::BatchNorm { eps, .. } => {
                    let channels = dy.chunks(from.area()).zip(self.norm_factors(index, *eps));
                    channels.flat_map(|(c, f)| c.iter().map(move |v| v * f)).collect()
                }
                Op::AvgPool(pool) => average(pool, &dy, from, to, zeros(input)),
                _ => dy,
            };
            for &input in &node.inputs {
                let sum = derivatives[input].get_or_insert_with(|| zeros(input));
                sum.iter_mut().zip(&back).for_each(|(s, b)| *s += b);
            }
        }
        derivatives[0].take().unwrap_or_else(|| zeros(0))
    }

    /// `scale / √(variance + ε)` of each channel.
    fn norm_factors(&self, node: usize, eps: f64) -> Vec<f64> {
        let arch = self.network.arch();
        let auxiliary = self.network.auxiliary();
        let values = |role: Role| {
            let at = arch.auxiliary().iter().position(|s| s.node == node && s.role == role);
            at.map_or(&[][..], |at| auxiliary[at])
        };
        let pairs = values(Role::NormScale).iter().zip(values(Role::RunningVar));
        pairs.map(|(&s, &v)| f64::from(s) / (f64::from(v) + eps).sqrt()).collect()
    }
}

/// `dx += Wᵀ dy`.
fn linear(weights: &[f64], dy: &[f64], mut dx: Vec<f64>) -> Vec<f64> {
    for (row, dy) in weights.chunks(dx.len()).zip(dy) {
        dx.iter_mut().zip(row).for_each(|(d, w)| *d += w * dy);
    }
    dx
}

/// Height and width of a map.
fn sides(shape: Shape) -> [usize; 2] {
    match shape {
        Shape::Image { height, width, .. } => [height, width],
        Shape::Features(_) => [1, 1],
    }
}

/// Calls `each` with the place in a window and in the input map, for one output position.
fn window(
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    from: [usize; 2],
    at: [usize; 2],
    mut each: impl FnMut(usize, usize),
) {
    for k in 0..kernel[0] {
        for l in 0..kernel[1] {
            let (y, x) = (at[0] * stride[0] + k, at[1] * stride[1] + l);
            let inside =
                |v: usize, axis: usize| v >= padding[axis] && v - padding[axis] < from[axis];
            if inside(y, 0) && inside(x, 1) {
                each(k * kernel[1] + l, (y - padding[0]) * from[1] + x - padding[1]);
            }
        }
    }
}

fn convolve(
    weights: &[f64],
    conv: &Conv2d,
    dy: &[f64],
    from: Shape,
    to: Shape,
    mut dx: Vec<f64>,
) -> Vec<f64> {
    let (inputs, outputs) = (from.units() / conv.groups, conv.out / conv.groups);
    let (source, [_, columns]) = (sides(from), sides(to));
    let kernel = conv.kernel[0] * conv.kernel[1];
    for (o, dy) in dy.chunks(to.area()).enumerate() {
        let first = o / outputs * inputs;
        for (position, dy) in dy.iter().enumerate().filter(|(_, d)| **d != 0.0) {
            let at = [position / columns, position % columns];
            window(conv.kernel, conv.stride, conv.padding, source, at, |k, p| {
                for i in 0..inputs {
                    let weight = weights[(o * inputs + i) * kernel + k];
                    dx[(first + i) * from.area() + p] += weight * dy;
                }
            });
        }
    }
    dx
}

fn average(pool: &Pool, dy: &[f64], from: Shape, to: Shape, mut dx: Vec<f64>) -> Vec<f64> {
    let (source, [_, columns]) = (sides(from), sides(to));
    let (kernel, stride) = match pool.kernel {
        Some(kernel) => (kernel, pool.stride),
        None => (source, source),
    };
    let share = 1.0 / (kernel[0] * kernel[1]) as f64;
    for (dx, dy) in dx.chunks_mut(from.area()).zip(dy.chunks(to.area())) {
        for (position, dy) in dy.iter().enumerate() {
            let at = [position / columns, position % columns];
            window(kernel, stride, pool.padding, source, at, |_, p| dx[p] += dy * share);
        }
    }
    dx
}
