//! The search of a block for the worst weights: a first look in f32, exact scores for the few that may be among them.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::area::Divider;
use super::block::Block;
use super::loops::{limit, rounded, scan};
use super::sums::take;
use crate::scorers::{Factor, comparable};

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
    pub(super) factor: Factor,
}

/// The worst weights of a block.
#[derive(Default)]
pub(super) struct Near {
    /// Places of the weights below the bracket.
    pub(super) below: Vec<u32>,
    /// Scores inside it, with their places.
    pub(super) inside: Vec<(f64, u32)>,
}

impl Near {
    pub(super) fn clear(&mut self) {
        self.below.clear();
        self.inside.clear();
    }
}

/// How many scores inside a bracket are too many: it is no good then, and what is not yet found is not looked for.
pub(super) struct Limit {
    most: usize,
    found: AtomicUsize,
}

impl Limit {
    pub(super) fn new(most: usize) -> Self {
        Self { most, found: AtomicUsize::new(0) }
    }

    /// Whether more was found than is allowed.
    pub(super) fn exceeded(&self) -> bool {
        self.found.load(Ordering::Relaxed) > self.most
    }

    pub(super) fn add(&self, found: usize) {
        self.found.fetch_add(found, Ordering::Relaxed);
    }
}

/// A search of one block.
pub(super) struct Search<'b> {
    block: &'b Block,
    low: f64,
    high: f64,
    factor: Factor,
    /// By row and by column of the block.
    targets: Vec<f64>,
    sources: Vec<f64>,
}

impl<'b> Search<'b> {
    /// For what scores below `low` and from there to `high`.
    pub(super) fn new(block: &'b Block, (low, high): (f64, f64), ends: &Ends<'_>) -> Self {
        let mut targets = block.pick_targets(ends.target);
        targets.iter_mut().for_each(|t| *t *= ends.common);
        let sources = block.pick(ends.source).into_owned();
        Self { block, low, high, factor: ends.factor, targets, sources }
    }

    /// Finds them in the block's values, and prunes the former at once, while they are in the cache: brackets are
    /// seldom wrong. `near` lends its memory.
    #[inline(always)]
    pub(super) fn run(&self, values: &mut [f32], sums: &mut [f64], mut near: Near) -> Near {
        let (width, n, kernel) = (self.block.width(), self.sources.len(), self.block.area.kernel);
        let x = self.sources.iter().flat_map(|&x| std::iter::repeat_n(rounded(x), kernel));
        let x: Vec<f32> = x.collect();
        let kernels = Divider::new(kernel);
        let mut bits = vec![0u64; width.div_ceil(64)];
        let mut hits = vec![0u32; 64 * bits.len() + AT_ONCE];
        let edge = self.block.edge;
        let (mut below, mut inside) = (0, 0);
        for (r, &target) in self.targets.iter().enumerate() {
            let values = &mut values[r * width..][..width];
            scan(values, &x, limit(self.high, target), self.factor, &mut bits);
            let found = places(&bits, &mut hits);
            // Every hit is written to both lists, of which the right one moves on: no branch to mispredict.
            grow(&mut near.below, below + found);
            grow(&mut near.inside, inside + found);
            let start = self.block.place(r, 0);
            let first = below;
            for &at in &hits[..found] {
                let value = values[at as usize];
                let score = self.score(value, target, self.sources[kernels.of(at as usize)]);
                near.below[below] = start | at;
                near.inside[inside] = (score, start | at);
                below += usize::from(score < self.low);
                inside += usize::from(self.low <= score && score <= self.high);
            }
            for &place in &near.below[first..below] {
                let at = (place - start) as usize;
                let value = std::mem::replace(&mut values[at], f32::NAN);
                take(sums, r * n + kernels.of(at), edge.of(value));
            }
        }
        near.below.truncate(below);
        near.inside.truncate(inside);
        near
    }

    /// Scores of evenly spaced live weights.
    pub(super) fn sample(&self, stride: usize) -> Vec<f64> {
        let (width, kernel) = (self.block.width(), self.block.area.kernel);
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
    // The first four whether there are as many or not: how many is hard to foresee for a processor.
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
