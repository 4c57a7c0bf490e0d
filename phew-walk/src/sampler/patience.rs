//! How many walks a request may take: where a density asks for more than can be made, it is refused.
//!
//! Some weights lie on paths of almost no probability: half of a layer scaled by 10⁻⁸ is passed once in 10⁸ walks or
//! more. The probability that a walk passes a weight is known exactly, so the number of walks that a target takes is
//! known too. It is looked at when the walks made so far reach a power of two, which costs a pass over the weights.

use crate::bulk::batch_size::ExpectedGain;
use crate::error::WalkError;

/// Walks before the first look.
const FIRST: u64 = 1 << 20;

/// Most walks that are made one by one, on top of those that were made: minutes on one core.
pub(super) const MOST_SINGLE: u64 = 1 << 30;

/// Most walks that are made in batches, whose time does not depend on the number of walks but on that of batches.
pub(super) const MOST_IN_BATCHES: u64 = 1 << 40;

/// When to look at how far the target is.
#[derive(Debug)]
pub(super) struct Patience {
    next: u64,
}

impl Patience {
    /// Before any walk.
    pub(super) fn new() -> Self {
        Self { next: FIRST }
    }

    /// Whether it is time to look again, after so many walks.
    pub(super) fn is_due(&mut self, walks: u64) -> bool {
        if walks < self.next {
            return false;
        }
        self.next = walks.saturating_mul(2);
        true
    }
}

/// Refuses a target that more than `most` further walks are expected to take.
///
/// # Errors
/// [`WalkError::TooManyWalks`] with the number of walks, and the density that `most` of them come to.
pub(super) fn check(
    gain: &ExpectedGain,
    density: f64,
    (kept, target, prunable): (usize, usize, usize),
    most: u64,
) -> Result<(), WalkError> {
    let walks = gain.walks_for((target - kept) as f64);
    if walks <= most as f64 {
        return Ok(());
    }
    let within = kept as f64 + gain.expected(most as f64);
    Err(WalkError::TooManyWalks { density, walks, most, within: within / prunable as f64 })
}
