//! The masked step: what is pruned is 0 before it and stays 0.
//!
//! With `m` the mask, 1 where a parameter is trained, a step of SGD is `g = m ⊙ ∂L/∂θ + λθ`, `b ← μb + g`, `θ ← θ − ηb`;
//! Adam's is alike. Where `m` is 0, so are θ and the moments `b` when training begins or the network is pruned
//! ([`Kept::clear`]) and so is the gradient ([`masked_gradient`]): then neither decay nor momentum moves them.

use phew_graph::{Arch, Mask};
use tch::{Device, Kind, Tensor};

use super::loss_scale::LossScale;
use crate::error::Result;
use crate::model::mask_vector;

/// A mask as a vector over all parameters, and what it does to other such vectors.
#[derive(Debug)]
pub(super) struct Kept(Tensor);

impl Kept {
    /// The vector of a mask.
    pub(super) fn new(arch: &Arch, mask: &Mask, device: Device) -> Result<Self> {
        Ok(Self(mask_vector(arch, mask, device)?))
    }

    /// Puts 0 wherever a vector is pruned.
    pub(super) fn clear<'a>(&self, vectors: impl IntoIterator<Item = &'a Tensor>) -> Result<()> {
        let _guard = tch::no_grad_guard();
        let pruned = self.0.f_eq(0.0)?;
        for vector in vectors {
            // Filled, not multiplied: a product would leave −0, and a number that is none.
            let _ = vector.shallow_clone().f_masked_fill_(&pruned, 0.0)?;
        }
        Ok(())
    }

    /// How many scalars of a vector are pruned and yet not 0.
    pub(super) fn revived(&self, vector: &Tensor) -> Result<u64> {
        let pruned = self.0.f_eq(0.0)?;
        let revived = vector.f_ne(0.0)?.f_logical_and(&pruned)?.f_sum(Kind::Int64)?;
        Ok(u64::try_from(revived.int64_value(&[])).unwrap_or(0))
    }

    /// Cuts a part of a gradient, which begins at a place of the whole.
    pub(super) fn cut(&self, part: &mut Tensor, from: i64) -> Result<()> {
        let kept = self.0.f_narrow(0, from, part.size()[0])?;
        let _ = part.f_mul_(&kept)?;
        Ok(())
    }
}

/// The gradient of a loss by parameters, cut to 0 where they are pruned: a flat part for each of `parameters`, which
/// are consecutive parts of the vector of all.
///
/// With a scale the loss is multiplied by it before it is differentiated, and the gradient divided by it.
pub(super) fn masked_gradient(
    loss: &Tensor,
    parameters: &[Tensor],
    kept: Option<&Kept>,
    scale: Option<LossScale>,
) -> Result<Vec<Tensor>> {
    let scaled = match scale {
        Some(scale) => loss.f_mul_scalar(scale.value())?,
        None => loss.shallow_clone(),
    };
    let parts = Tensor::f_run_backward(&[&scaled], parameters, false, false)?;
    let _guard = tch::no_grad_guard();
    let mut from = 0;
    parts
        .into_iter()
        .zip(parameters)
        .map(|(part, parameters)| {
            // What the outputs do not depend on has no gradient.
            let part = if part.defined() { part } else { parameters.f_zeros_like()? };
            let mut part = part.f_reshape(-1)?;
            if let Some(scale) = scale {
                let _ = part.f_div_scalar_(scale.value())?;
            }
            if let Some(kept) = kept {
                kept.cut(&mut part, from)?;
            }
            from += part.size()[0];
            Ok(part)
        })
        .collect()
}

