//! The search of a block for the lowest scores: a first look in f32, exact scores for the few that may be among them.

use super::block::Block;
use super::bracket::{Bracket, Limit, Lowest};
use super::kernel_sums::take;
use super::saliency::comparable;
use super::scan::{limit, rounded, scan};
use super::tile::Divider;
use crate::power::Power;
use crate::simd::widest;

/// Places of hits in a word that are written down without asking whether there are as many.
const AT_ONCE: usize = 4;

/// What makes a score of a weight of one tensor: `factor(w) · (target · common) · source`.
#[derive(Clone, Copy)]
pub(super) struct Ends<'a> {
    /// By source unit.
    pub(super) source: &'a [f64],
    /// By target unit.
    pub(super) target: &'a [f64],
    pub(super) common: f64,
    pub(super) factor: Power,
}

/// Finds what scores below the bracket, and prunes it; and what scores inside, unless all blocks have too much of it.
pub(super) fn find(block: &mut Block, bracket: Bracket, ends: &Ends<'_>, limit: &Limit) {
    let mut lowest = std::mem::take(&mut block.lowest);
    if limit.exceeded() {
        lowest.clear();
    } else {
        let mut values = std::mem::take(&mut block.values);
        let mut sums = std::mem::take(&mut block.sums);
        lowest = widest(
            #[inline(always)]
            || Search::new(block, bracket, ends).run(&mut values, &mut sums, lowest),
        );
        (block.values, block.sums) = (values, sums);
        limit.add(lowest.inside.len());
    }
    block.searched(lowest);
}

/// Scores of evenly spaced live weights.
pub(super) fn sample(block: &Block, ends: &Ends<'_>, stride: usize) -> Vec<f64> {
    Search::new(block, Bracket::EVERYTHING, ends).sample(stride)
}

/// A search of one block.
struct Search<'b> {
    block: &'b Block,
    bracket: Bracket,
    factor: Power,
    /// By row and by column of the block.
    targets: Vec<f64>,
    sources: Vec<f64>,
}

impl<'b> Search<'b> {
    fn new(block: &'b Block, bracket: Bracket, ends: &Ends<'_>) -> Self {
        let mut targets = block.pick_targets(ends.target);
        targets.iter_mut().for_each(|t| *t *= ends.common);
        let sources = block.pick(ends.source).into_owned();
        Self { block, bracket, factor: ends.factor, targets, sources }
    }

    /// Goes over the block's values, and prunes what is below the bracket at once, while it is in the cache: brackets
    /// are rarely wrong. The memory of `lowest` is used again.
    #[inline(always)]
    fn run(&self, values: &mut [f32], sums: &mut [f64], mut lowest: Lowest) -> Lowest {
        let Bracket { low, high } = self.bracket;
        let (width, n, kernel) = (self.block.width(), self.sources.len(), self.block.tile.kernel);
        let x = self.sources.iter().flat_map(|&x| std::iter::repeat_n(rounded(x), kernel));
        let x: Vec<f32> = x.collect();
        let kernels = Divider::new(kernel);
        let mut bits = vec![0u64; width.div_ceil(64)];
        let mut hits = vec![0u32; 64 * bits.len() + AT_ONCE];
        let edge = self.block.edge;
        let (mut below, mut inside) = (0, 0);
        for (r, &target) in self.targets.iter().enumerate() {
            let values = &mut values[r * width..][..width];
            scan(values, &x, limit(high, target), self.factor, &mut bits);
            let found = places(&bits, &mut hits);
            // Every hit is written to both lists, of which the right one moves on: no branch to mispredict.
            grow(&mut lowest.below, below + found);
            grow(&mut lowest.inside, inside + found);
            let start = self.block.place(r, 0);
            let first = below;
            for &at in &hits[..found] {
                let value = values[at as usize];
                let score = self.score(value, target, self.sources[kernels.of(at as usize)]);
                lowest.below[below] = start | at;
                lowest.inside[inside] = (score, start | at);
                below += usize::from(score < low);
                inside += usize::from(low <= score && score <= high);
            }
            for &place in &lowest.below[first..below] {
                let at = (place - start) as usize;
                let value = std::mem::replace(&mut values[at], f32::NAN);
                take(sums, r * n + kernels.of(at), edge.of(value));
            }
        }
        lowest.below.truncate(below);
        lowest.inside.truncate(inside);
        lowest
    }

    /// Scores of evenly spaced live weights.
    fn sample(&self, stride: usize) -> Vec<f64> {
        let (width, kernel) = (self.block.width(), self.block.tile.kernel);
        let places = (0..self.block.len()).step_by(stride);
        let score = |p: usize| {
            let (target, source) = (self.targets[p / width], self.sources[p % width / kernel]);
            self.score(self.block.values[p], target, source)
        };
        places.filter(|&p| !self.block.values[p].is_nan()).map(score).collect()
    }

    #[inline(always)]
    fn score(&self, value: f32, target: f64, source: f64) -> f64 {
        comparable(self.factor.of(value) * target * source)
    }
}

/// Makes a list at least so long; what it holds beyond what was written does not matter.
#[inline(always)]
fn grow<T: Clone + Default>(list: &mut Vec<T>, len: usize) {
    if list.len() < len {
        // By an eighth at a time, for what is written counts as memory; the list's capacity doubles.
        list.resize(len + len / 8, T::default());
    }
}

/// Writes the places of the bits that are set, of which `out` has room for [`AT_ONCE`] too many, and says how many.
#[inline(always)]
fn places(bits: &[u64], out: &mut [u32]) -> usize {
    // The first four whether there are as many or not: a processor predicts their number badly.
    let mut found = 0;
    for (word, &all) in bits.iter().enumerate() {
        let (mut bits, first, count) = (all, word as u32 * 64, all.count_ones() as usize);
        for place in &mut out[found..][..AT_ONCE] {
            *place = first + bits.trailing_zeros();
            bits &= bits.wrapping_sub(1);
        }
        let mut more = found + AT_ONCE;
        while bits != 0 {
            out[more] = first + bits.trailing_zeros();
            bits &= bits - 1;
            more += 1;
        }
        found += count;
    }
    found
}
