//! Maxima and means over windows.

use std::ops::Range;

use super::{Source, Target};
use crate::arch::op::AdaptiveAvgPool;
use crate::execute::geometry::{Geometry, LANES, Layout};
use crate::execute::step::{Padding, Windows};

/// The maximum over each window; padding is never the greatest.
pub(in crate::execute) fn max_pool(windows: Windows, input: Source<'_>, output: &mut Target<'_>) {
    pool(windows, input, output, f32::NEG_INFINITY, f32::max, |greatest, _| greatest);
}

/// The mean over each window.
pub(in crate::execute) fn avg_pool(windows: Windows, input: Source<'_>, output: &mut Target<'_>) {
    pool(windows, input, output, 0.0, |sum, x| sum + x, |sum, area| sum / area);
}

fn pool(
    windows: Windows,
    input: Source<'_>,
    output: &mut Target<'_>,
    start: f32,
    join: impl Fn(f32, f32) -> f32,
    end: impl Fn(f32, f32) -> f32,
) {
    match output.geometry.layout {
        Layout::Inputs => each::<LANES>(windows, input, output, start, join, end),
        Layout::Positions => each::<1>(windows, input, output, start, join, end),
    }
}

impl Windows {
    /// The part of a window that lies on the map along an axis, and how many rows or columns of it count.
    pub(in crate::execute) fn at(
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

fn each<const LANES: usize>(
    windows: Windows,
    input: Source<'_>,
    output: &mut Target<'_>,
    start: f32,
    join: impl Fn(f32, f32) -> f32,
    end: impl Fn(f32, f32) -> f32,
) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            let (from, to) = (input.geometry, output.geometry);
            let inputs = input.numbers.as_chunks::<LANES>().0;
            let outputs = output.numbers.as_chunks_mut::<LANES>().0;
            for y in 0..to.size[0] {
                let (rows, height) = windows.at(y, 0, from, to);
                for x in 0..to.size[1] {
                    let (columns, width) = windows.at(x, 1, from, to);
                    let area = (height * width) as f32;
                    for unit in 0..to.units {
                        let mut all = [start; LANES];
                        for row in rows.clone() {
                            for column in columns.clone() {
                                let here = &inputs[from.place(unit, row, column)];
                                for lane in 0..LANES {
                                    all[lane] = join(all[lane], here[lane]);
                                }
                            }
                        }
                        let there = &mut outputs[to.place(unit, y, x)];
                        for lane in 0..LANES {
                            there[lane] = end(all[lane], area);
                        }
                    }
                }
            }
        },
    );
}
