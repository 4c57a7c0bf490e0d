//! Initial weights: one stream per tensor, so a tensor depends on its name, shape and the seed alone.

use std::fmt;
use std::str::FromStr;

use ndarray_rand::rand_distr::{Distribution, StandardNormal, Uniform};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::arch::TensorSpec;
use crate::error::GraphError;
use crate::rng::{stream, stream_key};

/// Which fan scales a Kaiming initialiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Fan {
    /// Inputs per output unit: `in / groups · kh · kw`. PyTorch's default.
    #[default]
    In,
    /// Outputs per input unit as PyTorch counts them: `out · kh · kw`, groups not divided out.
    Out,
}

/// Distribution of the initial weights. Biases start at 0, normalisation at its neutral values.
///
/// The gain is that of ReLU (√2) for Kaiming and 1 otherwise.
///
/// # References
/// He et al. 2015 (Kaiming); Glorot & Bengio 2010 (Xavier); Saxe et al. 2014 (orthogonal).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Init {
    /// N(0, 2 / fan).
    KaimingNormal(Fan),
    /// U(−b, b), `b = √(6 / fan)`.
    KaimingUniform(Fan),
    /// `N(0, 2 / (fan_in + fan_out))`.
    XavierNormal,
    /// U(−b, b), `b = √(6 / (fan_in + fan_out))`.
    XavierUniform,
    /// N(0, σ²), the same in every layer.
    Normal {
        /// Standard deviation σ.
        std: f64,
    },
    /// A matrix `[out, in · kh · kw]` with orthonormal rows or columns (whichever are fewer), Haar distributed.
    Orthogonal,
}

impl Default for Init {
    /// Kaiming normal by fan-in, as in the PHEW paper (001, appendix D.1).
    fn default() -> Self {
        Init::KaimingNormal(Fan::In)
    }
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Init::KaimingNormal(Fan::In) => f.write_str("kaiming-normal"),
            Init::KaimingNormal(Fan::Out) => f.write_str("kaiming-normal-fan-out"),
            Init::KaimingUniform(Fan::In) => f.write_str("kaiming-uniform"),
            Init::KaimingUniform(Fan::Out) => f.write_str("kaiming-uniform-fan-out"),
            Init::XavierNormal => f.write_str("xavier-normal"),
            Init::XavierUniform => f.write_str("xavier-uniform"),
            Init::Normal { std } => write!(f, "normal:{std}"),
            Init::Orthogonal => f.write_str("orthogonal"),
        }
    }
}

impl FromStr for Init {
    type Err = GraphError;

    /// The names that [`Init`]'s `Display` writes; `normal:0.1` carries its standard deviation.
    fn from_str(text: &str) -> Result<Self, GraphError> {
        let wrong = || GraphError::Parameter {
            name: "initialiser",
            found: format!("`{text}`"),
            expected: "kaiming-normal, kaiming-normal-fan-out, kaiming-uniform, kaiming-uniform-fan-out, \
                       xavier-normal, xavier-uniform, normal:STD (STD positive) or orthogonal",
        };
        if let Some(std) = text.strip_prefix("normal:") {
            let std: f64 = std.parse().map_err(|_| wrong())?;
            return if std > 0.0 && std.is_finite() {
                Ok(Init::Normal { std })
            } else {
                Err(wrong())
            };
        }
        Ok(match text {
            "kaiming-normal" => Init::KaimingNormal(Fan::In),
            "kaiming-normal-fan-out" => Init::KaimingNormal(Fan::Out),
            "kaiming-uniform" => Init::KaimingUniform(Fan::In),
            "kaiming-uniform-fan-out" => Init::KaimingUniform(Fan::Out),
            "xavier-normal" => Init::XavierNormal,
            "xavier-uniform" => Init::XavierUniform,
            "orthogonal" => Init::Orthogonal,
            _ => return Err(wrong()),
        })
    }
}

impl Init {
    /// Initial values of one weight tensor, row-major.
    ///
    /// # Complexity
    /// O(scalars) draws; [`Init::Orthogonal`] takes `min² · max` operations for a `min × max` matrix.
    #[must_use]
    pub fn sample(self, spec: &TensorSpec, seed: u64) -> Vec<f32> {
        let mut values = vec![0.0; spec.len()];
        self.fill(spec, seed, &mut values);
        values
    }

    /// As [`Init::sample`], into memory for as many values.
    pub(super) fn fill(self, spec: &TensorSpec, seed: u64, values: &mut [f32]) {
        let mut rng = tensor_stream(&spec.name, seed);
        let kernel: usize = spec.shape[2..].iter().product();
        let (fan_in, fan_out) = ((spec.shape[1] * kernel) as f64, (spec.shape[0] * kernel) as f64);
        let fan = |fan| if fan == Fan::In { fan_in } else { fan_out };
        match self {
            Init::KaimingNormal(f) => normal((2.0 / fan(f)).sqrt(), &mut rng, values),
            Init::KaimingUniform(f) => uniform((6.0 / fan(f)).sqrt(), &mut rng, values),
            Init::XavierNormal => normal((2.0 / (fan_in + fan_out)).sqrt(), &mut rng, values),
            Init::XavierUniform => uniform((6.0 / (fan_in + fan_out)).sqrt(), &mut rng, values),
            Init::Normal { std } => normal(std, &mut rng, values),
            Init::Orthogonal => {
                values.copy_from_slice(&orthogonal(spec.shape[0], spec.shape[1] * kernel, &mut rng))
            }
        }
    }
}

