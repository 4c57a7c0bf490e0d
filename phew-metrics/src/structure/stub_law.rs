//! How many units are stubs where each weight is kept by chance alone.

use serde::Serialize;

use super::degrees::{by_layer, degrees};
use crate::analysis::Analysis;

/// What the law of stub units says of a network at its density.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StubLaw {
    /// The expected share of the hidden units that are stubs.
    pub share: f64,
    /// The probability of at least one, units taken as independent.
    pub any: f64,
}

/// Probability that a unit with so many possible weights on either side is a stub at pruning ratio x:
/// `x^in (1 − x^out) + x^out (1 − x^in)`.
///
/// # References
/// Patil & Dovrolis, ICLR 2021 submission, eq. (5), which is this for equal sides.
pub(crate) fn stub_probability(x: f64, into: usize, out: usize) -> f64 {
    let [no_input, no_output] = [into, out].map(|weights| libm::pow(x, weights as f64));
    no_input * (1.0 - no_output) + no_output * (1.0 - no_input)
}

impl Analysis<'_> {
    /// What is expected of stub units where every weight of the dense network is kept by itself with the mask's density,
    /// to hold the mask's own against.
    ///
    /// Over the hidden units that have weights on both sides. The law's probability of at least one takes units as
    /// independent, and those that share weights are not.
    ///
    /// # Returns
    /// 0 for a dense network and for one without hidden units.
    ///
    /// # Complexity
    /// A pass over the weights.
    ///
    /// # References
    /// Patil & Dovrolis, ICLR 2021 submission, eq. (5) and (8), for units of unlike fan-in and fan-out.
    #[must_use]
    pub fn stub_law(&self) -> StubLaw {
        let x = 1.0 - self.mask.map_or(1.0, phew_graph::Mask::density);
        let [into, out] = by_layer(&self.graph, &degrees(&self.graph, None));
        let hidden = 1..into.len() - 1;
        let units = hidden.flat_map(|l| into.as_slice()[l].iter().zip(&out.as_slice()[l]));
        let (mut sum, mut count, mut ln_none) = (0.0, 0usize, 0.0);
        for (&into, &out) in units.filter(|&(&into, &out)| into > 0 && out > 0) {
            let stub = stub_probability(x, into, out);
            sum += stub;
            ln_none += libm::log1p(-stub);
            count += 1;
        }
        StubLaw { share: sum / count.max(1) as f64, any: -libm::expm1(ln_none) }
    }
}
