//! SynFlow's saliencies: which share of which path sum a weight is worth.

use phew_graph::{ByTensor, PathSums};

use crate::power::Power;
use crate::scores::Scores;

/// Which share of which path sum a weight is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Saliency {
    /// `|θ| · ∂R/∂|θ|` with `R = Σ_p |π_p|`: SynFlow.
    L1,
    /// `|θ| · ∂R/∂(θ²)` with `R = Σ_p π_p²`: SynFlow-L2 as equation (7) of the PHEW paper and the authors'
    /// program have it.
    L2,
    /// `θ² · ∂R/∂(θ²)` with `R = Σ_p π_p²`: the share that is conserved from layer to layer.
    L2Conserved,
}

impl Saliency {
    /// What a weight contributes to the paths through it: the variable of the derivative.
    pub(crate) fn edge(self) -> Power {
        match self {
            Saliency::L1 => Power::Abs,
            Saliency::L2 | Saliency::L2Conserved => Power::Square,
        }
    }

    /// What multiplies the derivative.
    pub(crate) fn factor(self) -> Power {
        match self {
            Saliency::L1 | Saliency::L2 => Power::Abs,
            Saliency::L2Conserved => Power::Square,
        }
    }

    /// The saliencies that path sums of [`Saliency::edge`] imply.
    pub(super) fn scores<'s>(
        self,
        weights: &'s ByTensor<&'s [f32]>,
        sums: PathSums<'s>,
    ) -> Scores<'s> {
        let factor = self.factor();
        Scores::from_blocks(move |tensor, start, block| {
            let derivatives = sums.derivatives(tensor);
            let shape = sums.graph().shape(tensor);
            let (mut index, mut done) = (start, 0);
            while done < block.len() {
                let (target, column) = (index / shape.row(), index % shape.row());
                let len = (shape.row() - column).min(block.len() - done);
                let first = shape.first_source(target);
                let weights = &weights[tensor][index..index + len];
                let scores = &mut block[done..done + len];
                scores.fill(0.0);
                for of_use in derivatives.uses() {
                    let row = of_use.target[target] * of_use.factor;
                    for ((s, &w), m) in scores.iter_mut().zip(weights).zip(column..) {
                        *s += factor.of(w) * row * of_use.source[first + m / shape.kernel];
                    }
                }
                scores.iter_mut().for_each(|s| *s = comparable(*s));
                (index, done) = (index + len, done + len);
            }
        })
    }
}

/// The nearest number with 32 significant bits.
///
/// The edges of a chain have the same share exactly; such ties are to break by index rather than by the last bit of a
/// sum.
#[inline]
pub(crate) fn comparable(score: f64) -> f64 {
    const DROPPED: u32 = 21;
    f64::from_bits((score.to_bits() + (1 << (DROPPED - 1))) >> DROPPED << DROPPED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparable_scores_are_within_half_a_unit_of_the_32nd_bit() {
        for s in [1.0, 1.0 / 3.0, 2.0f64.powi(-500) * 0.7, 0.0, 1.999_999_999_99] {
            assert!((comparable(s) - s).abs() <= s * 2f64.powi(-32));
            assert_eq!(comparable(s * (1.0 + f64::EPSILON)).to_bits(), comparable(s).to_bits());
        }
    }
}
