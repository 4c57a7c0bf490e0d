//! The working set of iterative SynFlow: the kept weights alone, compacted as the density falls.
//!
//! A tensor's rows are cut into blocks; a block holds whole rows while most of its weights live, and after that
//! lists the live ones with their columns. Each step sums over
//! the live weights forward and backward, then scores them: what is surely below the threshold goes, what is
//! near it is collected and decided exactly. Pruned weights leave the lists when they have become many.

mod block;
mod bracket;
mod dense;
mod sparse;

use phew_graph::{LayerMask, LayerSums, Mask, PathSums};
use rayon::prelude::*;

use crate::error::BaselineError;
use crate::prune::{Progress, State, Watch, tell};
use crate::scorers::{Saliency, synflow_scores};
use crate::select::{Counts, keep_highest};
use block::{Block, Near, Row};

/// All live weights.
pub(crate) struct WorkingSet {
    saliency: Saliency,
    blocks: Vec<Block>,
    /// By tensor: which blocks are its.
    blocks_of: Vec<std::ops::Range<usize>>,
    live: usize,
}

impl WorkingSet {
    /// The dense network.
    pub(crate) fn new(saliency: Saliency, state: &State<'_>) -> Self {
        let tensors = 0..state.graph.tensors();
        let cut: Vec<Vec<Row>> =
            tensors.map(|t| block::cut(t, &state.graph.weighted(t).1)).collect();
        let mut first = 0;
        let blocks_of = cut.iter().map(|rows| {
            first += rows.len();
            first - rows.len()..first
        });
        let blocks_of = blocks_of.collect();
        let blocks: Vec<Block> = cut
            .into_par_iter()
            .flatten()
            .map(|r| Block::dense(r, state.weights[r.tensor]))
            .collect();
        let live = state.network.arch().prunable_len();
        Self { saliency, blocks, blocks_of, live }
    }

    /// Prunes to each of the counts in turn.
    pub(crate) fn prune(
        mut self,
        state: &State<'_>,
        counts: &[usize],
        watch: &mut Watch<'_>,
    ) -> Result<Mask, BaselineError> {
        for (step, &kept) in counts.iter().enumerate() {
            if kept < self.live {
                self.shrink(state, kept)?;
            }
            tell(watch, Progress { done: step + 1, steps: counts.len(), kept })?;
        }
        Ok(self.mask(state))
    }

    /// One step: down to `kept` weights.
    fn shrink(&mut self, state: &State<'_>, kept: usize) -> Result<(), BaselineError> {
        let sums = PathSums::from_sums(state.graph, self.forward(state), self.backward(state));
        if !self.step(&sums, kept) {
            let scores = synflow_scores(self.saliency, state.weights, sums);
            let mask = keep_highest(&scores, &self.mask(state), &Counts::Global(kept))?;
            self.blocks.par_iter_mut().for_each(|b| b.prune_unless(mask.layer(b.rows.tensor)));
        }
        self.blocks.par_iter_mut().for_each(Block::compact);
        self.live = kept;
        Ok(())
    }

    fn forward(&self, state: &State<'_>) -> LayerSums {
        let squares = self.saliency.squares();
        state.graph.forward_by(|tensor, x| {
            let shape = state.graph.weighted(tensor).1;
            let x = spread(x, shape.kernel);
            let blocks = &self.blocks[self.blocks_of[tensor].clone()];
            let parts: Vec<Vec<f64>> =
                blocks.par_iter().map(|b| b.gather(&x[b.rows.columns()], squares)).collect();
            parts.concat()
        })
    }

    fn backward(&self, state: &State<'_>) -> LayerSums {
        let squares = self.saliency.squares();
        state.graph.backward_by(|tensor, y| {
            let shape = state.graph.weighted(tensor).1;
            let blocks = &self.blocks[self.blocks_of[tensor].clone()];
            let parts: Vec<Vec<f64>> =
                blocks.par_iter().map(|b| b.scatter(&y[b.rows.targets()], squares)).collect();
            let mut total = vec![0.0; shape.groups * shape.row()];
            for (block, part) in blocks.iter().zip(parts) {
                let total = &mut total[block.rows.columns()];
                total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
            }
            total.chunks(shape.kernel).map(|k| k.iter().sum()).collect()
        })
    }

    /// Prunes all but the `kept` best; false, and nothing pruned, if the bracket was wrong.
    fn step(&mut self, sums: &PathSums<'_>, kept: usize) -> bool {
        let sources: Vec<Vec<f64>> = (0..self.blocks_of.len())
            .map(|t| spread(sums.derivatives(t).source, sums.graph().weighted(t).1.kernel))
            .collect();
        let saliency = self.saliency;
        let ends = |b: &Block| {
            let d = sums.derivatives(b.rows.tensor);
            let targets: Vec<f64> =
                d.target[b.rows.targets()].iter().map(|t| t * d.factor).collect();
            (&sources[b.rows.tensor][b.rows.columns()], targets)
        };
        let pruned = self.live - kept;
        let sample = bracket::sample(&self.blocks, |b, place| {
            let (source, targets) = ends(b);
            b.score(place, source, &targets, saliency)
        });
        let (low, high) = bracket::around(sample, pruned as f64 / self.live as f64);
        let most = self.live / 8 + (1 << 16);
        let near: Vec<Near> = self
            .blocks
            .par_iter()
            .map(|b| {
                let (source, targets) = ends(b);
                b.near((low, high), source, &targets, saliency)
            })
            .collect();
        let below: usize = near.iter().map(|n| n.below.len()).sum();
        let inside: usize = near.iter().map(|n| n.inside.len()).sum();
        if below > pruned || below + inside < pruned || inside > most {
            return false;
        }
        let mut all: Vec<(f64, u32, u32)> = Vec::with_capacity(inside);
        for (b, near) in near.iter().enumerate() {
            all.extend(near.inside.iter().map(|&(s, place)| (s, b as u32, place)));
        }
        let wanted = pruned - below;
        // The worst first; of equal ones those that stand last.
        if wanted < all.len() {
            all.select_nth_unstable_by(wanted, |a, b| {
                a.0.total_cmp(&b.0).then((b.1, b.2).cmp(&(a.1, a.2)))
            });
        }
        self.blocks.par_iter_mut().zip(&near).for_each(|(b, near)| {
            near.below.iter().for_each(|&place| b.prune(place as usize));
        });
        for &(_, b, place) in &all[..wanted] {
            self.blocks[b as usize].prune(place as usize);
        }
        true
    }

    fn mask(&self, state: &State<'_>) -> Mask {
        let specs = state.network.arch().prunable().par_iter().zip(&self.blocks_of);
        let layers = specs.map(|(spec, blocks)| {
            let mut words = vec![0u64; spec.len().div_ceil(64)];
            for block in &self.blocks[blocks.clone()] {
                block.each(|_, index| words[index / 64] |= 1 << (index % 64));
            }
            LayerMask::from_words(&spec.name, &spec.shape, words)
        });
        Mask::from_layers(layers.collect())
    }
}

/// Each value repeated for every scalar of a kernel.
fn spread(x: &[f64], kernel: usize) -> Vec<f64> {
    x.iter().flat_map(|&x| std::iter::repeat_n(x, kernel)).collect()
}
