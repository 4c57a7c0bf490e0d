//! Selection: exactly the k greatest scores among the candidates, ties by index.
//!
//! A sample of the scores brackets the k-th one. One pass over all scores then keeps what lies above the
//! bracket and collects what lies inside, where the k-th is found exactly. If the sample misled, or too many
//! scores are equal, digits of the k-th score are fixed 16 bits at a time by histograms, whatever the
//! distribution. Both ways give the same mask, and neither depends on the number of threads.

mod bracket;
mod group;
mod radix;

use phew_graph::{LayerMask, Mask, TensorId};

use crate::error::BaselineError;
use crate::scores::Scores;
use group::Group;

/// How many weights are to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counts {
    /// Of all tensors together.
    Global(usize),
    /// Of each prunable tensor.
    PerTensor(Vec<usize>),
}

/// Keeps the highest scores among `candidates`; of equal scores those that stand first.
///
/// If there are fewer candidates than places, all of them are kept.
///
/// # Errors
/// [`BaselineError::NotComparable`] if a candidate that was looked at scores NaN.
///
/// # Complexity
/// About one pass over the scores for well-behaved distributions, at most six for any; memory for the mask
/// and for about a hundredth of the scores.
pub fn keep_highest(
    scores: &Scores<'_>,
    candidates: &Mask,
    counts: &Counts,
) -> Result<Mask, BaselineError> {
    keep_highest_counting(scores, candidates, counts).map(|(mask, _)| mask)
}

/// The same, and how many of the kept weights were chosen by their index among equal scores.
pub(crate) fn keep_highest_counting(
    scores: &Scores<'_>,
    candidates: &Mask,
    counts: &Counts,
) -> Result<(Mask, usize), BaselineError> {
    let all: Vec<TensorId> = candidates.layers().ids().collect();
    match counts {
        Counts::Global(kept) => keep(&Group::new(scores, candidates, &all), *kept),
        Counts::PerTensor(kept) => {
            let mut layers: Vec<LayerMask> = Vec::with_capacity(all.len());
            let mut by_index = 0;
            for (&tensor, &kept) in all.iter().zip(kept) {
                let (mask, ties) = keep(&Group::new(scores, candidates, &[tensor]), kept)?;
                layers.extend_from_slice(mask.layers());
                by_index += ties;
            }
            Ok((Mask::from_layers(layers), by_index))
        }
    }
}

/// Exactly `kept` of a group's candidates, or all of them, and how many of them their index chose.
fn keep(group: &Group<'_>, kept: usize) -> Result<(Mask, usize), BaselineError> {
    if kept >= group.candidates() {
        return Ok((group.all(), 0));
    }
    let mut words = group.none();
    if kept == 0 {
        return Ok((group.mask(words), 0));
    }
    let by_index = match group.settle(group.guess(kept)?, kept, &mut words)? {
        Some(by_index) => by_index,
        None => {
            let bracket = radix::narrow(group, kept)?;
            if bracket.low < bracket.high {
                group.settle(bracket, kept, &mut words)?.unwrap_or(0)
            } else {
                group.settle_ties(bracket.low, kept, &mut words)?
            }
        }
    };
    Ok((group.mask(words), by_index))
}
