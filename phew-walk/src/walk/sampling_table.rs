//! Sampling table of a tensor: the norm of each kernel, and for each unit the greatest norm onwards.
//!
//! A step draws the kernel first, by the sum of its scalars' scores, and then the scalar inside it: the same
//! law as drawing the scalar at once, and the sums of a 3×3 tensor are nine times smaller than the tensor, so
//! the random reads mostly hit the cache. The kernel is drawn by rejection: a kernel uniformly, accepted with
//! probability norm / greatest norm. That needs no cumulative tables, in either direction: one pass over the
//! weights, and memory of one ninth of them (for 1×1 kernels nothing: the weights are their own norms).

use phew_graph::{ByTensor, GraphError, Network, PathGraph, TensorId, Weighted};
use rayon::prelude::*;

use crate::params::bias::Score;

/// Rejection takes `bound · fan / total` tries on average; beyond this, cumulative sums are faster.
const TRIES: f32 = 16.0;

/// Scalars of a block of rows: enough to be worth a task.
const BLOCK: usize = 1 << 16;

/// Rows of single weights of a block at least.
const SHARE: usize = 64;

/// Rows that stay in the second cache,
const ROWS: usize = 8;

/// and source units whose sums stay in the first.
const TILE: usize = 2048;

/// Sampling tables of one weighted connection.
pub(crate) struct SamplingTable<'a> {
    pub(crate) shape: Weighted,
    pub(crate) weights: &'a [f32],
    /// Score of each kernel, `[outputs, inputs]`; empty for kernels of one scalar.
    norms: Vec<f32>,
    /// How to leave each source unit.
    pub(crate) forward: UnitSampling,
    /// How to leave each target unit in reverse.
    pub(crate) reverse: UnitSampling,
}

/// How to draw the next kernel at each unit of one side.
pub(crate) struct UnitSampling {
    /// The greatest norm; 0 where all are 0: such a unit is left uniformly.
    pub(crate) bound: Vec<f32>,
    /// Cumulative norms, for units whose norms are too uneven for rejection; empty if there is none.
    cumulative: Vec<Option<Box<[f64]>>>,
}

impl UnitSampling {
    /// The cumulative norms of a unit, where it has them.
    #[inline]
    pub(crate) fn cumulative(&self, unit: usize) -> Option<&[f64]> {
        self.cumulative.get(unit)?.as_deref()
    }

    fn new(stats: Stats, fan: usize, norms: impl Fn(usize) -> Vec<f32> + Sync) -> Self {
        let uneven = |u: usize| stats.bound[u] * fan as f32 > TRIES * stats.total[u];
        let units = stats.bound.len();
        let cumulative = if (0..units).any(uneven) {
            let build = |u: usize| {
                uneven(u).then(|| {
                    let mut sum = 0.0;
                    let add = |n: f32| {
                        sum += f64::from(n);
                        sum
                    };
                    norms(u).into_iter().map(add).collect()
                })
            };
            (0..units).into_par_iter().map(build).collect()
        } else {
            Vec::new()
        };
        Self { bound: stats.bound, cumulative }
    }
}

/// Greatest and summed norm of each unit.
struct Stats {
    bound: Vec<f32>,
    total: Vec<f32>,
}

impl Stats {
    fn new(units: usize) -> Self {
        Self { bound: vec![0.0; units], total: vec![0.0; units] }
    }

    /// Adds a norm to each of the units from the first on.
    #[inline]
    fn add(&mut self, first: usize, norms: &[f32], norm: impl Fn(f32) -> f32) {
        let units = self.bound[first..].iter_mut().zip(&mut self.total[first..]);
        for ((bound, total), &n) in units.zip(norms) {
            let n = norm(n);
            *bound = greater(*bound, n);
            *total += n;
        }
    }

    fn merge(&mut self, from: usize, other: &Stats) {
        for (u, (&bound, &total)) in other.bound.iter().zip(&other.total).enumerate() {
            self.bound[from + u] = self.bound[from + u].max(bound);
            self.total[from + u] += total;
        }
    }
}

