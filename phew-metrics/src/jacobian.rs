//! The input-output Jacobian of a linear network.
//!
//! A network of linear operators computes `J x + c`: each column of J is the response to one input scalar,
//! carried through the operators as they are, borders, strides and skips included.

use faer::Mat;
use phew_graph::{Activation, Arch, Conv2d, Op, Pool, Role, Shape};
use rayon::prelude::*;

use crate::analysis::Analysis;
use crate::error::MetricError;
use crate::isometry::SingularValues;
use crate::linalg::singular_values;

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
    /// A forward pass for each input scalar.
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
        let column = |input: usize| self.response(arch, &weights, input);
        let columns: Vec<Vec<f64>> = (0..inputs).into_par_iter().map(column).collect();
        Ok(Mat::from_fn(outputs, inputs, |o, i| columns[i][o]))
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

    /// What the linear part of each operator makes of one input scalar of 1.
    fn response(&self, arch: &Arch, weights: &[Vec<f64>], input: usize) -> Vec<f64> {
        let tensor =
            |node: usize| arch.prunable().iter().position(|s| s.node == node).unwrap_or_default();
        let mut outputs: Vec<Vec<f64>> = Vec::with_capacity(arch.nodes().len());
        for (index, node) in arch.nodes().iter().enumerate() {
            let x = node.inputs.first().map_or(&[][..], |&i| outputs[i].as_slice());
            let from = node.inputs.first().map_or(node.shape, |&i| arch.nodes()[i].shape);
            let y = match &node.op {
                Op::Input { shape } => {
                    let mut x = vec![0.0; shape.units() * shape.area()];
                    x[input] = 1.0;
                    x
                }
                Op::Linear { .. } => linear(&weights[tensor(index)], x),
                Op::Conv2d(conv) => convolve(&weights[tensor(index)], conv, x, from, node.shape),
                Op::BatchNorm { eps, .. } => {
                    let factors = self.norm_factors(index, *eps);
                    x.chunks(from.area())
                        .zip(factors)
                        .flat_map(|(c, f)| c.iter().map(move |v| v * f))
                        .collect()
                }
                Op::AvgPool(pool) => average(pool, x, from, node.shape),
                Op::Add => {
                    let mut sum = vec![0.0; x.len()];
                    for &i in &node.inputs {
                        sum.iter_mut().zip(&outputs[i]).for_each(|(s, v)| *s += v);
                    }
                    sum
                }
                _ => x.to_vec(),
            };
            outputs.push(y);
        }
        outputs.pop().unwrap_or_default()
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

fn linear(weights: &[f64], x: &[f64]) -> Vec<f64> {
    weights.chunks(x.len()).map(|row| row.iter().zip(x).map(|(w, x)| w * x).sum()).collect()
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

fn convolve(weights: &[f64], conv: &Conv2d, x: &[f64], from: Shape, to: Shape) -> Vec<f64> {
    let (inputs, outputs) = (from.units() / conv.groups, conv.out / conv.groups);
    let (source, [rows, columns]) = (sides(from), sides(to));
    let kernel = conv.kernel[0] * conv.kernel[1];
    let mut y = Vec::with_capacity(to.units() * to.area());
    for o in 0..conv.out {
        let first = o / outputs * inputs;
        for position in 0..rows * columns {
            let at = [position / columns, position % columns];
            let mut sum = 0.0;
            for i in 0..inputs {
                let weights = &weights[(o * inputs + i) * kernel..];
                let map = &x[(first + i) * from.area()..];
                window(conv.kernel, conv.stride, conv.padding, source, at, |k, p| {
                    sum += weights[k] * map[p];
                });
            }
            y.push(sum);
        }
    }
    y
}

fn average(pool: &Pool, x: &[f64], from: Shape, to: Shape) -> Vec<f64> {
    let (source, [rows, columns]) = (sides(from), sides(to));
    let (kernel, stride) = match pool.kernel {
        Some(kernel) => (kernel, pool.stride),
        None => (source, source),
    };
    let share = 1.0 / (kernel[0] * kernel[1]) as f64;
    let mut y = Vec::with_capacity(to.units() * to.area());
    for map in x.chunks(from.area()) {
        for position in 0..rows * columns {
            let at = [position / columns, position % columns];
            let mut sum = 0.0;
            window(kernel, stride, pool.padding, source, at, |_, p| sum += map[p]);
            y.push(sum * share);
        }
    }
    y
}
