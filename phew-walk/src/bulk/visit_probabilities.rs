//! Visit probabilities: how likely a walk is to pass each weight, exactly, by sums over the kernels' norms.

use phew_graph::{Direction, Kind, PathGraph};
use rayon::prelude::*;

use crate::params::bias::Score;
use crate::params::{Granularity, Starts};
use crate::walk::sampling_table::SamplingTable;

/// Rows that are summed together.
const ROWS: usize = 64;

/// What is known of one tensor's units, those on its source side and those on its target side.
pub(crate) struct VisitProbabilities {
    /// The sum of the norms onwards.
    pub(crate) totals: [Vec<f64>; 2],
    /// Expected visits by a walk, over that sum: a walk passes a weight of score s with probability
    /// `s · (source + target)`.
    pub(crate) visits: [Vec<f64>; 2],
}

impl VisitProbabilities {
    /// −ln of the probability that a walk does not keep a weight of the tensor.
    pub(crate) fn rate<S: Score>(
        &self,
        table: &SamplingTable<'_>,
        index: usize,
        granularity: Granularity,
    ) -> f64 {
        let shape = table.shape;
        let (source, target) = shape.ends(index);
        let whole = shape.kernel > 1 && granularity == Granularity::Kernel;
        let score =
            if whole { table.kernels()[index / shape.kernel] } else { S::of(table.weights[index]) };
        let [from_source, from_target] = &self.visits;
        let passes = f64::from(score) * (from_source[source] + from_target[target]);
        -libm::log1p(-passes.min(0.999))
    }
}

/// The visit probabilities of a walk of either direction, for each tensor.
///
/// Needs units that all have some score onwards; see [`SamplingTable`].
pub(crate) fn visit_probabilities<S: Score>(
    graph: &PathGraph,
    tables: &[SamplingTable<'_>],
    walked: &[bool],
    starts: Starts,
) -> Vec<VisitProbabilities> {
    let unvisited = |t: &SamplingTable<'_>| {
        let visits = [&t.forward, &t.reverse].map(|units| vec![0.0; units.bound.len()]);
        VisitProbabilities { totals: totals::<S>(t), visits }
    };
    let mut probabilities: Vec<VisitProbabilities> = tables.par_iter().map(unvisited).collect();
    for direction in [Direction::Forward, Direction::Reverse] {
        let forward = direction == Direction::Forward;
        let mut visits: Vec<Vec<f64>> = graph.layers().iter().map(|l| vec![0.0; l.units]).collect();
        let last = visits.len() - 1;
        let start = if forward { 0 } else { last };
        let units = visits[start].len() as f64;
        visits[start].fill(starts.share(direction) / units);
        for layer in (0..=last).map(|step| if forward { step } else { last - step }) {
            let here = &graph.layers()[layer];
            let list = if forward { &here.outgoing } else { &here.incoming };
            let onward: Vec<usize> = list.iter().copied().filter(|&c| walked[c]).collect();
            let from: Vec<f64> = visits[layer].iter().map(|v| v / onward.len() as f64).collect();
            for c in onward {
                let connection = &graph.connections()[c];
                let next = &mut visits[if forward { connection.target } else { connection.source }];
                match connection.kind {
                    Kind::Identity => next.iter_mut().zip(&from).for_each(|(to, v)| *to += v),
                    Kind::Flatten { block } if forward => {
                        let spread = next.iter_mut().enumerate();
                        spread.for_each(|(f, to)| *to += from[f / block] / block as f64);
                    }
                    Kind::Flatten { block } => {
                        from.iter().enumerate().for_each(|(f, v)| next[f / block] += v);
                    }
                    Kind::Weighted(shape) => {
                        let side = usize::from(!forward);
                        let totals = &probabilities[shape.tensor].totals[side];
                        let rate: Vec<f64> = from.iter().zip(totals).map(|(v, t)| v / t).collect();
                        flow::<S>(&tables[shape.tensor], forward, &rate, next);
                        probabilities[shape.tensor].visits[side] = rate;
                    }
                }
            }
        }
    }
    probabilities
}

/// Sums of the norms onwards from each unit of either side.
fn totals<S: Score>(table: &SamplingTable<'_>) -> [Vec<f64>; 2] {
    let shape = table.shape;
    let mut source = vec![0.0; shape.groups * shape.inputs];
    let mut target = vec![0.0; shape.outputs];
    for (j, norms) in table.kernels().chunks(shape.inputs).enumerate() {
        let first = shape.first_source(j);
        for (i, &norm) in norms.iter().enumerate() {
            let norm = f64::from(if shape.kernel == 1 { S::of(norm) } else { norm });
            source[first + i] += norm;
            target[j] += norm;
        }
    }
    [source, target]
}

/// Adds to the far units what flows to them: norm times the rate of the near unit.
fn flow<S: Score>(table: &SamplingTable<'_>, forward: bool, rate: &[f64], next: &mut [f64]) {
    let shape = table.shape;
    let norm = |norm: f32| f64::from(if shape.kernel == 1 { S::of(norm) } else { norm });
    let rows = table.kernels().par_chunks(shape.inputs);
    if forward {
        let arrive = |(j, (norms, next)): (usize, (&[f32], &mut f64))| {
            let rate = &rate[shape.first_source(j)..][..shape.inputs];
            // Eight sums of their own: one would wait for itself.
            let mut lanes = [0.0; 8];
            for (norms, rate) in norms.chunks(8).zip(rate.chunks(8)) {
                for ((lane, &n), &c) in lanes.iter_mut().zip(norms).zip(rate) {
                    *lane += norm(n) * c;
                }
            }
            *next += lanes.iter().sum::<f64>();
        };
        rows.zip(next).with_min_len(ROWS).enumerate().for_each(arrive);
        return;
    }
    // Blocks of rows depend on the shape alone, so the sums do not depend on the number of threads; none spans two
    // groups.
    let rows = shape.outputs_per_group();
    for group in 0..shape.groups {
        let from = group * rows;
        let norms = &table.kernels()[from * shape.inputs..(from + rows) * shape.inputs];
        let rate = &rate[from..from + rows];
        let block = |(b, norms): (usize, &[f32])| {
            let mut sums = vec![0.0; shape.inputs];
            for (norms, &rate) in norms.chunks(shape.inputs).zip(&rate[b * ROWS..]) {
                sums.iter_mut().zip(norms).for_each(|(sum, &n)| *sum += norm(n) * rate);
            }
            sums
        };
        let blocks: Vec<Vec<f64>> =
            norms.par_chunks(ROWS * shape.inputs).enumerate().map(block).collect();
        let next = &mut next[group * shape.inputs..];
        for sums in blocks {
            next.iter_mut().zip(sums).for_each(|(to, n)| *to += n);
        }
    }
}
