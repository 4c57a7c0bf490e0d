//! Maxima and means over windows.

use super::{Source, Target};
use crate::arch::op::Window;
use crate::execute::geometry::{LANES, Layout};

/// The maximum over each window; padding is never the greatest.
pub(in crate::execute) fn max_pool(window: Window, input: Source<'_>, output: &mut Target<'_>) {
    match output.geometry.layout {
        Layout::Inputs => {
            each::<LANES>(window, input, output, f32::NEG_INFINITY, f32::max, |greatest| greatest);
        }
        Layout::Positions => {
            each::<1>(window, input, output, f32::NEG_INFINITY, f32::max, |greatest| greatest);
        }
    }
}

/// The mean over each window; padding counts as zero.
pub(in crate::execute) fn avg_pool(window: Window, input: Source<'_>, output: &mut Target<'_>) {
    let area = (window.kernel[0] * window.kernel[1]) as f32;
    match output.geometry.layout {
        Layout::Inputs => {
            each::<LANES>(window, input, output, 0.0, |sum, x| sum + x, |sum| sum / area);
        }
        Layout::Positions => {
            each::<1>(window, input, output, 0.0, |sum, x| sum + x, |sum| sum / area);
        }
    }
}

fn each<const LANES: usize>(
    window: Window,
    input: Source<'_>,
    output: &mut Target<'_>,
    start: f32,
    join: impl Fn(f32, f32) -> f32,
    end: impl Fn(f32) -> f32,
) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            let (from, to) = (input.geometry, output.geometry);
            let inputs = input.numbers.as_chunks::<LANES>().0;
            let outputs = output.numbers.as_chunks_mut::<LANES>().0;
            // The part of a window that lies on the map, along an axis.
            let inside = |position: usize, axis: usize| {
                let first = position * window.stride[axis];
                let last =
                    (first + window.kernel[axis]).min(from.size[axis] + window.padding[axis]);
                first.saturating_sub(window.padding[axis])..last - window.padding[axis].min(last)
            };
            for unit in 0..to.units {
                for y in 0..to.size[0] {
                    for x in 0..to.size[1] {
                        let mut all = [start; LANES];
                        for row in inside(y, 0) {
                            for column in inside(x, 1) {
                                let here = &inputs[from.place(unit, row, column)];
                                for lane in 0..LANES {
                                    all[lane] = join(all[lane], here[lane]);
                                }
                            }
                        }
                        outputs[to.place(unit, y, x)] = all.map(&end);
                    }
                }
            }
        },
    );
}
