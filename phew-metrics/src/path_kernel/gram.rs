//! `G·v` for `G = Jᵀ J`: one forward and one backward pass over the bundles of weights.
//!
//! With s = θ², `R(s) = Σ_p Π_{i∈p} s_i` and t = θ∘v, the forward sums F and backward sums B of R are known once,
//! and the direction t moves them by dF and dB. Then, for an edge from unit a to unit b,
//! `(G·v)_e = θ_e (dF_a B_b + F_a dB_b) + F_a B_b v_e`: the Hessian of R between different weights of a path, and
//! its gradient on the diagonal (R is linear in each `s_e`, so the Hessian has no diagonal of its own).

use phew_graph::{
    ByConnection, ByLayer, ByTensor, Direction, Ends, LayerId, PathGraph, PathSums, ScaledVec,
    Semiring, Square, Step, TensorId, Weighted, times_power_of_two,
};
use rayon::prelude::*;

use super::bundles::{Bundles, Span};
use crate::analysis::Analysis;
use crate::eigen::random_vector;
use crate::error::MetricError;

/// Edges of a block of rows: enough to be worth a task.
const BLOCK: usize = 1 << 16;

/// Blocks of one group at most: bounds the memory of the backward pass's partial sums.
const BLOCKS: usize = 32;

/// Partial sums that run side by side, in a fixed order.
const LANES: usize = 8;

/// The operator G of the network of bundles, over the trace of the path kernel.
///
/// Vectors have an entry for each bundle; those of pruned bundles must be 0, and stay 0.
pub(crate) struct Gram<'a> {
    graph: &'a PathGraph,
    ends: ByTensor<Ends>,
    bundles: ByTensor<Bundles>,
    forward: ByLayer<ScaledVec>,
    backward: ByLayer<ScaledVec>,
    ln_trace: f64,
    /// The factor that puts `F_a B_b` on the scale of the trace.
    to_trace: ByTensor<f64>,
    /// From the source's to the target's scale of F, and the other way round for B.
    steps: ByConnection<[f64; 2]>,
    offsets: ByTensor<usize>,
    len: usize,
}

impl<'a> Gram<'a> {
    /// # Errors
    /// [`MetricError::Tied`] where operators share a weight.
    pub(crate) fn new(analysis: &'a Analysis<'a>) -> Result<Self, MetricError> {
        analysis.check_untied("the path kernel's spectrum")?;
        let graph = &analysis.graph;
        let PathSums { forward, backward, .. } = PathSums::new(graph, &analysis.edges(Square));
        let ln_trace = analysis.path_kernel_trace()?.ln_total();
        let to_trace = graph.tensors().map(|tensor| {
            let Ends { source, target, .. } = analysis.only_use(tensor);
            let exponent = forward[source].exponent + backward[target].exponent;
            // The trace as mantissa and exponent: its logarithm may be beyond what exp can take.
            let log2 = ln_trace / std::f64::consts::LN_2;
            let whole = if log2.is_finite() { log2.floor() } else { 0.0 };
            times_power_of_two(
                (-(log2 - whole) * std::f64::consts::LN_2).exp(),
                exponent - whole as i64,
            )
        });
        let steps = graph.connections().iter().map(|c| {
            let between = |sums: &ByLayer<ScaledVec>, a: LayerId, b: LayerId| {
                times_power_of_two(1.0, sums[a].exponent - sums[b].exponent)
            };
            // A layer of zeros has no scale of its own.
            let finite = |f: f64| if f.is_finite() { f } else { 0.0 };
            let onward = between(&forward, c.source, c.target);
            [finite(onward), finite(between(&backward, c.target, c.source))]
        });
        let (to_trace, steps) = (to_trace.collect(), steps.collect());
        let bundles: ByTensor<Bundles> =
            graph.tensors().map(|t| Bundles::new(analysis, t)).collect();
        let mut len = 0;
        let mut offset = |b: &Bundles| {
            len += b.norms.len();
            len - b.norms.len()
        };
        let offsets = bundles.iter().map(&mut offset).collect();
        let ends = graph.tensors().map(|tensor| analysis.only_use(tensor)).collect();
        Ok(Self {
            graph,
            ends,
            bundles,
            forward,
            backward,
            ln_trace,
            to_trace,
            steps,
            offsets,
            len,
        })
    }

    pub(crate) fn ln_trace(&self) -> f64 {
        self.ln_trace
    }

    /// Length of a vector: all bundles.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Places of the bundles that keep a weight.
    pub(crate) fn places(&self) -> Vec<usize> {
        let sizes = self.bundles.iter().flat_map(|b| &b.sizes).enumerate();
        sizes.filter(|&(_, &size)| size > 0).map(|(place, _)| place).collect()
    }

