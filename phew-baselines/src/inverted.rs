//! Inverted scores.

use crate::error::BaselineError;
use crate::scorer::{Scorer, State, Watch};
use crate::scores::Scores;

/// Any scorer in reverse order: the weights that it would prune first are kept longest.
///
/// # References
/// Frankle et al. 2021, section 5 (inversion). The authors divide a score by its square; we turn its sign,
/// which reverses the order of negative scores and zeros too.
#[derive(Clone, Debug)]
pub struct Inverted<S>(pub S);

impl<S: Scorer> Scorer for Inverted<S> {
    fn score<'s>(&'s mut self, state: &'s State<'_>) -> Result<Scores<'s>, BaselineError> {
        Ok(self.0.score(state)?.negated())
    }

    fn score_watched<'s>(
        &'s mut self,
        state: &'s State<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<Scores<'s>, BaselineError> {
        Ok(self.0.score_watched(state, watch)?.negated())
    }
}
