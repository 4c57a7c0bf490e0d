//! The walker: takes batches of walks from layer to layer.
//!
//! Each walk draws from a stream of its own, so the batch that it is in does not change it.

use std::ops::Range;

use phew_graph::{ByTensor, Direction, PathGraph};
use rayon::prelude::*;

use crate::params::bias::Score;
use crate::params::{Starts, WalkLaw};
use crate::rng::{Stream, below, key};
use crate::walk::batch::{WalkBatch, lane};
use crate::walk::frontier::{Frontier, Onward, Passage};
use crate::walk::sampling_table::SamplingTable;
use crate::walk::steps::Steps;

/// Walks of a task.
const TASK: usize = 512;

/// The walks of one request: graph, tables and streams.
pub(crate) struct Walker<'a, S> {
    graph: &'a PathGraph,
    /// Forward, and in reverse.
    frontiers: [Frontier<'a>; 2],
    key: [u64; 2],
    starts: Starts,
    score: std::marker::PhantomData<S>,
}

impl<'a, S: Score> Walker<'a, S> {
    pub(crate) fn new(
        graph: &'a PathGraph,
        tables: &'a ByTensor<SamplingTable<'a>>,
        law: &WalkLaw,
    ) -> Self {
        let walked = graph.walked(law.skips);
        Self {
            graph,
            frontiers: Frontier::both(graph, tables, &walked),
            key: key("phew 2 walks", law.seed),
            starts: law.starts,
            score: std::marker::PhantomData,
        }
    }

    /// Draws walks `from .. from + count` in parallel, in order.
    pub(crate) fn draw(&self, from: u64, count: usize) -> Vec<Steps> {
        let tasks = count.div_ceil(TASK);
        let task = |batches: &mut [WalkBatch; 2], t: usize| {
            self.walk(from + (t * TASK) as u64, TASK.min(count - t * TASK), batches)
        };
        (0..tasks).into_par_iter().map_init(|| self.batches(), task).collect()
    }

    /// Room for the walks of one task: a batch for each direction.
    pub(crate) fn batches(&self) -> [WalkBatch; 2] {
        [(); 2].map(|()| WalkBatch::new(self.graph))
    }

    /// The walks numbered `from .. from + count`.
    pub(crate) fn walk(&self, from: u64, count: usize, batches: &mut [WalkBatch; 2]) -> Steps {
        let all = count * self.graph.layers().len();
        let mut steps = Steps {
            runs: Vec::new(),
            indices: Vec::with_capacity(all),
            walks: Vec::with_capacity(all),
            count,
        };
        for walk in 0..count {
            let (direction, unit) = self.starts.of(self.graph, from + walk as u64);
            let batch = &mut batches[usize::from(direction == Direction::Reverse)];
            let mut stream = Stream::new(self.key, from + walk as u64);
            let start = self.graph.start(direction);
            let unit = unit.unwrap_or_else(|| below(&mut stream, self.graph[start].units));
            if batch.add(stream, walk as u16, start, unit as u32) {
                self.advance(direction, batch, &mut steps);
            }
        }
        for (batch, direction) in batches.iter_mut().zip(Direction::BOTH) {
            self.advance(direction, batch, &mut steps);
        }
        steps
    }

    /// Walks of these numbers that start at each input and at each output unit.
    pub(crate) fn started(&self, walks: &[Range<u64>]) -> [Vec<u64>; 2] {
        Direction::BOTH.map(|direction| {
            let units = self.graph[self.graph.start(direction)].units;
            let mut counts = vec![0; units];
            let turns = |w: &Range<u64>| self.starts.turns(direction, w.start, w.end - w.start);
            for walks in walks {
                if self.starts == Starts::Random {
                    let of = |&walk: &u64| self.starts.of(self.graph, walk).0 == direction;
                    for walk in walks.clone().filter(of) {
                        counts[below(&mut Stream::new(self.key, walk), units)] += 1;
                    }
                } else {
                    let started = Starts::round_robin(turns(walks), units);
                    counts.iter_mut().zip(started).for_each(|(count, n)| *count += n);
                }
            }
            counts
        })
    }

    /// Takes a batch to the end of its walks, layer by layer, and empties it.
    fn advance(&self, direction: Direction, batch: &mut WalkBatch, steps: &mut Steps) {
        let frontier = &self.frontiers[usize::from(direction == Direction::Reverse)];
        let mut shares: Vec<Vec<u16>> = Vec::new();
        for layer in self.graph.order(direction) {
            if batch.standing[layer].is_empty() {
                continue;
            }
            let mut here = std::mem::take(&mut batch.standing[layer]);
            let exits = frontier.exits(layer);
            match &exits.onward[..] {
                [] => {}
                [only] => self.take(only, &here, batch, steps),
                several => {
                    shares.resize(several.len().max(shares.len()), Vec::new());
                    for &number in &here {
                        let l = lane(number);
                        let chosen = exits.choose(batch.units[l] as usize, &mut batch.streams[l]);
                        shares[chosen].push(number);
                    }
                    for (onward, lanes) in several.iter().zip(&mut shares) {
                        self.take(onward, lanes, batch, steps);
                        lanes.clear();
                    }
                }
            }
            here.clear();
            batch.standing[layer] = here;
        }
        batch.clear();
    }

    /// Takes some walks over one connection.
    fn take(&self, onward: &Onward<'_>, lanes: &[u16], batch: &mut WalkBatch, steps: &mut Steps) {
        match &onward.passage {
            Passage::Weighted(kernels) => {
                batch.draw_kernels::<S>(kernels, lanes);
                batch.draw_scalars::<S>(kernels, lanes, steps);
                steps.runs.push((kernels.tensor, steps.indices.len() as u32));
            }
            Passage::Free(free) => {
                for l in lanes.iter().map(|&l| lane(l)) {
                    let ends = free.ends(batch.units[l] as usize);
                    let chosen = match ends.len() {
                        1 => 0,
                        several => below(&mut batch.streams[l], several),
                    };
                    batch.units[l] = (ends.start + chosen) as u32;
                }
            }
        }
        batch.standing[onward.layer].extend_from_slice(lanes);
    }
}
