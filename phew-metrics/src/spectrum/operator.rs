//! `G·v` for `G = Jᵀ J`: one forward and one backward pass over the weights.
//!
//! With s = θ², `R(s) = Σ_p Π_{i∈p} s_i` and t = θ∘v, the forward sums F and backward sums B of R are known once,
//! and the direction t moves them by dF and dB. Then, for an edge from unit a to unit b,
//! `(G·v)_e = θ_e (dF_a B_b + F_a dB_b) + F_a B_b v_e`: the Hessian of R between different weights of a path, and
//! its gradient on the diagonal (R is linear in each s_e, so the Hessian has no diagonal of its own).

use phew_graph::{Kind, LayerSums, PathGraph, PathSums, Square, Weighted};
use rayon::prelude::*;

use super::random_vector;
use crate::analysis::Analysis;
use crate::scaled::times_power;

/// Scalars of a block of rows: enough to be worth a task.
const BLOCK: usize = 1 << 16;

/// Blocks of one group at most: bounds the memory of the backward pass's partial sums.
const BLOCKS: usize = 32;

/// Partial sums that run side by side, in a fixed order.
const LANES: usize = 8;

/// The operator G over the trace of the path kernel, on vectors of all prunable scalars.
///
/// Pruned scalars are 0 in every vector that it is given, and stay 0.
pub(crate) struct Gram<'a> {
    analysis: &'a Analysis<'a>,
    /// Weights by tensor, 0 where pruned.
    weights: Vec<std::borrow::Cow<'a, [f32]>>,
    forward: LayerSums,
    backward: LayerSums,
    ln_trace: f64,
    /// For each tensor, the factor that puts `F_a B_b` on the scale of the trace.
    to_trace: Vec<f64>,
    /// For each connection, from the source's to the target's scale of F, and the other way round for B.
    steps: Vec<[f64; 2]>,
    offsets: Vec<usize>,
    len: usize,
}

impl<'a> Gram<'a> {
    pub(crate) fn new(analysis: &'a Analysis<'a>) -> Self {
        let graph = &analysis.graph;
        let PathSums { forward, backward, .. } = PathSums::new(graph, &analysis.edges(Square));
        let ln_trace = analysis.path_kernel_trace().ln_total();
        let to_trace = (0..graph.tensors()).map(|tensor| {
            let (_, source, target) = analysis.ends(tensor);
            let exponent = forward.exponents[source] + backward.exponents[target];
            // The trace as mantissa and exponent: its logarithm may be beyond what exp can take.
            let log2 = ln_trace / std::f64::consts::LN_2;
            let whole = if log2.is_finite() { log2.floor() } else { 0.0 };
            times_power((-(log2 - whole) * std::f64::consts::LN_2).exp(), exponent - whole as i64)
        });
        let steps = graph.connections().iter().map(|c| {
            let between = |sums: &LayerSums, a: usize, b: usize| {
                times_power(1.0, sums.exponents[a] - sums.exponents[b])
            };
            // A layer of zeros has no scale of its own.
            let finite = |f: f64| if f.is_finite() { f } else { 0.0 };
            let onward = between(&forward, c.source, c.target);
            [finite(onward), finite(between(&backward, c.target, c.source))]
        });
        let weights =
            analysis.weights.iter().enumerate().map(|(t, &weights)| match analysis.mask {
                None => std::borrow::Cow::Borrowed(weights),
                Some(mask) => {
                    let keep = |(i, &w): (usize, &f32)| if mask.layer(t).get(i) { w } else { 0.0 };
                    weights.iter().enumerate().map(keep).collect()
                }
            });
        let (to_trace, steps, weights) = (to_trace.collect(), steps.collect(), weights.collect());
        let (offsets, len) = (analysis.offsets(), analysis.network.arch().prunable_len());
        Self { analysis, weights, forward, backward, ln_trace, to_trace, steps, offsets, len }
    }

    pub(crate) fn ln_trace(&self) -> f64 {
        self.ln_trace
    }

