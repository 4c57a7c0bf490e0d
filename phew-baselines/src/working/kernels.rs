//! The inner loops over a row of weights, compiled for the widest vectors that the machine has.
//!
//! Nothing here depends on the width: sums run in a fixed number of lanes, so that any machine gives the same bytes.

use pulp::{Arch, Simd, WithSimd};

use super::block::Factor;

/// Partial sums that run side by side.
const LANES: usize = 16;

/// The magnitude of a live weight; 0 for a pruned one.
#[inline(always)]
fn live(value: f32) -> f64 {
    f64::from(if value > 0.0 { value } else { 0.0 })
}

/// `y_j = Σ_m f(w_jm) x_m`, one row of `values` for each `x.len()`.
pub(super) struct Gather<'a> {
    pub(super) values: &'a [f32],
    pub(super) x: &'a [f64],
    pub(super) factor: Factor,
}

impl Gather<'_> {
    pub(super) fn run(self) -> Vec<f64> {
        Arch::new().dispatch(self)
    }
}

impl WithSimd for Gather<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<f64> {
        match self.factor {
            Factor::Abs => self.by(|w| w),
            Factor::Square => self.by(|w| w * w),
        }
    }
}

impl Gather<'_> {
    #[inline(always)]
    fn by(self, f: impl Fn(f64) -> f64) -> Vec<f64> {
        self.values.chunks_exact(self.x.len()).map(|row| dot(row, self.x, &f)).collect()
    }
}

#[inline(always)]
fn dot(values: &[f32], x: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    let mut sums = [0.0; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    let (x_whole, x_rest) = x.as_chunks::<LANES>();
    for (v, x) in whole.iter().zip(x_whole) {
        for l in 0..LANES {
            sums[l] += f(live(v[l])) * x[l];
        }
    }
    let mut tail = 0.0;
    for (&v, x) in rest.iter().zip(x_rest) {
        tail += f(live(v)) * x;
    }
    sums.iter().sum::<f64>() + tail
}

/// `x_m = Σ_j y_j f(w_jm)`.
pub(super) struct Scatter<'a> {
    /// One row for each of `y`.
    pub(super) values: &'a [f32],
    pub(super) columns: usize,
    pub(super) y: &'a [f64],
    pub(super) factor: Factor,
}

impl Scatter<'_> {
    pub(super) fn run(self) -> Vec<f64> {
        Arch::new().dispatch(self)
    }
}

impl WithSimd for Scatter<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<f64> {
        match self.factor {
            Factor::Abs => self.by(|w| w),
            Factor::Square => self.by(|w| w * w),
        }
    }
}

impl Scatter<'_> {
    #[inline(always)]
    fn by(self, f: impl Fn(f64) -> f64) -> Vec<f64> {
        let mut x = vec![0.0; self.columns];
        for (row, &y) in self.values.chunks_exact(self.columns).zip(self.y) {
            for (x, &v) in x.iter_mut().zip(row) {
                *x += y * f(live(v));
            }
        }
        x
    }
}

/// Finds the weights of a row that may score up to a limit: `f(w_m) x_m ≤ limit`, in f32 and rather too many than
/// too few. Pruned weights, which are NaN, are not among them.
pub(super) struct Scan<'a> {
    pub(super) values: &'a [f32],
    /// From [`rounded`].
    pub(super) x: &'a [f32],
    /// From [`limit`].
    pub(super) limit: f32,
    pub(super) factor: Factor,
    /// Bit m is weight m.
    pub(super) bits: &'a mut [u64],
}

impl Scan<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Scan<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { values, x, limit, factor, bits } = self;
        match factor {
            Factor::Abs => scan(values, x, bits, |v, x| v * x <= limit),
            // In this order only the result itself can overflow, and then it is above the limit.
            Factor::Square => scan(values, x, bits, |v, x| v * x * v <= limit),
        }
    }
}

#[inline(always)]
fn scan(values: &[f32], x: &[f32], bits: &mut [u64], test: impl Fn(f32, f32) -> bool) {
    let (whole, rest) = values.as_chunks::<64>();
    let (x_whole, x_rest) = x.as_chunks::<64>();
    for ((v, x), bits) in whole.iter().zip(x_whole).zip(bits.iter_mut()) {
        let mut bytes = [0u8; 64];
        for i in 0..64 {
            bytes[i] = u8::from(test(v[i], x[i]));
        }
        // A product packs eight of them.
        *bits = bytes.as_chunks::<8>().0.iter().rev().fold(0, |bits, &octet| {
            bits << 8 | u64::from_le_bytes(octet).wrapping_mul(0x0102_0408_1020_4080) >> 56
        });
    }
    if let Some(bits) = bits.get_mut(whole.len()) {
        let pairs = rest.iter().zip(x_rest).enumerate();
        *bits = pairs.fold(0, |bits, (i, (&v, &x))| bits | u64::from(test(v, x)) << i);
    }
}

/// A source's factor for [`Scan`]: what f32 holds with full precision, or 0, which lets everything pass.
pub(super) fn rounded(x: f64) -> f32 {
    let x = x as f32;
    if x >= f32::MIN_POSITIVE { x } else { 0.0 }
}

/// A row's limit for [`Scan`], given its factor of every score: above what three roundings and an underflow can make
/// of a score at the limit.
pub(super) fn limit(limit: f64, target: f64) -> f32 {
    match target > 0.0 {
        true => (limit / target * (1.0 + 1e-6) + 1e-36) as f32,
        false => f32::INFINITY,
    }
}
