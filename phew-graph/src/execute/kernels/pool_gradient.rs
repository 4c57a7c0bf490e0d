//! Gradients of maxima and means over windows: each is added to what the gradient by the input holds.

use super::{Source, Target};
use crate::execute::geometry::LANES;
use crate::execute::step::Windows;

/// Of a maximum: to the first of the window's numbers that is the greatest.
pub(in crate::execute) fn max_pool_gradient(
    windows: Windows,
    input: Source<'_>,
    gradient: Source<'_>,
    to: &mut Target<'_>,
) {
    let inputs = input.numbers.as_chunks::<LANES>().0;
    each(windows, gradient, to, |unit, rows, columns, _, dy, to, sums| {
        let places = || {
            let columns = columns.clone();
            rows.clone().flat_map(move |y| columns.clone().map(move |x| (y, x)))
        };
        let mut greatest = [f32::NEG_INFINITY; LANES];
        let mut at = [None; LANES];
        for (y, x) in places() {
            let here = &inputs[input.geometry.place(unit, y, x)];
            for lane in 0..LANES {
                if at[lane].is_none() || here[lane] > greatest[lane] || here[lane].is_nan() {
                    (greatest[lane], at[lane]) = (here[lane], Some(to.place(unit, y, x)));
                }
            }
        }
        for lane in 0..LANES {
            if let Some(place) = at[lane] {
                sums[place][lane] += dy[lane];
            }
        }
    });
}

/// Of a mean: to all numbers of the window alike.
pub(in crate::execute) fn avg_pool_gradient(
    windows: Windows,
    gradient: Source<'_>,
    to: &mut Target<'_>,
) {
    each(windows, gradient, to, |unit, rows, columns, area, dy, to, sums| {
        for y in rows {
            for x in columns.clone() {
                let there = &mut sums[to.place(unit, y, x)];
                for lane in 0..LANES {
                    there[lane] += dy[lane] / area;
                }
            }
        }
    });
}

/// Calls `f` for each unit's window: with the part of it that lies on the map, how much of it counts, the gradient by its
/// result, and the gradients by what it reads.
#[inline(always)]
fn each(
    windows: Windows,
    gradient: Source<'_>,
    to: &mut Target<'_>,
    f: impl Fn(
        usize,
        std::ops::Range<usize>,
        std::ops::Range<usize>,
        f32,
        &[f32; LANES],
        crate::execute::geometry::Geometry,
        &mut [[f32; LANES]],
    ),
) {
    let (map, of) = (to.geometry, gradient.geometry);
    let gradients = gradient.numbers.as_chunks::<LANES>().0;
    let sums = to.numbers.as_chunks_mut::<LANES>().0;
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for y in 0..of.size[0] {
                let (rows, height) = windows.at(y, 0, map, of);
                for x in 0..of.size[1] {
                    let (columns, width) = windows.at(x, 1, map, of);
                    let area = (height * width) as f32;
                    for unit in 0..of.units {
                        let dy = &gradients[of.place(unit, y, x)];
                        f(unit, rows.clone(), columns.clone(), area, dy, map, sums);
                    }
                }
            }
        },
    );
}
