//! Inner loops over whole rows, pruned weights among them: faster than lists while most weights live.

use super::block::{Near, Threshold, live};

/// Partial sums that run side by side.
const LANES: usize = 8;

/// `Σ f(w) x` in eight interleaved sums.
#[inline]
pub(super) fn dot(values: &[f32], x: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    let mut sums = [0.0; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    let (x_whole, x_rest) = x.as_chunks::<LANES>();
    for (v, x) in whole.iter().zip(x_whole) {
        for l in 0..LANES {
            sums[l] += f(live(v[l])) * x[l];
        }
    }
    for ((&v, x), sum) in rest.iter().zip(x_rest).zip(&mut sums) {
        *sum += f(live(v)) * x;
    }
    sums.iter().sum()
}

/// `x += y f(w)`.
#[inline]
pub(super) fn add(values: &[f32], y: f64, x: &mut [f64], f: impl Fn(f64) -> f64) {
    for (x, &v) in x.iter_mut().zip(values) {
        *x += y * f(live(v));
    }
}

/// Weights that score up to the threshold; the first stands at `place`.
#[inline]
pub(super) fn near(
    values: &[f32],
    place: usize,
    source: &[f64],
    threshold: &Threshold,
    factor: impl Fn(f64) -> f64,
    out: &mut Near,
) {
    let limit = threshold.limit();
    let mut scan = |place: usize, values: &[f32], source: &[f64]| {
        for (i, (&v, &x)) in values.iter().zip(source).enumerate() {
            let value = factor(f64::from(v));
            if value * x <= limit {
                threshold.sort(value, x, place + i, out);
            }
        }
    };
    let (whole, rest) = values.as_chunks::<LANES>();
    let (x_whole, x_rest) = source.as_chunks::<LANES>();
    for (chunk, (v, x)) in whole.iter().zip(x_whole).enumerate() {
        // Few weights are near: eight comparisons at once say mostly no.
        let mut any = false;
        for l in 0..LANES {
            any |= factor(f64::from(v[l])) * x[l] <= limit;
        }
        if any {
            scan(place + chunk * LANES, v, x);
        }
    }
    scan(place + whole.len() * LANES, rest, x_rest);
}
