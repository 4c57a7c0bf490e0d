//! Where the scalars of a value lie in its buffer.

use crate::arch::Shape;

/// Inputs that are computed side by side.
pub(super) const LANES: usize = 16;

/// A value's maps, each with a border of zeros: `[rows, units, columns]` of [`LANES`] numbers.
///
/// Rows come first, so that what a window sees of all units lies together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) units: usize,
    /// Rows and columns of a map; 1 and 1 for features.
    pub(super) size: [usize; 2],
    /// Zeros on each side.
    pub(super) border: [usize; 2],
}

impl Geometry {
    pub(super) fn of(shape: Shape, border: [usize; 2]) -> Self {
        match shape {
            Shape::Features(units) => Self { units, size: [1; 2], border: [0; 2] },
            Shape::Sequence { channels, length } => {
                Self { units: channels, size: [1, length], border }
            }
            Shape::Image { channels, height, width } => {
                Self { units: channels, size: [height, width], border }
            }
        }
    }

    /// Columns with the border.
    #[inline(always)]
    pub(super) fn row(&self) -> usize {
        self.size[1] + 2 * self.border[1]
    }

    /// From a position to the one below it, in groups of [`LANES`] numbers.
    #[inline(always)]
    pub(super) fn down(&self) -> usize {
        self.units * self.row()
    }

    /// The place of a position, in groups of [`LANES`] numbers.
    #[inline(always)]
    pub(super) fn place(&self, unit: usize, y: usize, x: usize) -> usize {
        (y + self.border[0]) * self.down() + unit * self.row() + x + self.border[1]
    }

    /// Numbers of a buffer.
    pub(super) fn len(&self) -> usize {
        (self.size[0] + 2 * self.border[0]) * self.down() * LANES
    }
}
