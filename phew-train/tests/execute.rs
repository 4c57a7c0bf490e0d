//! Networks run without libtorch come to what libtorch makes of them.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use phew_graph::execute::{Program, TensorValues, Training};
use phew_graph::ndarray::{ArrayD, IxDyn};
use phew_graph::{Arch, Init, LayerMask, Mask, Network, NormScale, zoo};
use phew_train::{Mode, Model};
use tch::{Device, Kind, Tensor};

/// A network of the zoo with scales that are not 1, a mask of a third of its weights, and the network under the mask.
fn masked(name: &str) -> (Network, Mask, Network) {
    let arch = zoo::by_name(name).unwrap().build().unwrap();
    let network = Network::initialise(arch, Init::default(), 3)
        .unwrap()
        .with_norm_scale(NormScale::Uniform, 3);
    let third = |i: usize| i.wrapping_mul(0x9e37_79b9).is_multiple_of(3);
    let layers = network.arch().prunable().iter();
    let mask = Mask::from_layers(
        layers.map(|spec| LayerMask::from_fn(&spec.name, &spec.shape, third)).collect(),
    );
    let weights = network.weights();
    let masked = weights.iter().zip(mask.layers()).map(|(weights, layer)| {
        let kept = |(i, &w): (usize, &f32)| if layer.get(i) { w } else { 0.0 };
        weights.iter().enumerate().map(kept).collect()
    });
    let masked = network.with_weights(masked.collect()).unwrap();
    (network, mask, masked)
}

/// A batch, as an array and as a tensor.
fn batch_of(network: &Network, inputs: usize) -> (ArrayD<f32>, Tensor) {
    let sizes = network.arch().input_shape().sizes();
    let shape: Vec<usize> = std::iter::once(inputs).chain(sizes).collect();
    let numbers: Vec<f32> = (0..shape.iter().product())
        .map(|i: usize| (i * 7919 % 1000) as f32 / 500.0 - 1.0)
        .collect();
    let sizes: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
    let tensor = Tensor::from_slice(&numbers).reshape(&sizes[..]);
    (ArrayD::from_shape_vec(IxDyn(&shape), numbers).unwrap(), tensor)
}

#[test]
fn programs_agree_with_libtorch() {
    let names = ["resnet20", "vgg11", "lenet-5", "lenet-300-100", "densenet-40-12"];
    for name in names {
        let (network, mask, masked) = masked(name);
        let model = Model::new(&masked, Device::Cpu, Kind::Float).unwrap();
        let program = Program::new(&network, Some(&mask)).unwrap();
        for batch in [1, 2, 15, 16, 17] {
            let (array, inputs) = batch_of(&network, batch);
            let wanted = model.forward(&inputs, Mode::Eval).unwrap();
            let wanted = Vec::<f32>::try_from(wanted.flatten(0, -1)).unwrap();
            let found = program.run(array.view()).unwrap();
            let greatest = wanted.iter().fold(0.0, |most: f32, x| most.max(x.abs()));
            for (found, wanted) in found.iter().zip(&wanted) {
                let error = (found - wanted).abs();
                assert!(error <= 1e-4 * greatest, "{name}, batch {batch}: {found} {wanted}");
            }
        }
    }
}

/// Deep networks are smooth here. Of the millions of numbers that ReLU reads in one some are so near 0 that their sign is
/// that of a rounding error; the gradient is then another, and libtorch's in single precision is off that in double
/// precision as much.
#[test]
fn gradients_agree_with_libtorch() {
    let deep = ["resnet20", "vgg11", "densenet-40-12"].map(|name| (name, "tanh"));
    let shallow = ["lenet-5", "lenet-300-100"].map(|name| (name, "relu"));
    for (name, activation) in deep.into_iter().chain(shallow) {
        let (network, mask, masked) = masked(name);
        for (network, mask) in [(&masked, Some(&mask)), (&network, None)] {
            let toml = network.arch().to_toml().replace("\"relu\"", &format!("\"{activation}\""));
            let arch = Arch::from_toml(&toml, name).unwrap();
            let weights = network.weights().iter().map(|values| values.to_vec()).collect();
            let auxiliary = network.auxiliary().iter().map(|values| values.to_vec()).collect();
            let network = &Network::new(arch, weights, auxiliary).unwrap();
            let arch = network.arch();
            let (array, inputs) = batch_of(network, 3);
            let mut training = Training::new(arch.clone(), mask).unwrap();
            let outputs = training.forward(&TensorValues::from(network), array.view()).unwrap();
            // The loss is half the sum of the outputs' squares.
            let found = training.backward(outputs.view()).unwrap();
            let model = Model::new(network, Device::Cpu, Kind::Double).unwrap();
            let inputs = inputs.to_kind(Kind::Double);
            let parameters = model.parameters();
            let output = model.forward_with(parameters, &inputs, Mode::TrainFrozen).unwrap();
            let loss = output.square().sum(Kind::Double) / 2.0;
            let wanted = &Tensor::run_backward(&[&loss], &[parameters], false, false)[0];
            let wanted = Vec::<f64>::try_from(wanted).unwrap();
            let mut rest = wanted.as_slice();
            let weights = arch.prunable().iter().zip(&found.weights);
            for (spec, found) in weights.chain(arch.auxiliary().iter().zip(&found.auxiliary)) {
                if spec.role.is_buffer() {
                    continue;
                }
                let (wanted, after) = rest.split_at(found.len());
                rest = after;
                let layer = mask
                    .and_then(|mask| mask.layers().iter().find(|layer| layer.name() == spec.name));
                let greatest = wanted.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
                for (i, (found, wanted)) in found.iter().zip(wanted).enumerate() {
                    let kept = layer.is_none_or(|layer| layer.get(i));
                    let error = (f64::from(*found) - if kept { *wanted } else { 0.0 }).abs();
                    let at = format!("{name}, {} {i}: {found} {wanted}", spec.name);
                    assert!(error <= 1e-4 * greatest, "{at}, masked: {}", mask.is_some());
                }
            }
            assert!(rest.is_empty());
        }
    }
}
