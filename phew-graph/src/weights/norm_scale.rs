//! What the scales of normalisations begin with: one stream per tensor, as for weights.

#[cfg(feature = "files")]
use serde::{Deserialize, Serialize};

use super::init::{tensor_stream, uniform};
use crate::arch::TensorSpec;

/// Initial values of the scales γ of batch normalisations.
///
/// # References
/// Frankle et al. 2021, appendix F.4: uniform between 0 and 1 there, 1 in Tanaka et al. 2020.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "files", derive(Serialize, Deserialize), serde(rename_all = "kebab-case"))]
pub enum NormScale {
    /// 1 throughout.
    #[default]
    One,
    /// U(0, 1).
    Uniform,
}

crate::choice! {
    NormScale, "scale of normalisations":
    One => "one", "1 throughout",
    Uniform => "uniform", "Drawn uniformly between 0 and 1 (Frankle et al. 2021)",
}

impl NormScale {
    /// Initial values of one tensor of scales.
    #[must_use]
    pub fn sample(self, spec: &TensorSpec, seed: u64) -> Vec<f32> {
        let mut values = vec![1.0; spec.len()];
        if self == Self::Uniform {
            let mut rng =
                tensor_stream("phew 1 initial scales of normalisations", &spec.name, seed);
            uniform([0.0, 1.0], 1.0, &mut rng, &mut values);
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{Arch, Role};
    use crate::weights::{Init, Network};
    use crate::zoo;

    fn spec(name: &str) -> TensorSpec {
        TensorSpec {
            name: name.into(),
            shape: vec![1000].into(),
            role: Role::NormScale,
            nodes: vec![0],
        }
    }

    #[test]
    fn values_of_both_are_those_written_down() {
        assert_eq!(NormScale::One.sample(&spec("bn1.weight"), 3), [1.0; 1000]);
        let drawn = NormScale::Uniform.sample(&spec("bn1.weight"), 3);
        // A sum of bits: it changes if any value does.
        let sum: u64 = drawn.iter().map(|v| u64::from(v.to_bits())).sum();
        assert_eq!(
            (drawn[..3].to_vec(), sum),
            (vec![0.558_987_9_f32, 0.384_485_21, 0.533_195_3], 1_053_621_266_277)
        );
        assert_ne!(drawn, NormScale::Uniform.sample(&spec("bn2.weight"), 3));
        assert_ne!(drawn, NormScale::Uniform.sample(&spec("bn1.weight"), 4));
    }

    #[test]
    fn drawn_scales_are_uniform() {
        // Kolmogorov and Smirnov at α = 0.001: 1.95 / √n.
        let mut drawn = NormScale::Uniform.sample(&spec("bn.weight"), 0);
        drawn.sort_by(f32::total_cmp);
        let apart = drawn.iter().zip(1..).map(|(&v, i)| (f64::from(v) - f64::from(i) / 1e3).abs());
        let most = apart.fold(0.0, f64::max);
        assert!(most < 1.95 / 1e3_f64.sqrt(), "{most}");
        assert!(drawn[0] >= 0.0 && drawn[999] <= 1.0);
    }

    #[test]
    fn only_the_scales_of_a_network_are_drawn() {
        let arch: Arch = zoo::by_name("mlp-bn-6-5-4-3").unwrap().build().unwrap();
        let plain = Network::initialise(arch, Init::default(), 2).unwrap();
        let same = plain.clone().with_norm_scale(NormScale::One, 2);
        let drawn = plain.clone().with_norm_scale(NormScale::Uniform, 2);
        for (((spec, old), (_, one)), (_, new)) in
            plain.tensors().zip(same.tensors()).zip(drawn.tensors())
        {
            assert_eq!(old, one);
            let wanted = match spec.role {
                Role::NormScale => NormScale::Uniform.sample(spec, 2),
                _ => old.to_vec(),
            };
            assert_eq!(new, wanted, "{}", spec.name);
        }
        assert_eq!(plain.fingerprint(), drawn.fingerprint());
        assert_ne!(plain.auxiliary(), drawn.auxiliary());
    }
}