/// Norm of a gradient in parts.
pub(super) fn norm(parts: &[Tensor]) -> Result<Tensor> {
    let norms = parts.iter().map(Tensor::f_norm).collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(Tensor::f_stack(&norms, 0)?.f_norm()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::optimiser::{Optimiser, OptimiserSpec};

    const SGD: OptimiserSpec =
        OptimiserSpec::Sgd { momentum: 0.9, nesterov: false, weight_decay: 0.1 };
    const ADAM: OptimiserSpec =
        OptimiserSpec::Adam { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.1 };

    fn bits(tensor: &Tensor) -> Vec<u32> {
        Vec::<f32>::try_from(tensor.detach()).unwrap().iter().map(|x| x.to_bits()).collect()
    }

    /// Five steps down `(x₀ − 1)² + (x₁ + 3)²` times a factor, of which `x₁` is pruned.
    fn descend(spec: OptimiserSpec, kept: &Kept, scale: Option<LossScale>) -> (Tensor, Optimiser) {
        let vector = Tensor::from_slice(&[2_f32, -0.5]).set_requires_grad(true);
        let mut optimiser = Optimiser::new(spec, &vector).unwrap();
        kept.clear(optimiser.moments().iter().chain([&vector])).unwrap();
        for _ in 0..5 {
            let loss = (&vector - Tensor::from_slice(&[1_f32, -3.0])).square().sum(Kind::Float);
            let parts = [vector.shallow_clone()];
            let gradient = masked_gradient(&loss, &parts, Some(kept), scale).unwrap();
            optimiser.step(&vector, gradient, 0.01).unwrap();
        }
        (vector, optimiser)
    }

    #[test]
    fn neither_decay_nor_momentum_moves_what_the_mask_prunes() {
        let kept = Kept(Tensor::from_slice(&[1_f32, 0.0]));
        let nesterov = OptimiserSpec::Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.1 };
        let plain = OptimiserSpec::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.1 };
        for spec in [SGD, nesterov, plain, ADAM] {
            let (vector, optimiser) = descend(spec, &kept, None);
            assert!(vector.double_value(&[0]) < 2.0, "{spec:?}");
            for vector in optimiser.moments().iter().chain([&vector]) {
                assert_eq!(bits(vector)[1], 0, "{spec:?}");
                assert_eq!(kept.revived(vector).unwrap(), 0);
            }
        }
    }

    #[test]
    fn a_scale_by_a_power_of_two_changes_no_bit() {
        let kept = Kept(Tensor::from_slice(&[1_f32, 1.0]));
        let (plain, _) = descend(SGD, &kept, None);
        let (scaled, _) = descend(SGD, &kept, Some(LossScale::default()));
        assert_eq!(bits(&plain), bits(&scaled));
        assert_ne!(bits(&plain), bits(&Tensor::from_slice(&[2_f32, -0.5])));
    }

    #[test]
    fn each_part_of_a_gradient_is_cut_by_its_own_part_of_the_mask() {
        let kept = Kept(Tensor::from_slice(&[1_f32, 0.0, 1.0, 0.0, 0.0]));
        let parts = [
            Tensor::ones([2, 1], (Kind::Float, Device::Cpu)).set_requires_grad(true),
            Tensor::ones([3], (Kind::Float, Device::Cpu)).set_requires_grad(true),
        ];
        // The loss does not depend on a third part.
        let unused = Tensor::ones([0], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let loss = (&parts[0] * 3).sum(Kind::Float) + (&parts[1] * 4).sum(Kind::Float);
        let all = [parts[0].shallow_clone(), parts[1].shallow_clone(), unused];
        let gradient = masked_gradient(&loss, &all, Some(&kept), None).unwrap();
        let values: Vec<f32> =
            gradient.iter().flat_map(|part| Vec::<f32>::try_from(part).unwrap()).collect();
        assert_eq!(values, [3.0, 0.0, 4.0, 0.0, 0.0]);
        assert!((norm(&gradient).unwrap().double_value(&[]) - 5.0).abs() < 1e-6);
        assert_eq!(kept.revived(&Tensor::from_slice(&[0_f32, 2.0, 1.0, 0.0, 7.0])).unwrap(), 2);
    }
}
