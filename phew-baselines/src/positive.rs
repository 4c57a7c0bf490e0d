//! Positive numbers.

use std::fmt;
use std::str::FromStr;

use crate::error::BaselineError;
use crate::option::OptionValue;

/// A positive, finite number.
///
/// ```
/// use phew_baselines::Positive;
/// assert_eq!(Positive::new(0.5)?.get(), 0.5);
/// assert!([0.0, -1.0, f64::NAN, f64::INFINITY].iter().all(|&x| Positive::new(x).is_err()));
/// # Ok::<(), phew_baselines::BaselineError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Positive(f64);

impl Positive {
    /// Checks a number.
    ///
    /// # Errors
    /// [`BaselineError::Parameter`] if it is not positive and finite.
    pub fn new(value: f64) -> Result<Self, BaselineError> {
        match value > 0.0 && value.is_finite() {
            true => Ok(Self(value)),
            false => Err(BaselineError::parameter("number", value, Self::EXPECTED)),
        }
    }

    /// A constant: one that is not positive does not compile.
    pub(crate) const fn constant(value: f64) -> Self {
        assert!(value > 0.0 && value.is_finite(), "a positive number");
        Self(value)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl OptionValue for Positive {
    const EXPECTED: &'static str = "a positive number";
}

impl fmt::Display for Positive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Positive {
    type Err = BaselineError;

    fn from_str(text: &str) -> Result<Self, BaselineError> {
        match text.parse() {
            Ok(value) => Self::new(value),
            Err(_) => Err(BaselineError::parameter("number", text, Self::EXPECTED)),
        }
    }
}
