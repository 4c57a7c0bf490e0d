//! Gradients of maxima and means over windows: each is added to what the gradient by the input holds.

use super::{Source, Target};
use crate::execute::geometry::{Geometry, LANES};
use crate::execute::windows::{Seen, Windows};

/// Of a maximum: to the first of the window's numbers that is the greatest.
pub(in crate::execute) fn max_pool_gradient(
    windows: Windows,
    input: Source<'_>,
    gradient: Source<'_>,
    to: &mut Target<'_>,
) {
    let inputs = input.numbers.as_chunks::<LANES>().0;
    each(windows, gradient, to, |Seen { unit, rows, columns, .. }, dy, to, sums| {
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
    each(windows, gradient, to, |Seen { unit, rows, columns, counted, .. }, dy, to, sums| {
        let area = counted as f32;
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

/// Calls `f` for each window, with the gradient by its result, and the gradients by what it reads.
#[inline(always)]
fn each(
    windows: Windows,
    gradient: Source<'_>,
    to: &mut Target<'_>,
    f: impl Fn(Seen, &[f32; LANES], Geometry, &mut [[f32; LANES]]),
) {
    let (map, of) = (to.geometry, gradient.geometry);
    let gradients = gradient.numbers.as_chunks::<LANES>().0;
    let sums = to.numbers.as_chunks_mut::<LANES>().0;
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            windows.each(map, of, |seen| {
                let [y, x] = seen.position;
                let dy = &gradients[of.place(seen.unit, y, x)];
                f(seen, dy, map, sums);
            });
        },
    );
}
