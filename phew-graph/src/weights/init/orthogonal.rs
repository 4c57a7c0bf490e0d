//! Orthonormal frames, Haar distributed.

use ndarray_rand::rand_distr::Distribution;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::normal::StandardNormal;

/// A Haar-distributed orthonormal frame: modified Gram-Schmidt on a Gaussian matrix, in f64.
///
/// Our own, not a library's: the order of every sum is fixed, so the bytes do not depend on the machine's
/// vector width or threads. One pass suffices: its error, condition × 1e-16, stays far below f32's precision.
pub(super) fn orthogonal(rows: usize, columns: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let (short, long) = (rows.min(columns), rows.max(columns));
    let mut frame: Vec<f64> = StandardNormal::new().sample_iter(rng).take(short * long).collect();
    for row in 0..short {
        let (done, rest) = frame.split_at_mut((row + 1) * long);
        let pivot = &mut done[row * long..];
        let norm = dot(pivot, pivot).sqrt();
        pivot.iter_mut().for_each(|x| *x /= norm);
        rest.par_chunks_mut(long).for_each(|other| {
            let along = dot(other, pivot);
            other.iter_mut().zip(pivot.iter()).for_each(|(x, &p)| *x -= along * p);
        });
    }
    let at = |i: usize, j: usize| {
        if rows <= columns { frame[i * long + j] } else { frame[j * long + i] }
    };
    (0..rows * columns).map(|k| at(k / columns, k % columns) as f32).collect()
}

/// Dot product in eight interleaved partial sums.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += a * b;
        }
    }
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{stream, stream_key};

    #[test]
    fn frames_are_orthonormal_on_the_short_side() {
        for (rows, columns) in [(6, 36), (40, 9), (8, 8)] {
            let w = orthogonal(rows, columns, &mut stream(stream_key("test", 1), 0));
            let at = |k: usize, m: usize| {
                f64::from(if rows <= columns { w[k * columns + m] } else { w[m * columns + k] })
            };
            for a in 0..rows.min(columns) {
                for b in 0..=a {
                    let product: f64 = (0..rows.max(columns)).map(|m| at(a, m) * at(b, m)).sum();
                    let want = if a == b { 1.0 } else { 0.0 };
                    assert!((product - want).abs() < 1e-6, "{rows}x{columns} {a} {b}: {product}");
                }
            }
        }
    }
}
