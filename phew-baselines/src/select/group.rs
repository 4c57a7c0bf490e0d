//! The tensors that compete with each other, and the pass that keeps what is above a bracket.

use std::sync::atomic::{AtomicUsize, Ordering};

use phew_graph::{LayerMask, Mask, TensorId};
use rayon::prelude::*;

use super::bracket::Bracket;
use crate::error::BaselineError;
use crate::scores::Scores;
use crate::simd::{pack, widest};

/// Scalars of a block: their scores fit in the first-level cache. A multiple of 64.
pub(super) const BLOCK: usize = 2048;
const WORDS: usize = BLOCK / 64;

/// Blocks of a task.
const TASK: usize = 16;

/// Scores in the sample that brackets the k-th one.
const SAMPLE: usize = 1 << 16;

/// Tensors that compete for the same places.
pub(super) struct Group<'a> {
    scores: &'a Scores<'a>,
    layers: Vec<(TensorId, &'a LayerMask)>,
    blocks: Vec<Block>,
    candidates: usize,
}

/// Up to [`BLOCK`] consecutive scalars of one tensor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    /// Place of the tensor in the group.
    layer: usize,
    start: usize,
    len: usize,
}

/// What a pass leaves to be decided in one task.
struct Undecided {
    /// Scalars above the bracket, already kept.
    above: usize,
    /// Scalars inside.
    inside: usize,
    /// Their scores, blocks and places in the block, unless there were too many in the whole group.
    scores: Vec<(f64, u32, u32)>,
}

impl<'a> Group<'a> {
    pub(super) fn new(scores: &'a Scores<'a>, candidates: &'a Mask, tensors: &[TensorId]) -> Self {
        let layers: Vec<_> = tensors.iter().map(|&t| (t, candidates.layer(t))).collect();
        let blocks = layers.iter().enumerate().flat_map(|(layer, (_, mask))| {
            let len = mask.len();
            (0..len).step_by(BLOCK).map(move |start| Block {
                layer,
                start,
                len: BLOCK.min(len - start),
            })
        });
        let blocks = blocks.collect();
        let candidates = layers.iter().map(|(_, mask)| mask.kept()).sum();
        Self { scores, layers, blocks, candidates }
    }

    /// Number of candidates.
    pub(super) fn candidates(&self) -> usize {
        self.candidates
    }

    /// A mask that keeps nothing yet, as words of each layer.
    pub(super) fn none(&self) -> Vec<Vec<u64>> {
        self.layers.iter().map(|(_, l)| vec![0; l.words().len()]).collect()
    }

    /// A mask that keeps all candidates.
    pub(super) fn all(&self) -> Mask {
        Mask::from_layers(self.layers.iter().map(|&(_, l)| l.clone()).collect())
    }

    /// The mask of some words.
    pub(super) fn mask(&self, words: Vec<Vec<u64>>) -> Mask {
        let layers = self.layers.par_iter().zip(words);
        let layer = |((_, l), words): (&(TensorId, &LayerMask), _)| {
            LayerMask::from_words(l.name(), l.shape(), words)
        };
        Mask::from_layers(layers.map(layer).collect())
    }

    pub(super) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Computes the scores of a block, unless it has no candidates; its words of the candidates' mask.
    fn fill(&self, block: &Block, buffer: &mut [f64]) -> &[u64] {
        let (tensor, mask) = self.layers[block.layer];
        let words = &mask.words()[block.start / 64..][..block.len.div_ceil(64)];
        if words.iter().all(|&w| w == 0) {
            return &[];
        }
        self.scores.block(tensor, block.start, &mut buffer[..block.len]);
        words
    }

    /// Calls `each(word, bits, scores)` for every 64 scalars of a block: `bits` are the candidates among them.
    #[inline]
    fn words(
        &self,
        block: &Block,
        buffer: &mut [f64],
        mut each: impl FnMut(usize, u64, &[f64; 64]) -> Result<(), BaselineError>,
    ) -> Result<(), BaselineError> {
        let words = self.fill(block, buffer);
        for (w, (&bits, scores)) in words.iter().zip(buffer.as_chunks::<64>().0).enumerate() {
            if bits != 0 {
                each(w, bits, scores)?;
            }
        }
        Ok(())
    }

    /// Calls `each(place in block, score)` for the candidates of a block.
    #[inline]
    pub(super) fn visit(
        &self,
        block: &Block,
        mut each: impl FnMut(usize, f64),
    ) -> Result<(), BaselineError> {
        let mut buffer = [0.0; BLOCK];
        self.words(block, &mut buffer, |w, bits, scores| {
            self.visit_bits(block, w, bits, scores, &mut each)
        })
    }

