//! The working set of iterative SynFlow: the kept weights alone, compacted as the density falls.
//!
//! Tensors are cut into blocks; a block is a dense matrix of the rows and columns that still hold live weights.
//! SynFlow prunes whole units, so these matrices shrink with the density, and dense loops are several times as fast
//! as lists. A step sums forward and backward, for which the sums over kernels are enough, and goes over the weights
//! once, to look for the lowest scores, whose threshold is predicted from the last steps. Those surely below it go,
//! those near it are collected and decided exactly.

use std::ops::Range;

use phew_graph::{
    ByLayer, ByTensor, Direction, LayerMask, Mask, PathSums, Scaled, ScaledVec, Step,
    SumOfProducts, TensorId, UseDerivatives, Weighted,
};
use rayon::prelude::*;

use super::block::Block;
use super::bracket::{Bracket, Limit};
use super::saliency::Saliency;
use super::search::{self, Ends};
use super::threshold::{self, Forecast};
use super::tile::{self, Tile};
use crate::error::BaselineError;
use crate::scorer::{State, StepProgress, Watch, tell};
use crate::select::{Counts, keep_highest_counting};

/// Scores in a sample.
const SAMPLE: usize = 1 << 14;

/// A bracket may hold the scores of one in so many live weights, and [`SAMPLE`] more.
const FEW: usize = 16;

/// All live weights.
pub(super) struct WorkingSet {
    saliency: Saliency,
    blocks: Vec<Block>,
    /// The range of a tensor's blocks.
    blocks_of: ByTensor<Range<usize>>,
    live: usize,
    forecast: Forecast,
    /// Used by [`WorkingSet::choose`], and kept for its memory.
    scores: Vec<f64>,
}

impl WorkingSet {
    /// The dense network, whose operators share no weight: a block's scores are those of one use.
    pub(super) fn new(saliency: Saliency, state: &State<'_>) -> Self {
        let tensors = state.graph.tensors();
        let cut: Vec<Vec<Tile>> = tensors.map(|t| tile::cut(&state.graph.shape(t))).collect();
        let mut first = 0;
        let blocks_of = cut.iter().map(|tiles| {
            first += tiles.len();
            first - tiles.len()..first
        });
        let blocks_of = blocks_of.collect();
        let dense = |tile: Tile| {
            let weights = state.weights[tile.tensor];
            Block::dense(tile, weights, saliency.edge())
        };
        let blocks = cut.into_par_iter().flatten().map(dense).collect();
        let live = state.network.arch().prunable_len();
        Self {
            saliency,
            blocks,
            blocks_of,
            live,
            forecast: Forecast::default(),
            scores: Vec::new(),
        }
    }

    /// Prunes to each of the counts in turn.
    pub(super) fn prune(
        mut self,
        state: &State<'_>,
        counts: &[usize],
        watch: &mut Watch<'_>,
    ) -> Result<Mask, BaselineError> {
        for (step, &kept) in counts.iter().enumerate() {
            let by_index = match kept < self.live {
                // From inside the pool its many short parallel loops start at once.
                true => rayon::scope(|_| self.shrink(state, kept))?,
                false => 0,
            };
            tell(watch, StepProgress { done: step + 1, steps: counts.len(), kept, by_index })?;
        }
        Ok(self.mask(state))
    }

    /// One step: down to `kept` weights; and how many of them their index chose among equal scores.
    fn shrink(&mut self, state: &State<'_>, kept: usize) -> Result<usize, BaselineError> {
        let bracket = self.forecast.bracket();
        let limit = || Limit::new(self.live / FEW + SAMPLE);
        let (first, second) = (limit(), limit());
        let forward = self.forward(state);
        let backward = self.backward(state, &forward, bracket, &first);
        let sums = PathSums::from_sums(state.graph, forward, backward);
        let mut by_index = bracket.and_then(|_| self.choose(state, kept, &first));
        if by_index.is_none() && self.search(&sums, kept, &second) {
            by_index = self.choose(state, kept, &second);
        }
        let by_index = match by_index {
            Some(by_index) => by_index,
            None => {
                let scores = self.saliency.scores(state.weights, sums);
                let counts = Counts::Global(kept);
                let (mask, ties) = keep_highest_counting(&scores, &self.mask(state), &counts)?;
                self.blocks.par_iter_mut().for_each(|b| b.prune_unless(mask.layer(b.tile.tensor)));
                self.forecast = Forecast::default();
                ties
            }
        };
        self.live = kept;
        Ok(by_index)
    }