#[inline]
fn greater(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

/// Greatest and summed norm of a row: in sixteen lanes and a fixed order.
#[inline]
fn row_stats(row: &[f32], norm: impl Fn(f32) -> f32) -> (f32, f32) {
    let (mut greatest, mut sum) = ([0.0f32; 16], [0.0f32; 16]);
    let (whole, rest) = row.as_chunks::<16>();
    for chunk in whole {
        for l in 0..16 {
            let n = norm(chunk[l]);
            greatest[l] = greater(greatest[l], n);
            sum[l] += n;
        }
    }
    for (l, &n) in rest.iter().enumerate() {
        let n = norm(n);
        greatest[l] = greater(greatest[l], n);
        sum[l] += n;
    }
    (greatest.into_iter().fold(0.0, greater), sum.iter().sum())
}

impl<'a> SamplingTable<'a> {
    /// The tables of all tensors of a network: one pass over its weights.
    pub(crate) fn of_network<S: Score>(
        graph: &PathGraph,
        network: &'a Network,
    ) -> Result<ByTensor<Self>, GraphError> {
        let table = |(tensor, weights): (TensorId, &&'a [f32])| {
            // Steps name the scalars of a tensor by numbers of 32 bits.
            if u32::try_from(weights.len()).is_err() {
                return Err(GraphError::Parameter {
                    name: "size of a weight tensor",
                    found: weights.len().to_string(),
                    expected: "at most 2^32 - 1 scalars",
                });
            }
            Ok(Self::new::<S>(graph.shape(tensor), weights))
        };
        network.weights().with_ids().map(table).collect()
    }

    /// One pass over the tensor. Blocks of rows depend on the shape alone, so the tables do not depend on the
    /// number of threads.
    fn new<S: Score>(shape: Weighted, weights: &'a [f32]) -> Self {
        let (row, rows) = (shape.row(), shape.outputs_per_group());
        // Each block has sums of its own for its source units: many rows share them.
        let block = (BLOCK / row).max(SHARE.div_ceil(shape.kernel)).clamp(1, rows);
        let mut norms =
            if shape.kernel == 1 { Vec::new() } else { vec![0.0; shape.outputs * shape.inputs] };
        let mut targets = Stats::new(shape.outputs);
        // A block never spans two groups: its rows share their source units.
        let mut tasks = Vec::new();
        let mut rest_norms = norms.as_mut_slice();
        let mut rest_bound = targets.bound.as_mut_slice();
        let mut rest_total = targets.total.as_mut_slice();
        for group in 0..shape.groups {
            for from in (0..rows).step_by(block) {
                let count = block.min(rows - from);
                let stored = if shape.kernel == 1 { 0 } else { count * shape.inputs };
                let (own_norms, tail) = rest_norms.split_at_mut(stored);
                rest_norms = tail;
                let (own_bound, tail) = rest_bound.split_at_mut(count);
                rest_bound = tail;
                let (own_total, tail) = rest_total.split_at_mut(count);
                rest_total = tail;
                let start = (group * rows + from) * row;
                let own_weights = &weights[start..start + count * row];
                tasks.push((group, own_weights, own_norms, own_bound, own_total));
            }
        }
        let least = (BLOCK / (block * row)).max(1);
        let partial: Vec<(usize, Stats)> = tasks
            .into_par_iter()
            .with_min_len(least)
            .map(|(group, weights, norms, bound, total)| {
                let mut sources = Stats::new(shape.inputs);
                // First along the rows, as fast as memory streams, and then along the columns, from the caches.
                for first in (0..bound.len()).step_by(ROWS) {
                    let rows = first..bound.len().min(first + ROWS);
                    for r in rows.clone() {
                        let weights = &weights[r * row..][..row];
                        (bound[r], total[r]) = if norms.is_empty() {
                            row_stats(weights, S::of)
                        } else {
                            let norms = &mut norms[r * shape.inputs..][..shape.inputs];
                            kernel_norms::<S>(weights, shape.kernel, norms);
                            row_stats(norms, |norm| norm)
                        };
                    }
                    for tile in (0..shape.inputs).step_by(TILE) {
                        let width = TILE.min(shape.inputs - tile);
                        for from in rows.clone().map(|r| r * shape.inputs + tile) {
                            if norms.is_empty() {
                                sources.add(tile, &weights[from..][..width], S::of);
                            } else {
                                sources.add(tile, &norms[from..][..width], |norm| norm);
                            }
                        }
                    }
                }
                (group, sources)
            })
            .collect();
        let mut sources = Stats::new(shape.groups * shape.inputs);
        for (group, stats) in &partial {
            sources.merge(group * shape.inputs, stats);
        }
        let at = |k: usize| if norms.is_empty() { S::of(weights[k]) } else { norms[k] };
        let column = |u: usize| {
            let first = u / shape.inputs * rows;
            (first..first + rows).map(|j| at(j * shape.inputs + u % shape.inputs)).collect()
        };
        let line = |u: usize| (u * shape.inputs..(u + 1) * shape.inputs).map(at).collect();
        let forward = UnitSampling::new(sources, rows, column);
        let reverse = UnitSampling::new(targets, shape.inputs, line);
        Self { shape, weights, norms, forward, reverse }
    }

    /// Whether some unit has only scores of 0 onwards, in either direction.
    pub(crate) fn has_stuck_units(&self) -> bool {
        self.forward.bound.contains(&0.0) || self.reverse.bound.contains(&0.0)
    }

    /// Norms of the kernels, or the weights themselves where a kernel is one scalar.
    #[inline]
    pub(crate) fn kernels(&self) -> &[f32] {
        if self.norms.is_empty() { self.weights } else { &self.norms }
    }
}

/// Sum of the scores of each kernel of a row.
fn kernel_norms<S: Score>(weights: &[f32], kernel: usize, norms: &mut [f32]) {
    match kernel {
        9 => {
            for (n, w) in norms.iter_mut().zip(weights.as_chunks::<9>().0) {
                *n = w.iter().map(|&w| S::of(w)).sum();
            }
        }
        _ => {
            for (n, w) in norms.iter_mut().zip(weights.chunks(kernel)) {
                *n = w.iter().map(|&w| S::of(w)).sum();
            }
        }
    }
}
