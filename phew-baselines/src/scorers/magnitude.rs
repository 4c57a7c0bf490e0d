//! Magnitude at initialisation.

use crate::error::BaselineError;
use crate::scorer::{Scorer, State};
use crate::scores::Scores;
use crate::simd::widest;

/// `|w|`: keeps the largest weights.
///
/// Under Kaiming's initialiser the layers' variances decide how much each keeps (Frankle et al. 2021, section
/// 5); with the same variance everywhere it prunes like [`crate::Random`].
///
/// # References
/// Janowsky 1989; Han et al. 2015; at initialisation Frankle et al. 2021.
#[derive(Clone, Copy, Debug, Default)]
pub struct Magnitude;

impl Scorer for Magnitude {
    fn score<'s>(&'s mut self, state: &'s State<'_>) -> Result<Scores<'s>, BaselineError> {
        Ok(Scores::from_blocks(|tensor, start, block| {
            let weights = &state.weights[tensor][start..start + block.len()];
            widest(
                #[inline(always)]
                || block.iter_mut().zip(weights).for_each(|(s, w)| *s = f64::from(w.abs())),
            );
        }))
    }
}
