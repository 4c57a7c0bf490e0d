//! Selection: exactly the k greatest scores among the candidates, ties by index.
//!
//! A sample of the scores brackets the k-th one. One pass over all scores then keeps what lies above the
//! bracket and collects what lies inside, where the k-th is found exactly. If the sample misled, or too many
//! scores are equal, digits of the k-th score are fixed 16 bits at a time by histograms, whatever the
//! distribution. Both ways give the same mask, and neither depends on the number of threads.

mod bracket;
mod group;
mod groups_along_input;
mod radix;

use phew_graph::{LayerMask, Mask, TensorId};

use crate::error::BaselineError;
use crate::scores::Scores;
use group::Group;
use groups_along_input::keep_of_each;
use rayon::prelude::*;

/// How many weights are to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counts {
    /// Of all tensors together.
    Global(usize),
    /// Of each prunable tensor.
    PerTensor(Vec<usize>),
    /// Of each tensor that has a number, and of all others together.
    Partly {
        /// Of each tensor, if it has a number of its own.
        fixed: Vec<Option<usize>>,
        /// Of all others.
        free: usize,
    },
    /// Of each group of neighbours along the input.
    OfEach {
        /// Weights kept of a group.
        keep: usize,
        /// Weights of a group.
        of: usize,
        /// Of each tensor, the number that it keeps in all instead, if it has one.
        fixed: Vec<Option<usize>>,
    },
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
    let together =
        |tensors: &[TensorId], kept| keep(&Group::new(scores, candidates, tensors), kept);
    let alone = |tensor: TensorId, kept| -> Result<(LayerMask, usize), BaselineError> {
        let (mask, by_index) = together(&[tensor], kept)?;
        Ok((mask.layers()[TensorId::new(0)].clone(), by_index))
    };
    let joined = |layers: Vec<(LayerMask, usize)>| {
        let by_index = layers.iter().map(|(_, ties)| ties).sum();
        (Mask::from_layers(layers.into_iter().map(|(layer, _)| layer).collect()), by_index)
    };
    match counts {
        Counts::Global(kept) => together(&all, *kept),
        Counts::PerTensor(kept) => {
            let layers = all.iter().zip(kept).map(|(&tensor, &kept)| alone(tensor, kept));
            Ok(joined(layers.collect::<Result<_, _>>()?))
        }
        Counts::Partly { fixed, free } => {
            let open: Vec<TensorId> =
                all.iter().zip(fixed).filter(|(_, f)| f.is_none()).map(|(&t, _)| t).collect();
            let (open, ties) = together(&open, *free)?;
            let mut open = open.layers().to_vec().into_iter();
            let layers = all.iter().zip(fixed).map(|(&tensor, &fixed)| match fixed {
                Some(kept) => alone(tensor, kept),
                None => open.next().map_or_else(|| alone(tensor, 0), |layer| Ok((layer, 0))),
            });
            let (mask, by_index) = joined(layers.collect::<Result<_, _>>()?);
            Ok((mask, by_index + ties))
        }
        Counts::OfEach { keep, of, fixed } => {
            let layers = all.par_iter().zip(fixed).map(|(&tensor, &fixed)| match fixed {
                Some(kept) => alone(tensor, kept),
                None => keep_of_each(scores, (tensor, candidates.layer(tensor)), *keep, *of),
            });
            Ok(joined(layers.collect::<Result<_, _>>()?))
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
