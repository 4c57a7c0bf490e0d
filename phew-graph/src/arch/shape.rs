//! Shapes of activations.

use std::fmt;

/// Shape of an activation, without the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A vector.
    Features(usize),
    /// A stack of rows: what a one-dimensional convolution reads, or features of tokens.
    Sequence {
        /// Channels.
        channels: usize,
        /// Positions.
        length: usize,
    },
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
    /// From one number (features), two (channels, length) or three (channels, height, width).
    #[must_use]
    pub fn from_slice(sizes: &[usize]) -> Option<Self> {
        match *sizes {
            [n] => Some(Shape::Features(n)),
            [channels, length] => Some(Shape::Sequence { channels, length }),
            [channels, height, width] => Some(Shape::Image { channels, height, width }),
            _ => None,
        }
    }

    /// Its sizes: `[n]`, `[channels, length]` or `[channels, height, width]`.
    #[must_use]
    pub fn sizes(self) -> Vec<usize> {
        match self {
            Shape::Features(n) => vec![n],
            Shape::Sequence { channels, length } => vec![channels, length],
            Shape::Image { channels, height, width } => vec![channels, height, width],
        }
    }

    /// Units of a layer of this shape: features or channels.
    #[must_use]
    pub fn units(self) -> usize {
        match self {
            Shape::Features(n) => n,
            Shape::Sequence { channels, .. } | Shape::Image { channels, .. } => channels,
        }
    }

    /// The same positions with so many units.
    #[must_use]
    pub fn with_units(self, units: usize) -> Self {
        match self {
            Shape::Features(_) => Shape::Features(units),
            Shape::Sequence { length, .. } => Shape::Sequence { channels: units, length },
            Shape::Image { height, width, .. } => Shape::Image { channels: units, height, width },
        }
    }

    /// Scalars of one unit: 1, length, or height × width.
    #[must_use]
    pub fn area(self) -> usize {
        match self {
            Shape::Features(_) => 1,
            Shape::Sequence { length, .. } => length,
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