    /// A random vector, 0 where pruned.
    pub(crate) fn start(&self, seed: u64) -> Vec<f64> {
        let mut keep = vec![false; self.len];
        self.places().into_iter().for_each(|p| keep[p] = true);
        random_vector(self.len, seed, |i| keep[i])
    }

    /// The eigenvalues that bundles of more than one weight have by themselves, over the trace, with their
    /// multiplicities.
    pub(crate) fn known(&self) -> Vec<(f64, u32)> {
        let tensor = |(t, bundles): (TensorId, &Bundles)| {
            let ends = self.at_rest(t);
            let (shape, sizes) = (bundles.shape, bundles.sizes.clone());
            let more = sizes.into_iter().enumerate().filter(|&(_, size)| size > 1);
            let value = move |(index, size): (usize, u32)| {
                let (i, j) = shape.ends(index);
                (ends.x[i] * ends.y[j] * ends.factor, size - 1)
            };
            more.map(value).collect::<Vec<_>>()
        };
        self.bundles.with_ids().flat_map(tensor).collect()
    }

    /// What the units at both ends of a tensor's bundles have, before any direction moves them.
    fn at_rest(&self, tensor: TensorId) -> AtEnds {
        let Ends { source, target, .. } = self.ends[tensor];
        let units = self.bundles[tensor].norms.len();
        let (x, y) = (&self.forward[source].values, &self.backward[target].values);
        let (x, y) = match self.bundles[tensor].span {
            Span::FromInputs => (vec![x[0]; units], y.clone()),
            Span::ToOutputs => (x.clone(), vec![y[0]; units]),
            Span::Units => (x.clone(), y.clone()),
        };
        let (dx, dy) = (vec![0.0; x.len()], vec![0.0; y.len()]);
        AtEnds { x, dx, y, dy, factor: self.to_trace[tensor] }
    }

    /// `out = G v / trace`.
    pub(crate) fn apply(&self, v: &[f64], out: &mut [f64]) {
        let start = |direction| vec![0.0; self.graph[self.graph.start(direction)].units];
        let mut forward = MovedForward { gram: self, v };
        let moved = self.graph.sweep(Direction::Forward, &mut forward, start(Direction::Forward));
        // Slices of the result by tensor, to be written as the backward sweep meets them.
        let mut slices: Vec<&mut [f64]> = Vec::new();
        let mut rest = out;
        for bundles in &self.bundles {
            let (slice, after) = std::mem::take(&mut rest).split_at_mut(bundles.norms.len());
            slices.push(slice);
            rest = after;
        }
        let mut backward = MovedBackward { gram: self, v, moved: &moved, slices: slices.into() };
        self.graph.sweep(Direction::Reverse, &mut backward, start(Direction::Reverse));
    }

    fn part<'v>(&self, v: &'v [f64], tensor: TensorId) -> &'v [f64] {
        &v[self.offsets[tensor]..][..self.bundles[tensor].norms.len()]
    }

    /// The factor from the near to the far layer's scale.
    fn rescale(&self, step: &Step) -> f64 {
        let [onward, back] = self.steps[step.connection];
        if step.direction == Direction::Forward { onward } else { back }
    }
}

/// dF: how the forward sums move with the direction. The outputs' are left at 0: nothing reads them.
struct MovedForward<'a> {
    gram: &'a Gram<'a>,
    v: &'a [f64],
}

/// dB: how the backward sums move, and the product `G v` on the way. The inputs' are left at 0: nothing reads them.
struct MovedBackward<'a> {
    gram: &'a Gram<'a>,
    v: &'a [f64],
    /// dF.
    moved: &'a ByLayer<Vec<f64>>,
    /// The result.
    slices: ByTensor<&'a mut [f64]>,
}

impl Semiring for MovedForward<'_> {
    type Value = f64;

    fn zero(&self) -> f64 {
        0.0
    }

    fn add(&self, sum: &mut f64, more: &f64) {
        *sum += more;
    }

    fn weighted(&mut self, step: &Step, shape: &Weighted, near: &[f64]) -> Vec<f64> {
        let bundles = &self.gram.bundles[shape.tensor];
        if bundles.span == Span::ToOutputs {
            return vec![0.0; step.units];
        }
        let mut ends = self.gram.at_rest(shape.tensor);
        if bundles.span != Span::FromInputs {
            ends.dx = near.to_vec();
        }
        let far = forward(bundles, self.gram.part(self.v, shape.tensor), &ends);
        Semiring::free(self, step, far)
    }

    fn free(&mut self, step: &Step, mut far: Vec<f64>) -> Vec<f64> {
        let factor = self.gram.rescale(step);
        far.iter_mut().for_each(|v| *v *= factor);
        far
    }
}

