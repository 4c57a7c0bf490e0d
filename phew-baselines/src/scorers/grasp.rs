//! GraSP and its two variants.

use crate::error::BaselineError;
use crate::method::Request;
use crate::option::MethodOption;
use crate::oracle::{HessianGradient, Oracle, Parameters, Point};
use crate::positive::Positive;
use crate::scorer::{Scorer, State};
use crate::scores::Scores;

const TEMPERATURE: MethodOption = MethodOption::new::<Positive>(
    "temperature",
    "T",
    "200",
    "GraSP: what the outputs are divided by before the loss; 200 by default, which is meant for logits",
);

const PARAMETERS: MethodOption = MethodOption::new::<Parameters>(
    "parameters",
    "SET",
    "weights",
    "GraSP: what gradient and Hessian run over: weights (by default), or all with biases and normalisation",
);

pub(super) const OPTIONS: &[MethodOption] = &[TEMPERATURE, PARAMETERS];

/// Which of GraSP's numbers are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GraspOrder {
    /// The highest `θ · (Hg)`: GraSP, which prunes the highest `−θ · (Hg)`.
    #[default]
    Highest,
    /// The lowest: inverted GraSP.
    Lowest,
    /// The largest in magnitude.
    Largest,
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

impl<'o> Grasp<Box<dyn Oracle + 'o>> {
    /// As asked for by name.
    pub(super) fn requested(
        asked: &mut Request<'o>,
        order: GraspOrder,
    ) -> Result<Self, BaselineError> {
        let temperature = asked.value(&TEMPERATURE)?;
        let parameters = asked.value(&PARAMETERS)?;
        Ok(Self::new(asked.oracle()?, order).with(HessianGradient { temperature, parameters }))
    }
}

impl<O: Oracle> Scorer for Grasp<O> {
    fn score<'s>(&'s mut self, state: &'s State<'_>) -> Result<Scores<'s>, BaselineError> {
        let at = Point { weights: state.weights, mask: state.mask };
        let product = self.oracle.hessian_gradient(&at, self.how)?;
        let product = state.check("the Hessian-gradient product", product)?;
        let order = self.order;
        Ok(Scores::from_fn(move |t, i| {
            let s = f64::from(product[t][i]) * f64::from(state.weights[t][i]);
            match order {
                GraspOrder::Highest => s,
                GraspOrder::Lowest => -s,
                GraspOrder::Largest => s.abs(),
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_defaults_are_those_of_the_scorer() {
        let usual = HessianGradient::default();
        assert_eq!(TEMPERATURE.check(TEMPERATURE.default).unwrap(), usual.temperature.to_string());
        assert_eq!(PARAMETERS.check(PARAMETERS.default).unwrap(), usual.parameters.to_string());
    }
}
