//! A mask as one vector of ones and zeros over all parameters.

use phew_graph::{Arch, Mask, Role, TensorSpec};
use tch::{Device, Tensor};

use crate::error::Result;

/// 1 where a parameter is trained, 0 where it stays 0: pruned weights, and biases of units that no kept weight enters.
///
/// The order is that of [`Model::parameters`](crate::Model::parameters).
///
/// # Errors
/// [`TrainError::Graph`](crate::TrainError::Graph) if the mask is of another architecture,
/// [`TrainError::Torch`](crate::TrainError::Torch) if the device has no room.
pub(crate) fn mask_vector(arch: &Arch, mask: &Mask, device: Device) -> Result<Tensor> {
    mask.check(arch, "mask")?;
    let mut ones: Vec<f32> = Vec::new();
    for layer in mask.layers() {
        let from = ones.len();
        ones.resize(from + layer.len(), 0.0);
        for index in layer.iter() {
            ones[from + index] = 1.0;
        }
    }
    for spec in arch.auxiliary() {
        match spec.role {
            Role::RunningMean | Role::RunningVar => {}
            Role::Bias => ones.extend(entered(arch, mask, spec)),
            _ => ones.resize(ones.len() + spec.len(), 1.0),
        }
    }
    Ok(Tensor::f_from_slice(&ones)?.f_to_device(device)?)
}

/// For each scalar of a bias, 1 if a kept weight enters its unit in any of the layers that use it.
fn entered(arch: &Arch, mask: &Mask, bias: &TensorSpec) -> Vec<f32> {
    let mut entered = vec![0.0; bias.len()];
    let of_layer = |spec: &TensorSpec| spec.nodes.iter().any(|node| bias.nodes.contains(node));
    let tensors = arch.prunable().iter().zip(mask.layers());
    for (_, layer) in tensors.filter(|(spec, _)| of_layer(spec)) {
        let row = layer.len() / bias.len();
        for index in layer.iter() {
            entered[index / row] = 1.0;
        }
    }
    entered
}

#[cfg(test)]
mod tests {
    use phew_graph::{ArchBuilder, LayerMask, Shape, zoo};

    use super::*;

    #[test]
    fn a_bias_is_masked_where_nothing_enters_its_unit() {
        // fc1 is 3×2: row 1 is pruned whole; fc2 is 1×3.
        let arch = zoo::mlp(&[2, 3, 1]).build().unwrap();
        let layers = vec![
            LayerMask::from_fn("fc1.weight", &[3, 2], |i| [0, 4, 5].contains(&i)),
            LayerMask::from_fn("fc2.weight", &[1, 3], |i| i == 1),
        ];
        let vector = mask_vector(&arch, &Mask::from_layers(layers), Device::Cpu).unwrap();
        let wanted = [1., 0., 0., 0., 1., 1., 0., 1., 0., 1., 0., 1., 1.];
        assert_eq!(Vec::<f32>::try_from(vector).unwrap(), wanted);
    }

    #[test]
    fn a_shared_bias_is_trained_where_a_weight_of_either_layer_enters() {
        let arch = ArchBuilder::new("shared", Shape::Features(2))
            .linear("a", 2)
            .linear("b", 2)
            .tensor("bias", "a.bias")
            .build()
            .unwrap();
        let layers = vec![
            LayerMask::from_fn("a.weight", &[2, 2], |i| i == 0),
            LayerMask::from_fn("b.weight", &[2, 2], |i| i == 2),
        ];
        let ones = |layers| {
            let vector = mask_vector(&arch, &Mask::from_layers(layers), Device::Cpu).unwrap();
            Vec::<f32>::try_from(vector).unwrap()
        };
        assert_eq!(ones(layers), [1., 0., 0., 0., 0., 0., 1., 0., 1., 1.]);
        let one = LayerMask::from_fn("b.weight", &[2, 2], |_| false);
        let layers = vec![LayerMask::from_fn("a.weight", &[2, 2], |i| i == 0), one];
        assert_eq!(ones(layers), [1., 0., 0., 0., 0., 0., 0., 0., 1., 0.]);
    }
}
