//! GraSP and its two variants.

use crate::error::BaselineError;
use crate::oracle::{HessianGradient, Oracle, Point};
use crate::prune::{Scorer, State};
use crate::scores::Scores;

/// Which of GraSP's numbers are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum GraspOrder {
    /// The highest `θ · (Hg)`: GraSP, which prunes the highest `−θ · (Hg)`.
    #[default]
    Highest,
    /// The lowest: inverted GraSP.
    Lowest,
    /// The greatest in magnitude.
    Magnitude,
}

/// `θ · (Hg)`: how the gradient's norm would change, to first order, if the weight went.
///
/// # References
/// Wang et al. 2020 (GraSP); Frankle et al. 2021, section 5 (inverted) and appendix C (by magnitude). The
/// authors' program divides by the magnitude of the scores' sum, which changes no mask and is left out.
#[derive(Clone, Debug)]
pub struct Grasp<O> {
    oracle: O,
    order: GraspOrder,
    how: HessianGradient,
}

impl<O: Oracle> Grasp<O> {
    /// Gradients over the prunable weights, of logits divided by 200.
    #[must_use]
    pub fn new(oracle: O, order: GraspOrder) -> Self {
        Self { oracle, order, how: HessianGradient::default() }
    }

    /// Sets how the product is taken: PHEW's program runs it over all parameters.
    #[must_use]
    pub fn with(self, how: HessianGradient) -> Self {
        Self { how, ..self }
    }
}

impl<O: Oracle> Scorer for Grasp<O> {
    fn score<'s>(&'s mut self, state: &'s State<'_>) -> Result<Scores<'s>, BaselineError> {
        let temperature = self.how.temperature;
        if !(temperature > 0.0 && temperature.is_finite()) {
            return Err(BaselineError::parameter("temperature", temperature, "a positive number"));
        }
        let at = Point { weights: state.weights, mask: state.mask };
        let product = self.oracle.hessian_gradient(&at, self.how)?;
        let product = state.check("the Hessian-gradient product", product)?;
        let order = self.order;
        Ok(Scores::from_fn(move |t, i| {
            let s = f64::from(product[t][i]) * f64::from(state.weights[t][i]);
            match order {
                GraspOrder::Highest => s,
                GraspOrder::Lowest => -s,
                GraspOrder::Magnitude => s.abs(),
            }
        }))
    }
}