    /// Calls `each(place in block, score)` for some of 64 scalars.
    #[inline]
    fn visit_bits(
        &self,
        block: &Block,
        word: usize,
        bits: u64,
        scores: &[f64; 64],
        mut each: impl FnMut(usize, f64),
    ) -> Result<(), BaselineError> {
        for b in ones(bits) {
            if scores[b].is_nan() {
                return Err(self.not_comparable(block, word * 64 + b));
            }
            each(word * 64 + b, scores[b]);
        }
        Ok(())
    }

    fn not_comparable(&self, block: &Block, place: usize) -> BaselineError {
        let tensor = self.layers[block.layer].1.name().to_owned();
        BaselineError::NotComparable { tensor, index: block.start + place }
    }

    /// A bracket that probably holds the k-th greatest score: quantiles of evenly spaced runs of 64 scalars.
    pub(super) fn guess(&self, kept: usize) -> Result<Bracket, BaselineError> {
        let total: usize = self.blocks.iter().map(|b| b.len).sum();
        let stride = (total / SAMPLE).max(1);
        let mut sample: Vec<f64> = Vec::with_capacity(total.min(2 * SAMPLE));
        for (b, block) in self.blocks.iter().enumerate() {
            let (tensor, mask) = self.layers[block.layer];
            let first = (b * WORDS).next_multiple_of(stride) - b * WORDS;
            for w in (first..block.len.div_ceil(64)).step_by(stride) {
                let bits = mask.words()[block.start / 64 + w];
                let mut scores = [0.0; 64];
                let scores = &mut scores[..(block.len - w * 64).min(64)];
                self.scores.block(tensor, block.start + w * 64, scores);
                for (b, &s) in scores.iter().enumerate().filter(|(b, _)| bits >> b & 1 == 1) {
                    if s.is_nan() {
                        return Err(self.not_comparable(block, w * 64 + b));
                    }
                    sample.push(s);
                }
            }
        }
        let everything = Bracket { low: f64::NEG_INFINITY, high: f64::INFINITY };
        if stride == 1 || sample.is_empty() {
            return Ok(everything);
        }
        // Neighbours have similar scores, so the sample is worth less than its size: half, here. A wrong guess
        // costs time only.
        let (share, n) = (kept as f64 / self.candidates as f64, sample.len() as f64);
        let slack = 3.0 * (share * (1.0 - share) / (n / 2.0)).sqrt() + 8.0 / n;
        let rank = |share: f64| (share * n) as usize;
        let (first, last) = (rank((share - slack).max(0.0)), rank(share + slack));
        let mut nth = |rank: usize, beyond: f64| match rank {
            r if r >= sample.len() => beyond,
            r => *sample.select_nth_unstable_by(r, |a, b| b.total_cmp(a)).1,
        };
        let low = nth(last, f64::NEG_INFINITY);
        let high = if first == 0 { f64::INFINITY } else { nth(first, f64::INFINITY) };
        Ok(Bracket { low, high })
    }

    /// Keeps what is above the bracket and the best of what is inside, and says how many of these their index chose among
    /// equal scores; `None`, and nothing kept, if the k-th score is not inside or too many scores are.
    pub(super) fn settle(
        &self,
        bracket: Bracket,
        kept: usize,
        words: &mut [Vec<u64>],
    ) -> Result<Option<usize>, BaselineError> {
        let most = (self.candidates / 16).max(1 << 18);
        let collected = AtomicUsize::new(0);
        let start = || Undecided { above: 0, inside: 0, scores: Vec::new() };
        let undecided = self.pass(words, start, |b, buffer, out, left| {
            let before = left.inside;
            let candidates = self.fill(&self.blocks[b], buffer);
            widest(
                #[inline(always)]
                || self.sift(bracket, b, candidates, buffer, out, left),
            )?;
            // The count alone decides, so that the outcome does not depend on who came first.
            if collected.fetch_add(left.inside - before, Ordering::Relaxed) > most {
                left.scores = Vec::new();
            }
            Ok(())
        })?;
        let above: usize = undecided.iter().map(|u| u.above).sum();
        let count: usize = undecided.iter().map(|u| u.inside).sum();
        if above > kept || above + count < kept || count > most {
            words.iter_mut().for_each(|w| w.fill(0));
            return Ok(None);
        }
        let inside = || undecided.iter().flat_map(|task| &task.scores);
        let mut scores: Vec<f64> = Vec::with_capacity(count);
        scores.extend(inside().map(|&(score, ..)| score + 0.0));
        let (threshold, mut ties) = last_of(&mut scores, kept - above);
        let equal = scores.iter().filter(|&&score| equals(score, threshold)).count();
        let by_index = if ties < equal { ties } else { 0 };
        for &(score, b, place) in inside() {
            let tie = equals(score, threshold) && ties > 0;
            ties -= usize::from(tie);
            if tie || score > threshold {
                self.set(b as usize, place as usize, words);
            }
        }
        Ok(Some(by_index))
    }

