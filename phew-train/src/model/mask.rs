//! A mask as one vector of ones and zeros over all parameters.

use phew_graph::{Arch, Mask, Role};
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
            Role::Bias => ones.extend(entered(arch, mask, spec.node)),
            _ => ones.resize(ones.len() + spec.len(), 1.0),
        }
    }
    Ok(Tensor::f_from_slice(&ones)?.f_to_device(device)?)
}

/// For each unit of a layer, 1 if a kept weight enters it.
fn entered(arch: &Arch, mask: &Mask, node: usize) -> Vec<f32> {
    let mut tensors = arch.prunable().iter().zip(mask.layers());
    let Some((_, layer)) = tensors.find(|(spec, _)| spec.node == node) else { return Vec::new() };
    let units = layer.shape()[0];
    let row = layer.len() / units;
    let mut entered = vec![0.0; units];
    for index in layer.iter() {
        entered[index / row] = 1.0;
    }
    entered
}

#[cfg(test)]
mod tests {
    use phew_graph::{LayerMask, zoo};

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
}