    /// Drops dead rows and columns where they are many, and sums forward.
    fn forward(&mut self, state: &State<'_>) -> ByLayer<ScaledVec> {
        let (blocks, blocks_of) = (&mut self.blocks, &self.blocks_of);
        let mut products = SumOfProducts(|step: &Step, shape: &Weighted, near: &ScaledVec| {
            let blocks = &mut blocks[blocks_of[shape.tensor].clone()];
            let part = |b: &mut Block| {
                b.compact_if_sparse();
                b.gather(&near.values)
            };
            let parts: Vec<Vec<f64>> = blocks.par_iter_mut().map(part).collect();
            let mut total = vec![0.0; step.units];
            blocks.iter().zip(parts).for_each(|(b, part)| b.add_to_targets(part, &mut total));
            total
        });
        let start = vec![1.0; state.graph.inputs()].into();
        state.graph.sweep(Direction::Forward, &mut products, start)
    }

    /// Sums backward, and finds what scores up to the bracket's end while the weights are at hand.
    fn backward(
        &mut self,
        state: &State<'_>,
        forward: &ByLayer<ScaledVec>,
        bracket: Option<Bracket>,
        limit: &Limit,
    ) -> ByLayer<ScaledVec> {
        let factor = self.saliency.factor();
        let total = forward[state.graph.start(Direction::Reverse)].total();
        let (blocks, blocks_of) = (&mut self.blocks, &self.blocks_of);
        let mut products = SumOfProducts(|step: &Step, shape: &Weighted, near: &ScaledVec| {
            let y = &near.values;
            let source = &forward[step.far];
            let common = Scaled::new(1.0, source.exponent + near.exponent).over(total);
            let ends = Ends { source: &source.values, target: y, common, factor };
            let blocks = &mut blocks[blocks_of[shape.tensor].clone()];
            let part = |b: &mut Block| {
                let part = b.scatter(y);
                if let Some(bracket) = bracket {
                    search::find(b, bracket, &ends, limit);
                }
                part
            };
            let parts: Vec<Vec<f64>> = blocks.par_iter_mut().map(part).collect();
            let mut total = vec![0.0; step.units];
            blocks.iter().zip(parts).for_each(|(b, part)| b.add_to_sources(part, &mut total));
            total
        });
        let start = vec![1.0; state.graph.outputs()].into();
        state.graph.sweep(Direction::Reverse, &mut products, start)
    }

    /// Finds the lowest scores with a bracket from a sample; false if there is none.
    fn search(&mut self, sums: &PathSums<'_>, kept: usize, limit: &Limit) -> bool {
        let factor = self.saliency.factor();
        let ends = |b: &Block| {
            // One term: whoever shares a weight is not pruned here.
            let UseDerivatives { source, target, factor: common } =
                sums.derivatives(b.tile.tensor).uses()[0];
            Ends { source, target, common, factor }
        };
        let total: usize = self.blocks.iter().map(Block::len).sum();
        // An odd stride does not fall into step with rows and kernels.
        let stride = (total / SAMPLE).max(1) | 1;
        let sample = |b: &Block| search::sample(b, &ends(b), stride);
        let samples: Vec<Vec<f64>> = self.blocks.par_iter().map(sample).collect();
        let share = (self.live - kept) as f64 / self.live as f64;
        let Some(bracket) = threshold::around(samples.concat(), share) else { return false };
        self.blocks.par_iter_mut().for_each(|b| {
            let ends = ends(b);
            search::find(b, bracket, &ends, limit);
        });
        true
    }

    /// Prunes all but the `kept` best, given what was found, and says how many of those their index chose; nothing is pruned
    /// if the bracket was wrong.
    fn choose(&mut self, state: &State<'_>, kept: usize, limit: &Limit) -> Option<usize> {
        let pruned = self.live - kept;
        let below: usize = self.blocks.iter().map(|b| b.lowest.below.len()).sum();
        let inside: usize = self.blocks.iter().map(|b| b.lowest.inside.len()).sum();
        if limit.exceeded() || below > pruned || below + inside < pruned {
            self.blocks.par_iter_mut().for_each(|b| b.undo(state.weights[b.tile.tensor]));
            return None;
        }
        let wanted = pruned - below;
        if wanted == 0 {
            return Some(0);
        }
        let scores = &mut self.scores;
        scores.clear();
        self.blocks.iter().for_each(|b| scores.extend(b.lowest.inside.iter().map(|n| n.0)));
        let threshold = *scores.select_nth_unstable_by(wanted - 1, f64::total_cmp).1;
        let ties = wanted - scores[..wanted].iter().filter(|s| **s < threshold).count();
        let mut tied: Vec<(TensorId, usize)> =
            self.blocks.par_iter_mut().map(|b| b.prune_inside(threshold)).flatten_iter().collect();
        // Of equal scores those go that stand last.
        tied.sort_unstable();
        let gone = &tied[tied.len() - ties..];
        self.blocks.par_iter_mut().for_each(|b| b.prune_ties(threshold, gone));
        self.forecast.learn(threshold);
        Some(tied.len() - ties)
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
