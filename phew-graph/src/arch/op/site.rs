//! Where an operator stands, for shape inference and for the errors that it finds.

use std::fmt::Display;

use crate::arch::limits::MAX_SCALARS;
use crate::arch::shape::Shape;
use crate::error::GraphError;

/// An operator's name and the shapes that it reads: as many as its arity wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    pub(crate) name: &'a str,
    pub(crate) inputs: &'a [Shape],
}

impl Site<'_> {
    /// The first input's shape.
    pub(crate) fn input(&self) -> Shape {
        self.inputs[0]
    }

    /// Channels, height and width of the first input.
    ///
    /// # Errors
    /// [`GraphError::Shape`] if it is a vector.
    pub(crate) fn image(&self) -> Result<[usize; 3], GraphError> {
        match self.input() {
            Shape::Image { channels, height, width } => Ok([channels, height, width]),
            found => Err(self.wrong(found, "[channels, height, width]")),
        }
    }

    /// Refuses groups that do not divide the input and the output channels.
    ///
    /// # Errors
    /// [`GraphError::Field`] with both.
    pub(crate) fn groups(
        &self,
        groups: usize,
        channels: usize,
        out: usize,
    ) -> Result<(), GraphError> {
        match groups != 0 && channels.is_multiple_of(groups) && out.is_multiple_of(groups) {
            true => Ok(()),
            false => {
                let expected = format!("a divisor of {channels} input and {out} output channels");
                Err(self.field("groups", groups, expected))
            }
        }
    }

    /// Height and width of the first input: of a sequence 1 and its length.
    ///
    /// # Errors
    /// [`GraphError::Shape`] if it is a vector.
    pub(crate) fn map(&self) -> Result<[usize; 2], GraphError> {
        match self.input() {
            Shape::Image { height, width, .. } => Ok([height, width]),
            Shape::Sequence { length, .. } => Ok([1, length]),
            found => Err(self.wrong(found, "[channels, height, width] or [channels, length]")),
        }
    }

    /// The error for an input shape that does not fit.
    pub(crate) fn wrong(&self, found: Shape, wanted: impl Into<String>) -> GraphError {
        GraphError::Shape { operator: self.name.to_owned(), found, wanted: wanted.into() }
    }

    /// The error for a field whose value makes no sense.
    pub(crate) fn field(
        &self,
        field: &'static str,
        found: impl Display,
        expected: impl Into<String>,
    ) -> GraphError {
        let (operator, found) = (self.name.to_owned(), found.to_string());
        GraphError::Field { operator, field, found, expected: expected.into() }
    }

    /// Checks that a size is from `least` to [`MAX_SCALARS`], so that sums of a few of them cannot wrap.
    ///
    /// # Errors
    /// [`GraphError::Field`].
    pub(crate) fn size(
        &self,
        field: &'static str,
        found: usize,
        least: usize,
    ) -> Result<(), GraphError> {
        if found < least {
            return Err(self.field(field, found, format!("at least {least}")));
        }
        if found as u64 > MAX_SCALARS {
            return Err(self.field(field, found, format!("at most {MAX_SCALARS}")));
        }
        Ok(())
    }
}
