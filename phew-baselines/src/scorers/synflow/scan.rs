//! The first look at a row of weights, in f32: which may score up to a limit. To be run by [`crate::simd::widest`].

use crate::power::Power;
use crate::simd::pack;

/// Finds the weights of a row that may score up to a limit: `f(w_m) x_m ≤ limit`, in f32 and rather too many than
/// too few. Pruned weights, which are NaN, are not among them. Bit m of `bits` is weight m.
///
/// Sources come from [`rounded`], the limit from [`limit`].
#[inline(always)]
pub(super) fn scan(values: &[f32], x: &[f32], limit: f32, factor: Power, bits: &mut [u64]) {
    match factor {
        Power::Abs => test_all(values, x, bits, |v, x| v * x <= limit),
        // In this order only the result itself can overflow, and then it is above the limit.
        Power::Square => test_all(values, x, bits, |v, x| v * x * v <= limit),
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
