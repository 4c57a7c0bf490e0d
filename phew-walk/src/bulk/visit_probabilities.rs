//! Visit probabilities: how likely a walk is to pass each weight, exactly, by one sweep over the kernels' norms each way.

use phew_graph::{
    ByConnection, ByTensor, Direction, LayerSemiring, PathGraph, Step, Weighted, Wiring,
};
use rayon::prelude::*;

use crate::params::bias::Score;
use crate::params::{Granularity, Starts};
use crate::walk::frontier::Frontier;
use crate::walk::sampling_table::SamplingTable;

/// Rows that are summed together.
const ROWS: usize = 64;

/// What is known of one tensor's units, those on its source side and those on its target side.
pub(crate) struct VisitProbabilities {
    /// The sum of the norms onwards.
    pub(crate) totals: [Vec<f64>; 2],
    /// Expected visits by a walk, over that sum: a walk passes a weight of score s with probability
    /// `s · (source + target)`. Of a tensor that several operators share these are sums over its uses, and the product is how
    /// often a walk is expected to pass the weight: no less than the probability.
    pub(crate) visits: [Vec<f64>; 2],
}

impl VisitProbabilities {
    /// −ln of the probability that a walk does not keep a weight of the tensor; no less than that where several operators
    /// share it.
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
    tables: &ByTensor<SamplingTable<'_>>,
    walked: &ByConnection<bool>,
    frontiers: &[Frontier<'_>; 2],
    starts: Starts,
) -> ByTensor<VisitProbabilities> {
    let unvisited = |t: &SamplingTable<'_>| {
        let visits = [&t.forward, &t.reverse].map(|units| vec![0.0; units.bound.len()]);
        VisitProbabilities { totals: totals::<S>(t), visits }
    };
    let mut probabilities: ByTensor<VisitProbabilities> =
        tables.par_iter().map(unvisited).collect();
    for (direction, frontier) in Direction::BOTH.into_iter().zip(frontiers) {
        let units = graph[graph.start(direction)].units;
        let start = vec![starts.share(direction) / units as f64; units];
        let (score, probabilities) = (std::marker::PhantomData::<S>, &mut probabilities);
        let mut visits = Visits { tables, walked, frontier, probabilities, score };
        graph.sweep(direction, &mut visits, start);
    }
    probabilities
}

/// Expected visits of units by a walk, as what flows over the path graph. Notes what a sweep finds at each tensor.
struct Visits<'v, 'a, S> {
    tables: &'v ByTensor<SamplingTable<'a>>,
    walked: &'v ByConnection<bool>,
    frontier: &'v Frontier<'a>,
    probabilities: &'v mut ByTensor<VisitProbabilities>,
    score: std::marker::PhantomData<S>,
}

impl<S> Visits<'_, '_, S> {
    /// Of the visits of each near unit, those that go on over one of the connections onwards.
    fn leaving(&self, step: &Step, visits: &[f64]) -> Vec<f64> {
        let exits = self.frontier.exits(step.near);
        visits.iter().enumerate().map(|(u, v)| v / exits.choices(u) as f64).collect()
    }
}

impl<S: Score> LayerSemiring for Visits<'_, '_, S> {
    type Layer = Vec<f64>;

    fn weighted(&mut self, step: &Step, shape: &Weighted, near: &Vec<f64>) -> Vec<f64> {
        let mut far = vec![0.0; step.units];
        if self.walked[step.connection] {
            let forward = step.direction == Direction::Forward;
            let leaving = self.leaving(step, near);
            let here = &mut self.probabilities[shape.tensor];
            let side = usize::from(!forward);
            let rates: Vec<f64> =
                leaving.iter().zip(&here.totals[side]).map(|(v, t)| v / t).collect();
            flow::<S>(&self.tables[shape.tensor], forward, &rates, &mut far);
            here.visits[side].iter_mut().zip(rates).for_each(|(sum, rate)| *sum += rate);
        }
        far
    }

    fn free(&mut self, step: &Step, wiring: Wiring, near: &Vec<f64>) -> Vec<f64> {
        if !self.walked[step.connection] {
            return vec![0.0; step.units];
        }
        let mut leaving = self.leaving(step, near);
        let add = |sum: &mut f64, v: &f64| *sum += v;
        match step.direction {
            Direction::Forward => {
                leaving.iter_mut().for_each(|v| *v /= wiring.fan_out() as f64);
                wiring.onto_targets(&leaving, step.units, 0.0, add)
            }
            Direction::Reverse => {
                leaving.iter_mut().for_each(|v| *v /= wiring.fan_in() as f64);
                wiring.onto_sources(&leaving, step.units, 0.0, add)
            }
        }
    }

    fn sum(&mut self, units: usize, parts: Vec<Vec<f64>>) -> Vec<f64> {
        let mut sum = vec![0.0; units];
        for part in parts {
            sum.iter_mut().zip(part).for_each(|(sum, v)| *sum += v);
        }
        sum
    }
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
