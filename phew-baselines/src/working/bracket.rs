//! A bracket round the threshold, from a sample of the scores.

use rayon::prelude::*;

use super::block::Block;

/// Scores in the sample.
const SAMPLE: usize = 1 << 14;

/// Scores of evenly spaced live weights.
pub(super) fn sample(
    blocks: &[Block],
    score: impl Fn(&Block, usize) -> Option<f64> + Sync,
) -> Vec<f64> {
    let total: usize = blocks.iter().map(Block::len).sum();
    // An odd stride does not fall into step with rows and kernels.
    let stride = (total / SAMPLE).max(1) | 1;
    blocks
        .par_iter()
        .map(|b| (0..b.len()).step_by(stride).filter_map(|p| score(b, p)).collect())
        .reduce(Vec::new, |mut a: Vec<f64>, b| {
            a.extend(b);
            a
        })
}

/// Scores between which the `share` lowest ones probably end.
pub(super) fn around(mut sample: Vec<f64>, share: f64) -> (f64, f64) {
    let n = sample.len() as f64;
    // Scores of a row resemble each other: the sample is taken to be worth half its size.
    let slack = 4.0 * (share * (1.0 - share) / (n / 2.0)).sqrt() + 8.0 / n;
    let mut nth = |share: f64| {
        let rank = (share * n) as usize;
        match sample.len() {
            len if rank >= len => f64::INFINITY,
            _ => *sample.select_nth_unstable_by(rank, f64::total_cmp).1,
        }
    };
    let high = nth(share + slack);
    (if share > slack { nth(share - slack) } else { 0.0 }, high)
}
