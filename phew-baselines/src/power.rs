//! What a weight contributes to the products along paths.

/// A power of a weight's magnitude: the edge value of a path sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Power {
    /// |w|: SynFlow.
    Abs,
    /// w²: SynFlow-L2.
    Square,
}

impl Power {
    /// |w| or w².
    #[inline(always)]
    pub(crate) fn of(self, weight: f32) -> f64 {
        match self {
            Power::Abs => f64::from(weight.abs()),
            Power::Square => f64::from(weight) * f64::from(weight),
        }
    }
}
