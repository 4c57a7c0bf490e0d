//! Inner loops over listed weights: each with its column.

use super::block::{Near, Threshold, live};

/// `Σ f(w) x` in four interleaved sums.
#[inline]
pub(super) fn dot(columns: &[u16], values: &[f32], x: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    let mut sums = [0.0; 4];
    let (c4, c_rest) = columns.as_chunks::<4>();
    let (v4, v_rest) = values.as_chunks::<4>();
    for (c, v) in c4.iter().zip(v4) {
        for l in 0..4 {
            sums[l] += f(live(v[l])) * x[usize::from(c[l])];
        }
    }
    for ((&c, &v), sum) in c_rest.iter().zip(v_rest).zip(&mut sums) {
        *sum += f(live(v)) * x[usize::from(c)];
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

/// `x += y f(w)`.
#[inline]
pub(super) fn add(columns: &[u16], values: &[f32], y: f64, x: &mut [f64], f: impl Fn(f64) -> f64) {
    for (&c, &v) in columns.iter().zip(values) {
        x[usize::from(c)] += y * f(live(v));
    }
}

/// Weights that score up to the threshold; the first stands at `place`.
#[inline]
pub(super) fn near(
    columns: &[u16],
    values: &[f32],
    place: usize,
    source: &[f64],
    threshold: &Threshold,
    factor: impl Fn(f64) -> f64,
    out: &mut Near,
) {
    let limit = threshold.limit();
    for (i, (&c, &v)) in columns.iter().zip(values).enumerate() {
        let (value, x) = (factor(f64::from(v)), source[usize::from(c)]);
        if value * x <= limit {
            threshold.sort(value, x, place + i, out);
        }
    }
}
