//! Sums of a row's numbers for each of [`LANES`] inputs: of a row in f32, of rows in f64, in order.

use crate::execute::geometry::LANES;

/// Numbers that are summed apart, so that one sum need not wait for the other.
pub(super) const APART: usize = 4 * LANES;

/// Adds what is made of each number of a row to the sum of its input.
#[inline(always)]
pub(super) fn add(sums: &mut [f64; LANES], row: &[f32], of: impl Fn(f32) -> f32) {
    let mut apart = [0.0; APART];
    let (groups, rest) = row.as_chunks::<APART>();
    for group in groups {
        for i in 0..APART {
            apart[i] += of(group[i]);
        }
    }
    for (i, x) in rest.iter().enumerate() {
        apart[i] += of(*x);
    }
    join(sums, &apart);
}

/// Adds the sums of a row that were taken apart.
#[inline(always)]
pub(super) fn join(sums: &mut [f64; LANES], apart: &[f32; APART]) {
    for lane in 0..LANES {
        let [a, b, c, d] = [0, 1, 2, 3].map(|part| apart[part * LANES + lane]);
        sums[lane] += f64::from((a + b) + (c + d));
    }
}
