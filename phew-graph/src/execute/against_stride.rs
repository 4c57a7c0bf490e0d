//! Windows looked at from the map that they read: which of their positions read a position of it, and through which row and
//! column of the kernel.
//!
//! The positions of that map that leave the same remainder by the stride are read through the same rows and columns: they are
//! a part of their own, whose sums are those of a convolution of stride 1 over the map of windows. So the gradient by what a
//! convolution reads is computed, and a transposed convolution.

use super::geometry::Geometry;
use crate::arch::op::Window;

/// How far beyond the map of windows the sums of all positions of a map reach, in rows and columns.
pub(super) fn reach(window: Window, map: [usize; 2], windows: [usize; 2]) -> [usize; 2] {
    [0, 1].map(|axis| {
        let mut reach = 0;
        for first in 0..window.stride[axis].min(map[axis]) {
            let steps = (map[axis] - first).div_ceil(window.stride[axis]);
            for tap in 0..window.kernel[axis] {
                if let Some(offset) = offset(window, axis, first, tap) {
                    let last = offset + steps as isize - 1;
                    reach = reach.max(-offset).max(last - (windows[axis] as isize - 1));
                }
            }
        }
        reach.unsigned_abs()
    })
}

/// The place in the map of windows, with its border, of what the first position of a part reads of a unit through a row and column of
/// the kernel, if it reads anything through them. `first` is where the part begins.
pub(super) fn place(
    window: Window,
    first: [usize; 2],
    tap: [usize; 2],
    unit: usize,
    windows: &Geometry,
) -> Option<u32> {
    let row = offset(window, 0, first[0], tap[0])?;
    let column = offset(window, 1, first[1], tap[1])?;
    let [above, left] = windows.border;
    let row = row.saturating_add_unsigned(above).unsigned_abs();
    let column = column.saturating_add_unsigned(left).unsigned_abs();
    Some((row * windows.down() + unit * windows.next_unit() + column) as u32)
}

/// The row and column where the part begins that is read through a row and column of the kernel.
pub(super) fn first_of(window: Window, tap: [usize; 2]) -> [usize; 2] {
    [0, 1].map(|axis| {
        let from_first =
            (tap[axis] * window.dilation[axis]) as isize - window.padding[axis] as isize;
        from_first.rem_euclid(window.stride[axis] as isize).unsigned_abs()
    })
}

/// From a position's number in its part to the window that reads it through a row or column of the kernel, if one does.
fn offset(window: Window, axis: usize, first: usize, tap: usize) -> Option<isize> {
    let stride = window.stride[axis] as isize;
    let at = (first + window.padding[axis]) as isize - (tap * window.dilation[axis]) as isize;
    (at.rem_euclid(stride) == 0).then(|| at.div_euclid(stride))
}