    /// Length of a vector: all prunable scalars.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Weights kept: the order of G.
    pub(crate) fn kept(&self) -> usize {
        self.analysis.mask.map_or(self.len, phew_graph::Mask::kept)
    }

    /// The kept scalars' places in a vector.
    pub(crate) fn places(&self) -> Vec<usize> {
        let tensor = |t: usize| {
            let kept = (0..self.weights[t].len()).filter(move |&i| self.analysis.keeps(t, i));
            kept.map(move |i| self.offsets[t] + i)
        };
        (0..self.weights.len()).flat_map(tensor).collect()
    }

    /// A random vector, 0 where pruned.
    pub(crate) fn start(&self, seed: u64) -> Vec<f64> {
        let tensor = |i: usize| self.offsets.partition_point(|&o| o <= i) - 1;
        let keep = |i: usize| match self.analysis.mask {
            None => true,
            Some(mask) => mask.layer(tensor(i)).get(i - self.offsets[tensor(i)]),
        };
        random_vector(self.len, seed, keep)
    }

    /// `out = G v / trace`.
    pub(crate) fn apply(&self, v: &[f64], out: &mut [f64]) {
        let graph = &self.analysis.graph;
        let moved = self.moved_forward(graph, v);
        let last = graph.layers().len() - 1;
        let mut back: Vec<Vec<f64>> = graph.layers().iter().map(|l| vec![0.0; l.units]).collect();
        // Slices of the result by tensor, to be written as the backward pass meets them.
        let mut slices: Vec<Option<&mut [f64]>> = Vec::new();
        let mut rest = out;
        for weights in &self.weights {
            let (slice, after) = std::mem::take(&mut rest).split_at_mut(weights.len());
            slices.push(Some(slice));
            rest = after;
        }
        for l in (0..last).rev() {
            for &c in &graph.layers()[l].outgoing {
                let connection = &graph.connections()[c];
                let [_, step] = self.steps[c];
                let dy = &back[connection.target];
                let part: Vec<f64> = match &connection.kind {
                    Kind::Identity => dy.clone(),
                    Kind::Flatten { block } => dy.chunks(*block).map(|f| f.iter().sum()).collect(),
                    Kind::Weighted(shape) => {
                        let ends = Ends {
                            x: &self.forward.values[l],
                            dx: &moved[l],
                            y: &self.backward.values[connection.target],
                            dy,
                            factor: self.to_trace[shape.tensor],
                        };
                        let slice = slices[shape.tensor].take().unwrap_or_default();
                        backward(
                            shape,
                            &self.weights[shape.tensor],
                            self.part(v, shape),
                            &ends,
                            slice,
                        )
                    }
                };
                back[l].iter_mut().zip(part).for_each(|(b, p)| *b += step * p);
            }
        }
    }

    fn part<'v>(&self, v: &'v [f64], shape: &Weighted) -> &'v [f64] {
        &v[self.offsets[shape.tensor]..][..shape.len()]
    }

    /// dF: how the forward sums move with the direction.
    fn moved_forward(&self, graph: &PathGraph, v: &[f64]) -> Vec<Vec<f64>> {
        let mut moved: Vec<Vec<f64>> = vec![vec![0.0; graph.inputs()]];
        for layer in &graph.layers()[1..] {
            let mut sum = vec![0.0; layer.units];
            for &c in &layer.incoming {
                let connection = &graph.connections()[c];
                let [step, _] = self.steps[c];
                let dx = &moved[connection.source];
                let part: Vec<f64> = match &connection.kind {
                    Kind::Identity => dx.clone(),
                    Kind::Flatten { block } => (0..layer.units).map(|u| dx[u / block]).collect(),
                    Kind::Weighted(shape) => {
                        let x = &self.forward.values[connection.source];
                        forward(shape, &self.weights[shape.tensor], self.part(v, shape), x, dx)
                    }
                };
                sum.iter_mut().zip(part).for_each(|(s, p)| *s += step * p);
            }
            moved.push(sum);
        }
        moved
    }
}

