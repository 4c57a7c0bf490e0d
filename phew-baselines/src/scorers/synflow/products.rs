//! Products of a block's matrix with vectors, to be run by [`crate::simd::widest`].
//!
//! `for` loops where rows are many: the closures of `for_each` and `collect` are not inlined, and so not compiled for
//! wide vectors.

/// Partial sums that run side by side.
const LANES: usize = 16;

/// |w| of a live weight; 0 of a pruned one.
#[inline(always)]
pub(super) fn live(value: f32) -> f64 {
    f64::from(if value > 0.0 { value } else { 0.0 })
}

/// w² of a live weight; 0 of a pruned one.
#[inline(always)]
pub(super) fn live_square(value: f32) -> f64 {
    live(value) * live(value)
}

/// `y_j = Σ_m f(v_jm) x_m`, one row of `values` for each of `y`.
#[inline(always)]
pub(super) fn gather<T: Copy>(values: &[T], x: &[f64], f: impl Fn(T) -> f64, y: &mut [f64]) {
    for (row, y) in values.chunks_exact(x.len()).zip(y) {
        *y = dot(row, x, &f);
    }
}

#[inline(always)]
fn dot<T: Copy>(values: &[T], x: &[f64], f: impl Fn(T) -> f64) -> f64 {
    let mut sums = [0.0; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    let (x_whole, x_rest) = x.as_chunks::<LANES>();
    for (v, x) in whole.iter().zip(x_whole) {
        for l in 0..LANES {
            sums[l] += f(v[l]) * x[l];
        }
    }
    let mut tail = 0.0;
    for (&v, x) in rest.iter().zip(x_rest) {
        tail += f(v) * x;
    }
    sums.iter().sum::<f64>() + tail
}

/// Adds `Σ_j y_j f(v_jm)` to each `x_m`, one row of `values` for each of `y`.
#[inline(always)]
pub(super) fn scatter<T: Copy>(values: &[T], y: &[f64], f: impl Fn(T) -> f64, x: &mut [f64]) {
    for (row, &y) in values.chunks_exact(x.len()).zip(y) {
        for (x, &v) in x.iter_mut().zip(row) {
            *x += y * f(v);
        }
    }
}
