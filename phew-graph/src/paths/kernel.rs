//! The inner loops: one tensor, read once, front to back.
//!
//! Both directions split the rows of a tensor into blocks whose size depends on the tensor's shape alone and
//! combine partial sums in a fixed order, so the results are the same bytes on any number of threads.

use rayon::prelude::*;

use super::edges::{EdgeValue, Edges};
use super::graph::Weighted;
use crate::ids::TensorId;
use crate::mask::LayerMask;

/// Scalars of a block: enough to be worth a task.
const BLOCK: usize = 1 << 16;

/// Blocks of one group at most: bounds the memory of [`scatter`]'s partial sums.
const BLOCKS: usize = 32;

/// `y_j = Σ_i x_i Σ_t f(w_jit)`: from source units to target units.
pub(super) fn gather<E: EdgeValue>(shape: &Weighted, edges: &Edges<'_, E>, x: &[f64]) -> Vec<f64> {
    let row = shape.row();
    let spread = spread(x, shape.kernel);
    let tensor = Tensor::new(shape, edges);
    let mut y = vec![0.0; shape.outputs];
    y.par_iter_mut().with_min_len((BLOCK / row).max(1)).enumerate().for_each(|(j, y)| {
        let first = shape.first_source(j) * shape.kernel;
        *y = tensor.dot(j * row, &spread[first..first + row]);
    });
    y
}

/// `x_i = Σ_j y_j Σ_t f(w_jit)`: from target units back to source units.
pub(super) fn scatter<E: EdgeValue>(shape: &Weighted, edges: &Edges<'_, E>, y: &[f64]) -> Vec<f64> {
    let (row, rows) = (shape.row(), shape.outputs_per_group());
    let block = (BLOCK / row).max(rows.div_ceil(BLOCKS)).clamp(1, rows);
    let blocks = rows.div_ceil(block);
    let tensor = Tensor::new(shape, edges);
    let partial = |k: usize| {
        let (group, from) = (k / blocks, k % blocks * block);
        let mut sum = vec![0.0; row];
        let first = group * rows + from;
        for (j, &y) in (first..).zip(&y[first..first + block.min(rows - from)]) {
            if y != 0.0 {
                tensor.add_scaled(j * row, y, &mut sum);
            }
        }
        sum
    };
    let least = (BLOCK / (block * row)).max(1);
    let partials: Vec<Vec<f64>> =
        (0..shape.groups * blocks).into_par_iter().with_min_len(least).map(partial).collect();
    let mut x = Vec::with_capacity(shape.groups * shape.inputs);
    for group in partials.chunks(blocks) {
        let mut total = vec![0.0; row];
        for part in group {
            total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        }
        x.extend(total.chunks(shape.kernel).map(|k| k.iter().sum::<f64>()));
    }
    x
}

/// Each value repeated for every scalar of a kernel, so that a row of the tensor meets a plain vector.
fn spread(x: &[f64], kernel: usize) -> Vec<f64> {
    x.iter().flat_map(|&x| std::iter::repeat_n(x, kernel)).collect()
}

struct Tensor<'a, E> {
    id: TensorId,
    weights: Option<&'a [f32]>,
    mask: Option<&'a LayerMask>,
    value: &'a E,
}

/// Partial sums that run side by side: enough to fill the vector units, in a fixed order.
const LANES: usize = 16;

/// Of 64 scalars, up to this many kept ones are visited one by one.
const FEW: u32 = 20;

impl<'a, E: EdgeValue> Tensor<'a, E> {
    fn new(shape: &Weighted, edges: &'a Edges<'a, E>) -> Self {
        let (id, mask) = (shape.tensor, edges.mask.map(|m| m.layer(shape.tensor)));
        Self { id, weights: edges.weights.map(|w| w[id]), mask, value: &edges.value }
    }

    fn at(&self, index: usize) -> f64 {
        self.value.value(self.id, index, self.weights.map_or(1.0, |w| w[index]))
    }

    /// `Σ_m f(w_m) x_m` over the scalars from `start`. Scalar m goes to lane m mod 16, masked or not.
    fn dot(&self, start: usize, x: &[f64]) -> f64 {
        let mut lanes = [0.0; LANES];
        match self.mask {
            None => self.dot_dense(start, x, &mut lanes),
            Some(mask) => {
                for (chunk, x) in x.chunks(64).enumerate() {
                    let start = start + chunk * 64;
                    let mut bits = mask.bits(start) & low(x.len());
                    if bits == low(x.len()) {
                        self.dot_dense(start, x, &mut lanes);
                    } else if bits.count_ones() <= FEW {
                        while bits != 0 {
                            let b = bits.trailing_zeros() as usize;
                            lanes[b % LANES] += self.at(start + b) * x[b];
                            bits &= bits - 1;
                        }
                    } else {
                        for (b, x) in x.iter().enumerate() {
                            let kept = f64::from((bits >> b & 1) as u8);
                            lanes[b % LANES] += kept * (self.at(start + b) * x);
                        }
                    }
                }
            }
        }
        lanes.iter().sum()
    }

    fn dot_dense(&self, start: usize, x: &[f64], lanes: &mut [f64; LANES]) {
        let (whole, rest) = x.as_chunks::<LANES>();
        let from = start + whole.len() * LANES;
        let Some(weights) = self.weights else {
            for (c, x) in whole.iter().enumerate() {
                for l in 0..LANES {
                    lanes[l] += self.value.value(self.id, start + c * LANES + l, 1.0) * x[l];
                }
            }
            for (l, x) in rest.iter().enumerate() {
                lanes[l] += self.value.value(self.id, from + l, 1.0) * x;
            }
            return;
        };
        let (w_whole, w_rest) = weights[start..start + x.len()].as_chunks::<LANES>();
        for (c, (w, x)) in w_whole.iter().zip(whole).enumerate() {
            for l in 0..LANES {
                lanes[l] += self.value.value(self.id, start + c * LANES + l, w[l]) * x[l];
            }
        }
        for (l, (&w, x)) in w_rest.iter().zip(rest).enumerate() {
            lanes[l] += self.value.value(self.id, from + l, w) * x;
        }
    }

    /// `sum_m += y · f(w_m)` over the scalars from `start`.
    fn add_scaled(&self, start: usize, y: f64, sum: &mut [f64]) {
        let dense = |start: usize, sum: &mut [f64]| {
            let Some(weights) = self.weights else {
                for (m, sum) in sum.iter_mut().enumerate() {
                    *sum += y * self.value.value(self.id, start + m, 1.0);
                }
                return;
            };
            let weights = &weights[start..start + sum.len()];
            for (m, (sum, &w)) in sum.iter_mut().zip(weights).enumerate() {
                *sum += y * self.value.value(self.id, start + m, w);
            }
        };
        let Some(mask) = self.mask else { return dense(start, sum) };
        for (chunk, sum) in sum.chunks_mut(64).enumerate() {
            let start = start + chunk * 64;
            let mut bits = mask.bits(start) & low(sum.len());
            if bits == low(sum.len()) {
                dense(start, sum);
                continue;
            }
            while bits != 0 {
                let b = bits.trailing_zeros() as usize;
                sum[b] += y * self.at(start + b);
                bits &= bits - 1;
            }
        }
    }
}

/// The lowest `count` bits.
fn low(count: usize) -> u64 {
    u64::MAX >> (64 - count)
}