impl Semiring for MovedBackward<'_> {
    type Value = f64;

    fn zero(&self) -> f64 {
        0.0
    }

    fn add(&self, sum: &mut f64, more: &f64) {
        *sum += more;
    }

    fn weighted(&mut self, step: &Step, shape: &Weighted, near: &[f64]) -> Vec<f64> {
        let bundles = &self.gram.bundles[shape.tensor];
        let mut ends = self.gram.at_rest(shape.tensor);
        if bundles.span != Span::FromInputs {
            ends.dx.clone_from(&self.moved[step.far]);
        }
        if bundles.span != Span::ToOutputs {
            ends.dy = near.to_vec();
        }
        let out = std::mem::take(&mut self.slices[shape.tensor]);
        let far = backward(bundles, self.gram.part(self.v, shape.tensor), &ends, out);
        if bundles.span == Span::FromInputs {
            return vec![0.0; step.units];
        }
        Semiring::free(self, step, far)
    }

    fn free(&mut self, step: &Step, mut far: Vec<f64>) -> Vec<f64> {
        let factor = self.gram.rescale(step);
        far.iter_mut().for_each(|v| *v *= factor);
        far
    }
}

/// What the units at both ends of a connection have: F and dF at the source, B and dB at the target.
struct AtEnds {
    x: Vec<f64>,
    dx: Vec<f64>,
    y: Vec<f64>,
    dy: Vec<f64>,
    factor: f64,
}

/// `Σ_i s dx_i + θ v x_i` for each target unit.
fn forward(bundles: &Bundles, v: &[f64], ends: &AtEnds) -> Vec<f64> {
    let shape = bundles.shape;
    let row = shape.row();
    let mut sums = vec![0.0; shape.outputs];
    sums.par_iter_mut().with_min_len((BLOCK / row).max(1)).enumerate().for_each(|(j, sum)| {
        let first = shape.first_source(j);
        let (thetas, v) = (&bundles.norms[j * row..][..row], &v[j * row..][..row]);
        let (x, dx) = (&ends.x[first..][..row], &ends.dx[first..][..row]);
        let mut lanes = [0.0; LANES];
        let whole = row / LANES * LANES;
        for at in (0..whole).step_by(LANES) {
            for l in 0..LANES {
                let theta = thetas[at + l];
                lanes[l] += theta * (theta * dx[at + l] + v[at + l] * x[at + l]);
            }
        }
        for at in whole..row {
            let theta = thetas[at];
            lanes[at - whole] += theta * (theta * dx[at] + v[at] * x[at]);
        }
        *sum = lanes.iter().sum();
    });
    sums
}

/// `Σ_j s dy_j + θ v y_j` for each source unit, and the result's slice on the way.
fn backward(bundles: &Bundles, v: &[f64], ends: &AtEnds, out: &mut [f64]) -> Vec<f64> {
    let shape = bundles.shape;
    let (row, rows) = (shape.row(), shape.outputs_per_group());
    let block = (BLOCK / row).max(rows.div_ceil(BLOCKS)).clamp(1, rows);
    let blocks = rows.div_ceil(block);
    // Blocks do not cross groups, so a group's last block may be short: cut the result accordingly.
    let mut pieces = Vec::with_capacity(shape.groups * blocks);
    for group in out.chunks_mut(rows * row) {
        pieces.extend(group.chunks_mut(block * row));
    }
    let partial = |(piece, out): (usize, &mut [f64])| {
        let (group, from) = (piece / blocks, piece % blocks * block);
        let (x, dx) = (&ends.x[group * row..][..row], &ends.dx[group * row..][..row]);
        let mut sum = vec![0.0; row];
        for (place, out) in out.chunks_mut(row).enumerate() {
            let j = group * rows + from + place;
            let (y, dy) = (ends.y[j], ends.dy[j]);
            let (yf, dyf) = (y * ends.factor, dy * ends.factor);
            let (thetas, v) = (&bundles.norms[j * row..][..row], &v[j * row..][..row]);
            for m in 0..row {
                let (theta, v) = (thetas[m], v[m]);
                sum[m] += theta * (theta * dy + v * y);
                out[m] = theta * (dx[m] * yf + x[m] * dyf) + x[m] * yf * v;
            }
        }
        sum
    };
    let partials: Vec<Vec<f64>> = pieces
        .into_par_iter()
        .with_min_len((BLOCK / (block * row)).max(1))
        .enumerate()
        .map(partial)
        .collect();
    let mut sums = Vec::with_capacity(shape.groups * shape.inputs);
    for group in partials.chunks(blocks) {
        let mut total = vec![0.0; row];
        for part in group {
            total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        }
        sums.extend(total);
    }
    sums
}
