//! How likely a walk is to pass each weight: exact, by sums over the kernels' norms.

use phew_graph::{Direction, Kind, PathGraph};
use rayon::prelude::*;

use crate::params::Starts;
use crate::score::Score;
use crate::table::Table;

/// Rows that are summed together.
const ROWS: usize = 64;

/// What is known of one tensor's units, those on its source side and those on its target side.
pub(crate) struct Chances {
    /// The sum of the norms onwards.
    pub(crate) totals: [Vec<f64>; 2],
    /// Expected visits by a walk, over that sum: a walk passes a weight of score s with probability
    /// `s · (source + target)`.
    pub(crate) visits: [Vec<f64>; 2],
}

/// The chances of a walk of either direction, for each tensor.
///
/// Needs units that all have some score onwards; see [`Table`].
pub(crate) fn chances<S: Score>(
    graph: &PathGraph,
    tables: &[Table<'_>],
    walked: &[bool],
    starts: Starts,
) -> Vec<Chances> {
    let unvisited = |t: &Table<'_>| {
        let visits = [&t.forward, &t.reverse].map(|units| vec![0.0; units.bound.len()]);
        Chances { totals: totals::<S>(t), visits }
    };
    let mut chances: Vec<Chances> = tables.par_iter().map(unvisited).collect();
    for direction in [Direction::Forward, Direction::Reverse] {
        let forward = direction == Direction::Forward;
        let mut visits: Vec<Vec<f64>> = graph.layers().iter().map(|l| vec![0.0; l.units]).collect();
        let last = visits.len() - 1;
        let start = if forward { 0 } else { last };
        let units = visits[start].len() as f64;
        visits[start].fill(share(starts, direction) / units);
        for layer in (0..=last).map(|step| if forward { step } else { last - step }) {
            let here = &graph.layers()[layer];
            let list = if forward { &here.outgoing } else { &here.incoming };
            let ways: Vec<usize> = list.iter().copied().filter(|&c| walked[c]).collect();
            let from: Vec<f64> = visits[layer].iter().map(|v| v / ways.len() as f64).collect();
            for way in ways {
                let connection = &graph.connections()[way];
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
                        let totals = &chances[shape.tensor].totals[side];
                        let chance: Vec<f64> =
                            from.iter().zip(totals).map(|(v, t)| v / t).collect();
                        flow::<S>(&tables[shape.tensor], forward, &chance, next);
                        chances[shape.tensor].visits[side] = chance;
                    }
                }
            }
        }
    }
    chances
}

/// The share of the walks that go in a direction.
fn share(starts: Starts, direction: Direction) -> f64 {
    match (starts, direction) {
        (Starts::Forward, Direction::Forward) | (Starts::Reverse, Direction::Reverse) => 1.0,
        (Starts::Forward | Starts::Reverse, _) => 0.0,
        (Starts::Balanced | Starts::Random, _) => 0.5,
    }
}

/// Sums of the norms onwards from each unit of either side.
fn totals<S: Score>(table: &Table<'_>) -> [Vec<f64>; 2] {
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

/// Adds to the far units what flows to them: norm times the chance of the near unit.
fn flow<S: Score>(table: &Table<'_>, forward: bool, chance: &[f64], next: &mut [f64]) {
    let shape = table.shape;
    let norm = |norm: f32| f64::from(if shape.kernel == 1 { S::of(norm) } else { norm });
    let rows = table.kernels().par_chunks(shape.inputs);
    if forward {
        let arrive = |(j, (norms, next)): (usize, (&[f32], &mut f64))| {
            let chance = &chance[shape.first_source(j)..][..shape.inputs];
            // Eight sums of their own: one would wait for itself.
            let mut lanes = [0.0; 8];
            for (norms, chance) in norms.chunks(8).zip(chance.chunks(8)) {
                for ((lane, &n), &c) in lanes.iter_mut().zip(norms).zip(chance) {
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
        let chance = &chance[from..from + rows];
        let block = |(b, norms): (usize, &[f32])| {
            let mut sums = vec![0.0; shape.inputs];
            for (norms, &chance) in norms.chunks(shape.inputs).zip(&chance[b * ROWS..]) {
                sums.iter_mut().zip(norms).for_each(|(sum, &n)| *sum += norm(n) * chance);
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
