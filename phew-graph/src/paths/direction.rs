//! The two ways through a network.

/// Which way a walk or a sweep goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From inputs to outputs.
    Forward,
    /// From outputs to inputs.
    Reverse,
}

impl Direction {
    /// Both ways, forward first.
    pub const BOTH: [Self; 2] = [Self::Forward, Self::Reverse];

    /// The other way.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Forward => Self::Reverse,
            Self::Reverse => Self::Forward,
        }
    }
}
