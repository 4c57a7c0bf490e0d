//! Maxima and means over windows, and the way back.

use std::ops::Range;

use super::map::Map;
use crate::arch::{Op, Shape};
use crate::execute::geometry::Geometry;
use crate::execute::windows::{Seen, Windows};

/// What is taken of each window.
pub(super) struct Pooling {
    windows: Windows,
    greatest: bool,
}

impl Pooling {
    /// Of a pooling operator that reads such maps.
    pub(super) fn new(op: &Op, read: Shape) -> Self {
        Self { windows: Windows::of(op, read), greatest: matches!(op, Op::MaxPool(_)) }
    }

    pub(super) fn forward(&self, from: &Map, to: &mut Map) {
        let numbers = &mut to.numbers;
        self.each(from.geometry, to.geometry, |place, area, seen| {
            let seen = seen.map(|index| from.numbers[index]);
            numbers[place] = match self.greatest {
                true => seen.fold(f64::NEG_INFINITY, f64::max),
                false => seen.sum::<f64>() / area,
            };
        });
    }

    /// To the first of the greatest, or to all alike.
    pub(super) fn back(&self, from: &Map, by_output: &Map, by_input: &mut Map) {
        let sums = &mut by_input.numbers;
        self.each(from.geometry, by_output.geometry, |place, area, seen| {
            let slope = by_output.numbers[place];
            if self.greatest {
                let first = seen.reduce(|first, index| {
                    if from.numbers[index] > from.numbers[first] { index } else { first }
                });
                first.into_iter().for_each(|index| sums[index] += slope);
            } else {
                seen.for_each(|index| sums[index] += slope / area);
            }
        });
    }

    /// Calls `f` for each position of the result: with its place, how much of its window counts, and the places of the part of the
    /// window that lies on the map.
    fn each(
        &self,
        from: Geometry,
        to: Geometry,
        mut f: impl FnMut(usize, f64, &mut dyn Iterator<Item = usize>),
    ) {
        self.windows.each(from, to, |Seen { unit, position: [y, x], rows, columns, counted }| {
            let row = |y: usize| -> Range<usize> {
                from.place(unit, y, columns.start)..from.place(unit, y, columns.end)
            };
            f(to.place(unit, y, x), counted as f64, &mut rows.flat_map(row));
        });
    }
}
