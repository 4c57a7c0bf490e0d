//! The windows of poolings.

use std::ops::Range;

use super::geometry::Geometry;
use crate::arch::op::{AdaptiveAvgPool, Window};
use crate::arch::{Op, Shape};

/// The windows of a pooling.
#[derive(Clone, Copy, Debug)]
pub(super) enum Windows {
    /// Those that move by a stride.
    Moving(Window, Padding),
    /// As many as there are positions, which share the map.
    Sharing,
}

/// Whether a mean counts the padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    Counts,
    LeftOut,
}

/// A unit's window: the part of it that lies on the map.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) unit: usize,
    /// Of the result: row and column.
    pub(super) position: [usize; 2],
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
    /// How many positions a mean is taken of.
    pub(super) counted: usize,
}

impl Windows {
    /// Those of a pooling that reads a map of such a shape.
    pub(super) fn of(pooling: &Op, read: Shape) -> Self {
        match pooling {
            Op::MaxPool(pool) => Self::Moving(pool.0.window(read), Padding::LeftOut),
            Op::AvgPool(pool) if pool.count_padding => {
                Self::Moving(pool.pool.window(read), Padding::Counts)
            }
            Op::AvgPool(pool) => Self::Moving(pool.pool.window(read), Padding::LeftOut),
            _ => Self::Sharing,
        }
    }

    /// Calls `f` for each window of each unit, position by position.
    #[inline(always)]
    pub(super) fn each(self, from: Geometry, to: Geometry, mut f: impl FnMut(Seen)) {
        for y in 0..to.size[0] {
            let (rows, height) = self.at(y, 0, from, to);
            for x in 0..to.size[1] {
                let (columns, width) = self.at(x, 1, from, to);
                for unit in 0..to.units {
                    let (rows, columns) = (rows.clone(), columns.clone());
                    f(Seen { unit, position: [y, x], rows, columns, counted: height * width });
                }
            }
        }
    }

    /// The part of a window that lies on the map along an axis, and how many rows or columns of it count.
    fn at(
        self,
        position: usize,
        axis: usize,
        from: Geometry,
        to: Geometry,
    ) -> (Range<usize>, usize) {
        let size = from.size[axis];
        match self {
            Self::Moving(window, padding) => {
                let before = window.padding[axis];
                let first = position * window.stride[axis];
                let end = (first + window.kernel[axis]).min(size + 2 * before);
                let on_map = first.saturating_sub(before)..end.saturating_sub(before).min(size);
                let counted = match padding {
                    Padding::Counts => end - first,
                    Padding::LeftOut => on_map.len(),
                };
                (on_map, counted)
            }
            Self::Sharing => {
                let on_map = AdaptiveAvgPool::window(position, to.size[axis], size);
                (on_map.clone(), on_map.len())
            }
        }
    }
}
