//! What draws a walk: the score of a weight, to which the probability of a step is proportional.
//!
//! This file is all that a bias is. To add one, give [`Bias`] a variant with its docs, then a line in `choice!` (its
//! name and help), one in [`Bias::score`] and one in `with_score!`: the compiler asks for each of them. The sampler, the
//! path sums of the metrics and the command line take it from here.

use phew_graph::{Choice, EdgeValue, TensorId};

/// What draws a walk from unit to unit.
///
/// A bias is an [`EdgeValue`], so that path sums speak of the same walks as the sampler: with
/// [`phew_graph::Transition`] it gives the probability of each step.
///
/// ```
/// use phew_walk::Bias;
/// let bias: Bias = "square".parse()?;
/// assert_eq!(bias.score(-3.0), 9.0);
/// # Ok::<(), phew_graph::GraphError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Bias {
    /// `Q ∝ |θ|`: PHEW.
    #[default]
    Magnitude,
    /// `Q ∝ θ²`.
    Square,
    /// Every weight alike.
    Uniform,
    /// `Q ∝ 1 / max(|θ|, 10⁻³⁰)`: towards small weights. The floor keeps the sums of a row finite.
    Inverse,
}

phew_graph::choice! {
    Bias, "bias":
    Magnitude => "magnitude", "By |w|: PHEW",
    Square => "square", "By w²",
    Uniform => "uniform", "Every weight alike",
    Inverse => "inverse", "By 1/|w|",
}

impl Bias {
    /// Score of a weight: at least 0.
    #[inline(always)]
    #[must_use]
    pub fn score(self, weight: f32) -> f32 {
        match self {
            Self::Magnitude => weight.abs(),
            Self::Square => weight * weight,
            Self::Uniform => 1.0,
            Self::Inverse => 1.0 / weight.abs().max(1e-30),
        }
    }
}

impl EdgeValue for Bias {
    #[inline]
    fn value(&self, _tensor: TensorId, _index: usize, weight: f32) -> f64 {
        let score = self.score(weight);
        match self {
            // In single precision the square of a finite weight can be infinite, or 0.
            Self::Square if !score.is_normal() => f64::from(weight) * f64::from(weight),
            _ => f64::from(score),
        }
    }
}

/// A bias that is known when the program is compiled: the sampler's loops are compiled for each.
pub(crate) trait Score: Copy + Sync + Send {
    /// Score of one weight.
    fn of(weight: f32) -> f32;
}

/// The score of the bias with this number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct By<const BIAS: u8>;

impl<const BIAS: u8> By<BIAS> {
    const BIAS: Bias = {
        let mut place = 0;
        while Bias::ALL[place] as u8 != BIAS {
            place += 1;
        }
        Bias::ALL[place]
    };
}

impl<const BIAS: u8> Score for By<BIAS> {
    #[inline(always)]
    fn of(weight: f32) -> f32 {
        Self::BIAS.score(weight)
    }
}

/// Evaluates an expression in which `$score` is the [`Score`] of a bias.
macro_rules! with_score {
    ($bias:expr, $score:ident => $body:expr) => {
        with_score!(@of Magnitude, Square, Uniform, Inverse; $bias, $score => $body)
    };
    (@of $($variant:ident),+; $bias:expr, $score:ident => $body:expr) => {
        match $bias {
            $($crate::params::bias::Bias::$variant => {
                type $score = $crate::params::bias::By<{ $crate::params::bias::Bias::$variant as u8 }>;
                $body
            })+
        }
    };
}
pub(crate) use with_score;
