//! The inner loops over rows of weights, to be run by [`crate::simd::widest`].
//!
//! `for` loops where rows are many: the closures of `for_each` and `collect` are not inlined, and so not compiled for
//! wide vectors.

use crate::scorers::Factor;
use crate::simd::pack;

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

/// Finds the weights of a row that may score up to a limit: `f(w_m) x_m ≤ limit`, in f32 and rather too many than
/// too few. Pruned weights, which are NaN, are not among them. Bit m of `bits` is weight m.
///
/// Sources come from [`rounded`], the limit from [`limit`].
#[inline(always)]
pub(super) fn scan(values: &[f32], x: &[f32], limit: f32, factor: Factor, bits: &mut [u64]) {
    match factor {
        Factor::Abs => test_all(values, x, bits, |v, x| v * x <= limit),
        // In this order only the result itself can overflow, and then it is above the limit.
        Factor::Square => test_all(values, x, bits, |v, x| v * x * v <= limit),
    }
}

#[inline(always)]
fn test_all(values: &[f32], x: &[f32], bits: &mut [u64], test: impl Fn(f32, f32) -> bool) {
    let (whole, rest) = values.as_chunks::<64>();
    let (x_whole, x_rest) = x.as_chunks::<64>();
    for ((v, x), bits) in whole.iter().zip(x_whole).zip(bits.iter_mut()) {
        *bits = pack(|i| test(v[i], x[i]));
    }
    let Some(bits) = bits.get_mut(whole.len()) else { return };
    *bits = match (values.last_chunk::<64>(), x.last_chunk::<64>()) {
        // The last ones once more: one by one the rest would take as long as some hundred by vectors.
        (Some(v), Some(x)) => pack(|i| test(v[i], x[i])) >> (64 - rest.len()),
        _ => {
            let pairs = rest.iter().zip(x_rest).enumerate();
            pairs.fold(0, |bits, (i, (&v, &x))| bits | u64::from(test(v, x)) << i)
        }
    };
}

/// A source's factor for [`scan`]: what f32 holds with full precision, or 0, which lets everything pass.
#[inline(always)]
pub(super) fn rounded(x: f64) -> f32 {
    let x = x as f32;
    if x >= f32::MIN_POSITIVE { x } else { 0.0 }
}

/// A row's limit for [`scan`], given its factor of every score: above what three roundings and an underflow can make
/// of a score at the limit.
#[inline(always)]
pub(super) fn limit(limit: f64, target: f64) -> f32 {
    match target > 0.0 {
        true => (limit / target * (1.0 + 1e-6) + 1e-36) as f32,
        false => f32::INFINITY,
    }
}
