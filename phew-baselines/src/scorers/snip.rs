//! SNIP, and with other schedules iterative SNIP and FORCE.

use crate::error::BaselineError;
use crate::oracle::{Oracle, Point};
use crate::scorer::{Scorer, State};
use crate::scores::Scores;

/// `|θ · ∂L/∂θ|`: what the loss would feel first if the connection went (connection sensitivity).
///
/// One shot is SNIP. With an exponential schedule it is iterative SNIP; with [`crate::Schedule::reviving`] too
/// it is FORCE: gradients are taken at the pruned network, and pruned weights compete with what they would
/// bring back.
///
/// The sum over batches is taken before the absolute value, as the authors' programs do.
///
/// # References
/// Lee et al. 2019 (SNIP), Lee et al. 2020 (connection sensitivity); de Jorge et al. 2021 (iterative SNIP and
/// FORCE). Unlike Lee et al.'s program this does not draw new weights after pruning.
#[derive(Clone, Debug)]
pub struct Snip<O>(
    /// Where gradients come from.
    pub O,
);

impl<O: Oracle> Scorer for Snip<O> {
    fn score<'s>(&'s mut self, state: &'s State<'_>) -> Result<Scores<'s>, BaselineError> {
        let at = Point { weights: state.weights, mask: state.mask };
        let gradient = state.check("the gradient", self.0.gradient(&at)?)?;
        Ok(Scores::from_fn(move |t, i| {
            (f64::from(gradient[t][i]) * f64::from(state.weights[t][i])).abs()
        }))
    }
}