    /// Keeps what is above the bracket in a block whose scores are given, and collects what is inside.
    #[inline(always)]
    fn sift(
        &self,
        bracket: Bracket,
        b: usize,
        candidates: &[u64],
        scores: &[f64],
        out: &mut [u64],
        left: &mut Undecided,
    ) -> Result<(), BaselineError> {
        let Undecided { above, inside, scores: collected } = left;
        let words = candidates.iter().zip(scores.as_chunks::<64>().0).zip(out);
        for (w, ((&candidates, scores), out)) in words.enumerate() {
            // Beyond the block's end are stale scores, which no candidate's bit lets through.
            #[allow(clippy::neg_cmp_op_on_partial_ord, reason = "NaN is to be found inside")]
            let not_below = pack(|i| !(scores[i] < bracket.low)) & candidates;
            let higher = pack(|i| scores[i] > bracket.high) & candidates;
            *out = higher;
            *above += higher.count_ones() as usize;
            let near = not_below & !higher;
            *inside += near.count_ones() as usize;
            self.visit_bits(&self.blocks[b], w, near, scores, |place, score| {
                collected.push((score, b as u32, place as u32));
            })?;
        }
        Ok(())
    }

    /// Keeps what is above `threshold`, and of the scores equal to it as many of the first as are wanted; how many these are,
    /// unless it is all of them.
    pub(super) fn settle_ties(
        &self,
        threshold: f64,
        kept: usize,
        words: &mut [Vec<u64>],
    ) -> Result<usize, BaselineError> {
        let counts =
            self.pass(words, Vec::new, |b, _, out, counts: &mut Vec<(usize, usize)>| {
                let (mut above, mut equal) = (0, 0);
                self.visit(&self.blocks[b], |place, score| {
                    out[place / 64] |= u64::from(score > threshold) << (place % 64);
                    above += usize::from(score > threshold);
                    equal += usize::from(equals(score, threshold));
                })?;
                counts.push((above, equal));
                Ok(())
            })?;
        let counts = counts.concat();
        let above: usize = counts.iter().map(|c| c.0).sum();
        let mut wanted = kept.saturating_sub(above);
        let equal: usize = counts.iter().map(|c| c.1).sum();
        let by_index = if wanted < equal { wanted } else { 0 };
        for (b, &(_, equal)) in counts.iter().enumerate().filter(|(_, c)| c.1 > 0) {
            if wanted == 0 {
                break;
            }
            let mut left = wanted.min(equal);
            wanted -= left;
            let mut places = Vec::with_capacity(left);
            self.visit(&self.blocks[b], |place, score| {
                if left > 0 && equals(score, threshold) {
                    left -= 1;
                    places.push(place);
                }
            })?;
            places.into_iter().for_each(|place| self.set(b, place, words));
        }
        Ok(by_index)
    }

    fn set(&self, block: usize, place: usize, words: &mut [Vec<u64>]) {
        let Block { layer, start, .. } = self.blocks[block];
        words[layer][(start + place) / 64] |= 1 << (place % 64);
    }

    /// Runs over all blocks in parallel, each with room for its scores and its words of the mask; the answers by task,
    /// in order.
    fn pass<T: Send>(
        &self,
        words: &mut [Vec<u64>],
        start: impl Fn() -> T + Sync,
        each: impl Fn(usize, &mut [f64], &mut [u64], &mut T) -> Result<(), BaselineError> + Sync,
    ) -> Result<Vec<T>, BaselineError> {
        let mut chunks: Vec<&mut [u64]> =
            words.iter_mut().flat_map(|layer| layer.chunks_mut(WORDS)).collect();
        let tasks = chunks.par_chunks_mut(TASK).enumerate();
        let room = || vec![0.0; BLOCK];
        let answers = tasks.map_init(room, |room, (task, chunks)| {
            let mut answer = start();
            for (b, out) in (task * TASK..).zip(chunks) {
                each(b, room, out, &mut answer)?;
            }
            Ok(answer)
        });
        answers.collect()
    }
}

/// The last of the `count` greatest scores, and how many of these equal it.
fn last_of(scores: &mut [f64], count: usize) -> (f64, usize) {
    if count == 0 {
        return (f64::INFINITY, 0);
    }
    let (greater, last, _) = scores.select_nth_unstable_by(count - 1, |a, b| b.total_cmp(a));
    (*last, count - greater.iter().filter(|s| **s > *last).count())
}

/// Places of the bits that are set.
#[inline]
fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (bits != 0).then(|| {
            let b = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            b
        })
    })
}

/// Whether neither is greater; 0 and -0 are equal.
fn equals(a: f64, b: f64) -> bool {
    a.partial_cmp(&b) == Some(std::cmp::Ordering::Equal)
}
