//! Initial weights: one stream per tensor, so a tensor depends on its name, shape and the seed alone.

mod names;
mod normal;
mod orthogonal;

use ndarray_rand::rand_distr::{Distribution, Uniform};
use rand_chacha::ChaCha8Rng;

use self::normal::StandardNormal;
use self::orthogonal::orthogonal;
use crate::arch::TensorSpec;
use crate::rng::{stream, stream_key};

/// Which fan scales a Kaiming initialiser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Fan {
    /// Inputs per output unit: `in / groups · kh · kw`. PyTorch's default. Of a transposed convolution PyTorch counts
    /// `out / groups · kh · kw`, from the second size of its weight, and so does phew.
    #[default]
    In,
    /// Outputs per input unit as PyTorch counts them: `out · kh · kw`, groups not divided out; of a transposed convolution
    /// `in · kh · kw`.
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
    /// A matrix `[out, in · kh · kw]`, of a transposed convolution `[in, out · kh · kw]`, with orthonormal rows or columns (whichever are fewer), Haar distributed.
    Orthogonal,
}

impl Default for Init {
    /// Kaiming normal by fan-in, as in Patil & Dovrolis 2021, appendix D.1.
    fn default() -> Self {
        Init::KaimingNormal(Fan::In)
    }
}

impl Init {
    /// Initial values of one weight tensor, in the order of memory; they are drawn in that of files.
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
        self.draw(&spec.name, &spec.shape.in_files(), seed, values);
        if !spec.shape.is_plain() {
            let held = spec.shape.to_memory(values).into_owned();
            values.copy_from_slice(&held);
        }
    }

    /// The values of a tensor of these sizes in files, in that order.
    fn draw(self, name: &str, sizes: &[usize], seed: u64, values: &mut [f32]) {
        let mut rng = tensor_stream("phew 1 initial weights", name, seed);
        let kernel: usize = sizes[2..].iter().product();
        let (fan_in, fan_out) = ((sizes[1] * kernel) as f64, (sizes[0] * kernel) as f64);
        let fan = |fan| if fan == Fan::In { fan_in } else { fan_out };
        match self {
            Init::KaimingNormal(f) => normal((2.0 / fan(f)).sqrt(), &mut rng, values),
            Init::KaimingUniform(f) => {
                uniform([-1.0, 1.0], (6.0 / fan(f)).sqrt(), &mut rng, values);
            }
            Init::XavierNormal => normal((2.0 / (fan_in + fan_out)).sqrt(), &mut rng, values),
            Init::XavierUniform => {
                uniform([-1.0, 1.0], (6.0 / (fan_in + fan_out)).sqrt(), &mut rng, values);
            }
            Init::Normal { std } => normal(std, &mut rng, values),
            Init::Orthogonal => {
                values.copy_from_slice(&orthogonal(sizes[0], sizes[1] * kernel, &mut rng))
            }
        }
    }
}

/// The stream of a tensor for a use (`domain`): its number is taken from the hash of the name.
pub(super) fn tensor_stream(domain: &str, name: &str, seed: u64) -> ChaCha8Rng {
    let hash = blake3::hash(name.as_bytes());
    let mut number = [0; 8];
    number.copy_from_slice(&hash.as_bytes()[..8]);
    stream(stream_key(domain, seed), u64::from_le_bytes(number))
}

/// Draws in f64, each rounded once.
fn draw(law: impl Distribution<f64>, scale: f64, rng: &mut ChaCha8Rng, values: &mut [f32]) {
    values.iter_mut().for_each(|value| *value = (law.sample(rng) * scale) as f32);
}

fn normal(std: f64, rng: &mut ChaCha8Rng, values: &mut [f32]) {
    draw(StandardNormal::new(), std, rng, values);
}

/// Uniform between two numbers, the first of which is the smaller, times a scale.
pub(super) fn uniform([low, high]: [f64; 2], scale: f64, rng: &mut ChaCha8Rng, values: &mut [f32]) {
    match Uniform::new(low, high) {
        Ok(law) => draw(law, scale, rng, values),
        Err(_) => unreachable!("{low} is below {high}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Role;

    fn spec(name: &str, shape: &[usize]) -> TensorSpec {
        TensorSpec { name: name.into(), shape: shape.into(), role: Role::Weight, nodes: vec![0] }
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
    fn values_of_every_initialiser_are_those_written_down() {
        // Sums of bits: they change if any value does.
        let found = |init: Init| {
            let values = init.sample(&spec("fc.weight", &[40, 20, 3, 3]), 3);
            (values[0].to_bits(), values.iter().map(|v| u64::from(v.to_bits())).sum::<u64>())
        };
        for (init, first, sum) in [
            (Init::KaimingNormal(Fan::In), -0.09249125, 15_039_489_652_799),
            (Init::KaimingNormal(Fan::Out), -0.06540119, 15_009_269_292_049),
            (Init::KaimingUniform(Fan::In), -0.1584107, 15_041_332_284_826),
            (Init::KaimingUniform(Fan::Out), -0.11201328, 15_011_300_155_696),
            (Init::XavierNormal, -0.053399846, 14_991_603_780_696),
            (Init::XavierUniform, -0.09145846, 14_993_336_249_290),
            (Init::Normal { std: 0.1 }, -0.0877449, 15_034_899_323_343),
            (Init::Orthogonal, -0.069455154, 15_048_082_539_146),
        ] {
            assert_eq!(found(init), (f32::to_bits(first), sum), "{init}");
        }
    }

    #[test]
    fn a_tensor_depends_on_its_name_shape_and_seed_alone() {
        let init = Init::default();
        let w = init.sample(&spec("fc.weight", &[3, 2]), 0);
        assert_eq!(w, init.sample(&TensorSpec { nodes: vec![9], ..spec("fc.weight", &[3, 2]) }, 0));
        assert_ne!(w, init.sample(&spec("fc2.weight", &[3, 2]), 0));
        assert_ne!(w, init.sample(&spec("fc.weight", &[3, 2]), 1));
    }
}
