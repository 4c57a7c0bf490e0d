//! Maxima and means over windows.

use super::{Source, Target};
use crate::execute::geometry::{LANES, Layout};
use crate::execute::windows::{Seen, Windows};

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
            windows.each(from, to, |Seen { unit, position: [y, x], rows, columns, counted }| {
                let mut all = [start; LANES];
                for row in rows {
                    for column in columns.clone() {
                        let here = &inputs[from.place(unit, row, column)];
                        for lane in 0..LANES {
                            all[lane] = join(all[lane], here[lane]);
                        }
                    }
                }
                let there = &mut outputs[to.place(unit, y, x)];
                for lane in 0..LANES {
                    there[lane] = end(all[lane], counted as f32);
                }
            });
        },
    );
}
