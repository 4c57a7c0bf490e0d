//! The bulk engine: batches of any number of walks, layer by layer, in one pass over the kernels' norms each way.
//!
//! What a batch keeps has exactly the law of that many single walks, though not their bytes. Its cost hardly depends on
//! how many walks it holds.

use phew_graph::{
    ByLayer, ByTensor, ConnectionId, Direction, LayerId, Mask, Network, PathGraph, TensorId,
};
use rayon::prelude::*;

use crate::bulk::atomic_mask::AtomicMask;
use crate::bulk::batch_size::{ExpectedGain, OpenWeights};
use crate::bulk::block::Block;
use crate::bulk::multinomial::multinomial;
use crate::bulk::visit_probabilities::{VisitProbabilities, visit_probabilities};
use crate::params::bias::Score;
use crate::params::{Granularity, Starts, WalkLaw};
use crate::rng::{Stream, key};
use crate::walk::frontier::{Frontier, Passage};
use crate::walk::onward_kernels::OnwardKernels;
use crate::walk::sampling_table::SamplingTable;

/// Kernels of a task, about.
const TASK: usize = 1 << 14;

/// Columns of a task at least: a cache line of norms.
const COLUMNS: usize = 16;

/// What a batch of walks makes of a mask.
pub(crate) struct BatchOutcome {
    pub(crate) mask: Mask,
    /// Walks that started at each input and at each output unit.
    pub(crate) started: [Vec<u64>; 2],
}

/// The walks of one request, in batches.
pub(crate) struct BulkEngine<'a, S> {
    graph: &'a PathGraph,
    tables: &'a ByTensor<SamplingTable<'a>>,
    /// Forward, and in reverse.
    frontiers: [Frontier<'a>; 2],
    starts: Starts,
    granularity: Granularity,
    key: [u64; 2],
    batch: u64,
    probabilities: ByTensor<VisitProbabilities>,
    score: std::marker::PhantomData<S>,
}

impl<'a, S: Score> BulkEngine<'a, S> {
    /// Needs units that all have some score onwards; see [`SamplingTable`].
    pub(crate) fn new(
        graph: &'a PathGraph,
        tables: &'a ByTensor<SamplingTable<'a>>,
        law: &WalkLaw,
        granularity: Granularity,
    ) -> Self {
        let walked = graph.walked(law.skips);
        let frontiers = Frontier::both(graph, tables, &walked);
        let probabilities =
            visit_probabilities::<S>(graph, tables, &walked, &frontiers, law.starts);
        Self {
            graph,
            tables,
            frontiers,
            starts: law.starts,
            granularity,
            key: key("phew 2 bulk walks", law.seed),
            batch: 0,
            probabilities,
            score: std::marker::PhantomData,
        }
    }

    /// The mask and what the walks numbered `from .. from + count` pass.
    pub(crate) fn run(
        &mut self,
        from: u64,
        count: u64,
        mask: &Mask,
        network: &Network,
    ) -> BatchOutcome {
        let kept = AtomicMask::new(mask);
        let started = Direction::BOTH.map(|direction| {
            let mut counts: ByLayer<Vec<u64>> =
                self.graph.layers().iter().map(|l| vec![0; l.units]).collect();
            let started = self.starting(direction, from, count);
            counts[self.graph.start(direction)].clone_from(&started);
            for layer in self.graph.order(direction) {
                self.leave(direction, layer, &mut counts, &kept);
            }
            started
        });
        self.batch += 1;
        BatchOutcome { mask: kept.mask(network), started }
    }