/// What the units at both ends of a connection have: F and dF at the source, B and dB at the target.
struct Ends<'a> {
    x: &'a [f64],
    dx: &'a [f64],
    y: &'a [f64],
    dy: &'a [f64],
    factor: f64,
}

fn spread(x: &[f64], kernel: usize) -> Vec<f64> {
    x.iter().flat_map(|&x| std::iter::repeat_n(x, kernel)).collect()
}

/// `Σ_i s dx_i + θ v x_i` for each target unit.
fn forward(shape: &Weighted, weights: &[f32], v: &[f64], x: &[f64], dx: &[f64]) -> Vec<f64> {
    let row = shape.row();
    let (x, dx) = (spread(x, shape.kernel), spread(dx, shape.kernel));
    let mut sums = vec![0.0; shape.outputs];
    sums.par_iter_mut().with_min_len((BLOCK / row).max(1)).enumerate().for_each(|(j, sum)| {
        let first = shape.first_source(j) * shape.kernel;
        let (weights, v) = (&weights[j * row..][..row], &v[j * row..][..row]);
        let (x, dx) = (&x[first..][..row], &dx[first..][..row]);
        let mut lanes = [0.0; LANES];
        let whole = row / LANES * LANES;
        for at in (0..whole).step_by(LANES) {
            for l in 0..LANES {
                let theta = f64::from(weights[at + l]);
                lanes[l] += theta * (theta * dx[at + l] + v[at + l] * x[at + l]);
            }
        }
        for at in whole..row {
            let theta = f64::from(weights[at]);
            lanes[at - whole] += theta * (theta * dx[at] + v[at] * x[at]);
        }
        *sum = lanes.iter().sum();
    });
    sums
}

/// `Σ_j s dy_j + θ v y_j` for each source unit, and the result's slice on the way.
fn backward(
    shape: &Weighted,
    weights: &[f32],
    v: &[f64],
    ends: &Ends<'_>,
    out: &mut [f64],
) -> Vec<f64> {
    let (row, rows) = (shape.row(), shape.outputs_per_group());
    let (x, dx) = (spread(ends.x, shape.kernel), spread(ends.dx, shape.kernel));
    let block = (BLOCK / row).max(rows.div_ceil(BLOCKS)).clamp(1, rows);
    let blocks = rows.div_ceil(block);
    // Blocks do not cross groups, so a group's last block may be short: cut the result accordingly.
    let mut pieces = Vec::with_capacity(shape.groups * blocks);
    for group in out.chunks_mut(rows * row) {
        pieces.extend(group.chunks_mut(block * row));
    }
    let partial = |(piece, out): (usize, &mut [f64])| {
        let (group, from) = (piece / blocks, piece % blocks * block);
        let (x, dx) = (&x[group * row..][..row], &dx[group * row..][..row]);
        let mut sum = vec![0.0; row];
        for (place, out) in out.chunks_mut(row).enumerate() {
            let j = group * rows + from + place;
            let (y, dy) = (ends.y[j], ends.dy[j]);
            let (yf, dyf) = (y * ends.factor, dy * ends.factor);
            let (weights, v) = (&weights[j * row..][..row], &v[j * row..][..row]);
            for m in 0..row {
                let (theta, v) = (f64::from(weights[m]), v[m]);
                sum[m] += theta * (theta * dy + v * y);
                out[m] = theta * (dx[m] * yf + x[m] * dyf) + x[m] * yf * v;
            }
        }
        sum
    };
    let partials: Vec<Vec<f64>> = pieces.into_par_iter().enumerate().map(partial).collect();
    let mut sums = Vec::with_capacity(shape.groups * shape.inputs);
    for group in partials.chunks(blocks) {
        let mut total = vec![0.0; row];
        for part in group {
            total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        }
        sums.extend(total.chunks(shape.kernel).map(|k| k.iter().sum::<f64>()));
    }
    sums
}
