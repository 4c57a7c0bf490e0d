//! Options that a method has of its own, as text: with a default and a check.

use std::fmt::Display;
use std::num::NonZeroUsize;
use std::str::FromStr;

use crate::error::BaselineError;

/// A value of an option: a type that refuses text which makes no sense.
pub trait OptionValue: FromStr + Display {
    /// What its text must be, for messages.
    const EXPECTED: &'static str;
}

impl OptionValue for NonZeroUsize {
    const EXPECTED: &'static str = "a number of at least 1";
}

/// An option that a method has of its own, beside schedule, allocation, inversion and seed.
#[derive(Clone, Copy, Debug)]
pub struct MethodOption {
    /// Its name, as in `temperature`; the command makes `--temperature` of it.
    pub name: &'static str,
    /// What stands for its value in a help text, as in `T`.
    pub placeholder: &'static str,
    /// Its value unless another is given.
    pub default: &'static str,
    /// What it is, in a line.
    pub help: &'static str,
    expected: &'static str,
    /// The text as the type writes it; none if the type refuses it.
    normalised: fn(&str) -> Option<String>,
}

impl MethodOption {
    /// An option of type `T`; a default must parse as one.
    #[must_use]
    pub const fn new<T: OptionValue>(
        name: &'static str,
        placeholder: &'static str,
        default: &'static str,
        help: &'static str,
    ) -> Self {
        let normalised = |text: &str| Some(text.parse::<T>().ok()?.to_string());
        Self { name, placeholder, default, help, expected: T::EXPECTED, normalised }
    }

    /// The text of a value, as the metadata of a mask have it.
    ///
    /// # Errors
    /// [`BaselineError::Parameter`] if it is no value of this option.
    pub fn check(&self, text: &str) -> Result<String, BaselineError> {
        (self.normalised)(text)
            .ok_or_else(|| BaselineError::parameter(self.name, text, self.expected))
    }

    /// The value of a text.
    pub(crate) fn parse<T: OptionValue>(&self, text: &str) -> Result<T, BaselineError> {
        text.parse().map_err(|_| BaselineError::parameter(self.name, text, T::EXPECTED))
    }
}
