//! The score of a weight: what a walk's next step is proportional to.

use phew_graph::EdgeValue;

/// A non-negative score of a weight, in f32 for the sampler's tables and in f64 for the path sums.
pub(crate) trait Score: Copy + Sync + Send {
    /// Score of one weight.
    fn of(weight: f32) -> f32;
}

/// `|θ|`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Magnitude;

/// `θ²`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Square;

/// 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Uniform;

/// `1 / max(|θ|, 10⁻³⁰)`: the floor keeps the sums of a row finite.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inverse;

impl Score for Magnitude {
    #[inline]
    fn of(weight: f32) -> f32 {
        weight.abs()
    }
}

impl Score for Square {
    #[inline]
    fn of(weight: f32) -> f32 {
        weight * weight
    }
}

impl Score for Uniform {
    #[inline]
    fn of(_: f32) -> f32 {
        1.0
    }
}

impl Score for Inverse {
    #[inline]
    fn of(weight: f32) -> f32 {
        1.0 / weight.abs().max(1e-30)
    }
}

/// A score as the edge value of a path sum.
pub(crate) struct Value<S>(pub(crate) S);

impl<S: Score> EdgeValue for Value<S> {
    #[inline]
    fn value(&self, _: usize, _: usize, weight: f32) -> f64 {
        f64::from(S::of(weight))
    }
}