/// The stream of a tensor: its number is taken from the hash of the name.
fn tensor_stream(name: &str, seed: u64) -> ChaCha8Rng {
    let hash = blake3::hash(name.as_bytes());
    let mut number = [0; 8];
    number.copy_from_slice(&hash.as_bytes()[..8]);
    stream(stream_key("phew 1 initial weights", seed), u64::from_le_bytes(number))
}

/// Draws in f64, each rounded once.
fn draw(law: impl Distribution<f64>, scale: f64, rng: &mut ChaCha8Rng, values: &mut [f32]) {
    values.iter_mut().for_each(|value| *value = (law.sample(rng) * scale) as f32);
}

fn normal(std: f64, rng: &mut ChaCha8Rng, values: &mut [f32]) {
    draw(StandardNormal, std, rng, values);
}

fn uniform(bound: f64, rng: &mut ChaCha8Rng, values: &mut [f32]) {
    match Uniform::new(-1.0, 1.0) {
        Ok(law) => draw(law, bound, rng, values),
        Err(_) => unreachable!("-1 is below 1"),
    }
}

/// A Haar-distributed orthonormal frame: modified Gram-Schmidt on a Gaussian matrix, in f64.
///
/// Our own, not a library's: the order of every sum is fixed, so the bytes do not depend on the machine's
/// vector width or threads. One pass suffices: its error, condition × 1e-16, stays far below f32's precision.
fn orthogonal(rows: usize, columns: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let (short, long) = (rows.min(columns), rows.max(columns));
    let mut frame: Vec<f64> = (0..short * long).map(|_| StandardNormal.sample(rng)).collect();
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
    use crate::arch::Role;

    fn spec(name: &str, shape: &[usize]) -> TensorSpec {
        TensorSpec { name: name.into(), shape: shape.into(), role: Role::Weight, node: 0 }
    }

    #[test]
    fn names_round_trip_and_wrong_ones_are_refused() {
        for text in [
            "kaiming-normal",
            "kaiming-uniform-fan-out",
            "xavier-uniform",
            "normal:0.1",
            "orthogonal",
        ] {
            assert_eq!(text.parse::<Init>().unwrap().to_string(), text);
        }
        for text in ["kaiming", "normal:", "normal:0", "normal:-1", "normal:NaN", "normal:inf"] {
            assert!(text.parse::<Init>().is_err(), "{text}");
        }
    }

    #[test]
    fn variances_and_bounds_are_those_of_the_formulas() {
        // 64 × 32 × 3 × 3: fan-in 288, fan-out 576. The variance of n normal draws has a relative standard
        // error of √(2/n) = 1 %; of uniform draws √(0.8/n) = 0.7 %. Five of these are allowed.
        let spec = spec("w", &[64, 32, 3, 3]);
        let n = spec.len() as f64;
        for (init, variance, bound) in [
            (Init::KaimingNormal(Fan::In), 2.0 / 288.0, None),
            (Init::KaimingNormal(Fan::Out), 2.0 / 576.0, None),
            (Init::XavierNormal, 2.0 / 864.0, None),
            (Init::Normal { std: 0.1 }, 0.01, None),
            (Init::KaimingUniform(Fan::In), 2.0 / 288.0, Some(6.0 / 288.0)),
            (Init::KaimingUniform(Fan::Out), 2.0 / 576.0, Some(6.0 / 576.0)),
            (Init::XavierUniform, 2.0 / 864.0, Some(6.0 / 864.0)),
        ] {
            let values = init.sample(&spec, 7);
            let found = values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / n;
            assert!(
                (found / variance - 1.0).abs() < 5.0 * (2.0 / n).sqrt(),
                "{init}: {found} {variance}"
            );
            if let Some(square) = bound {
                let greatest = values.iter().fold(0.0f64, |m, &x| m.max(f64::from(x).powi(2)));
                assert!(greatest <= square * (1.0 + 1e-6) && greatest > 0.99 * square, "{init}");
            }
        }
    }

    #[test]
    fn orthogonal_frames_are_orthonormal_on_the_short_side() {
        for shape in [&[6, 4, 3, 3][..], &[40, 9], &[8, 8]] {
            let spec = spec("w", shape);
            let w = Init::Orthogonal.sample(&spec, 1);
            let (rows, columns) = (shape[0], spec.len() / shape[0]);
            let at = |k: usize, m: usize| {
                f64::from(if rows <= columns { w[k * columns + m] } else { w[m * columns + k] })
            };
            for a in 0..rows.min(columns) {
                for b in 0..=a {
                    let product: f64 = (0..rows.max(columns)).map(|m| at(a, m) * at(b, m)).sum();
                    let want = if a == b { 1.0 } else { 0.0 };
                    assert!((product - want).abs() < 1e-6, "{shape:?} {a} {b}: {product}");
                }
            }
        }
    }

    #[test]
    fn a_tensor_depends_on_its_name_shape_and_seed_alone() {
        let init = Init::default();
        let w = init.sample(&spec("fc.weight", &[3, 2]), 0);
        assert_eq!(w, init.sample(&TensorSpec { node: 9, ..spec("fc.weight", &[3, 2]) }, 0));
        assert_ne!(w, init.sample(&spec("fc2.weight", &[3, 2]), 0));
        assert_ne!(w, init.sample(&spec("fc.weight", &[3, 2]), 1));
    }
}
