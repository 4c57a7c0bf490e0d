//! Shapes of activations.

use std::fmt;

/// Shape of an activation, without the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A vector.
    Features(usize),
    /// A stack of maps.
    Image {
        /// Channels.
        channels: usize,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
}

impl Shape {
    /// From one number (features) or three (channels, height, width).
    #[must_use]
    pub fn from_slice(sizes: &[usize]) -> Option<Self> {
        match *sizes {
            [n] => Some(Shape::Features(n)),
            [channels, height, width] => Some(Shape::Image { channels, height, width }),
            _ => None,
        }
    }

    /// Its sizes: `[n]` or `[channels, height, width]`.
    #[must_use]
    pub fn sizes(self) -> Vec<usize> {
        match self {
            Shape::Features(n) => vec![n],
            Shape::Image { channels, height, width } => vec![channels, height, width],
        }
    }

    /// Units of a layer of this shape: features or channels.
    #[must_use]
    pub fn units(self) -> usize {
        match self {
            Shape::Features(n) => n,
            Shape::Image { channels, .. } => channels,
        }
    }

    /// Scalars of one unit: 1, or height × width.
    #[must_use]
    pub fn area(self) -> usize {
        match self {
            Shape::Features(_) => 1,
            Shape::Image { height, width, .. } => height * width,
        }
    }

    /// All scalars: units × area.
    #[must_use]
    pub fn scalars(self) -> usize {
        self.units() * self.area()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.sizes())
    }
}