    /// What more walks are expected to add to a mask.
    pub(crate) fn expected_gain(&self, mask: &Mask) -> ExpectedGain {
        let mut stream = Stream::new(self.key, u64::MAX - self.batch);
        let open = OpenWeights::sample(mask, &mut stream);
        let rate = |(tensor, index): (TensorId, usize)| {
            self.probabilities[tensor].rate::<S>(&self.tables[tensor], index, self.granularity)
        };
        let rates = open.weights.into_par_iter().with_min_len(1024).map(rate).collect();
        let most = |table: &SamplingTable<'_>| match self.granularity {
            Granularity::Weight => 1,
            Granularity::Kernel => table.shape.kernel,
        };
        let uses = |(tensor, table)| most(table) * self.graph.uses(tensor).len();
        let most = self.tables.with_ids().map(uses).sum::<usize>() as f64;
        ExpectedGain { rates, share: open.share, most }
    }

    /// Walks that start at each unit, among those numbered `from .. from + count`.
    fn starting(&self, direction: Direction, from: u64, count: u64) -> Vec<u64> {
        let units = self.graph[self.graph.start(direction)].units;
        let turns = self.starts.turns(direction, from, count);
        if self.starts != Starts::Random {
            return Starts::round_robin(turns, units);
        }
        let mut counts = vec![0; units];
        let mut stream = self.stream(direction, self.graph.tensors().len(), 0);
        multinomial(turns.end - turns.start, &vec![1.0; units], &mut stream, |u, n| counts[u] = n);
        counts
    }

    /// Moves the walks of one layer onwards.
    fn leave(
        &self,
        direction: Direction,
        layer: LayerId,
        counts: &mut ByLayer<Vec<u64>>,
        kept: &AtomicMask,
    ) {
        let exits = self.frontiers[usize::from(direction == Direction::Reverse)].exits(layer);
        if exits.onward.is_empty() {
            return;
        }
        let walks = std::mem::take(&mut counts[layer]);
        // The streams of layers are numbered after those of tensors.
        let part = self.graph.tensors().len() + 1 + layer.index();
        let mut stream = self.stream(direction, part, 0);
        let mut shares = vec![vec![0; walks.len()]; exits.onward.len()];
        for (u, &n) in walks.iter().enumerate().filter(|(_, n)| **n > 0) {
            multinomial(n, &exits.shares(u), &mut stream, |c, k| shares[c][u] = k);
        }
        for (onward, walks) in exits.onward.iter().zip(&shares) {
            let next = &mut counts[onward.layer];
            match &onward.passage {
                Passage::Weighted(kernels) => {
                    let part = self.part(onward.connection, kernels.tensor);
                    let arrived = self.cross((direction, part), kernels, walks, kept);
                    next.iter_mut().zip(arrived).for_each(|(to, n)| *to += n);
                }
                Passage::Free(free) => {
                    for (u, &n) in walks.iter().enumerate().filter(|(_, n)| **n > 0) {
                        let ends = free.ends(u);
                        let even = vec![1.0; ends.len()];
                        multinomial(n, &even, &mut stream, |c, k| next[ends.start + c] += k);
                    }
                }
            }
        }
    }

    /// Takes walks over a weighted connection, keeps what they pass, and adds them up at its far end.
    fn cross(
        &self,
        (direction, part): (Direction, usize),
        onward: &OnwardKernels<'_>,
        walks: &[u64],
        kept: &AtomicMask,
    ) -> Vec<u64> {
        let near = onward.near();
        let least = if onward.forward { COLUMNS } else { 1 };
        let units = (TASK / onward.count).max(least).min(near);
        let chunks = near.div_ceil(units);
        let totals = &self.probabilities[onward.tensor].totals[usize::from(!onward.forward)];
        let task = |task: usize| {
            let (group, chunk) = (task / chunks, task % chunks);
            let from = group * near + chunk * units;
            let to = (from + units).min((group + 1) * near);
            let mut stream = self.stream(direction, part, task);
            let layer = kept.layer(onward.tensor);
            let block = Block::new(onward, layer, self.granularity, from, to - from);
            (group, block.cross::<S>(&walks[from..to], &totals[from..to], &mut stream))
        };
        let arrived: Vec<(usize, Vec<u64>)> =
            (0..onward.groups * chunks).into_par_iter().map(task).collect();
        let mut far = vec![0; onward.groups * onward.count];
        for (group, arrived) in arrived {
            far[group * onward.count..].iter_mut().zip(arrived).for_each(|(to, n)| *to += n);
        }
        far
    }

    /// The number of a weighted connection's streams: its tensor's. Further uses of a tensor are numbered after the layers.
    fn part(&self, connection: ConnectionId, tensor: TensorId) -> usize {
        let first = self.graph.uses(tensor).next();
        match first.is_some_and(|first| first.connection == connection) {
            true => tensor.index(),
            false => {
                self.graph.tensors().len() + 1 + self.graph.layers().len() + connection.index()
            }
        }
    }

    /// The stream of one task of this batch.
    fn stream(&self, direction: Direction, part: usize, task: usize) -> Stream {
        let direction = u64::from(direction == Direction::Reverse);
        Stream::new(
            self.key,
            self.batch << 48 | direction << 47 | (part as u64) << 28 | task as u64,
        )
    }
}

#[cfg(test)]
mod tests;
