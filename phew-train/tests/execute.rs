//! Networks run without libtorch come to what libtorch makes of them.

use phew_graph::execute::Program;
use phew_graph::ndarray::{ArrayD, IxDyn};
use phew_graph::{Init, LayerMask, Mask, Network, NormScale, zoo};
use phew_train::{Mode, Model};
use tch::{Device, Kind, Tensor};

#[test]
fn programs_agree_with_libtorch() {
    let names = ["resnet20", "vgg11", "lenet-5", "lenet-300-100", "densenet-40-12"];
    for name in names {
        let Ok(template) = zoo::by_name(name) else { panic!("{name}") };
        let network = Network::initialise(template.build().unwrap(), Init::default(), 3)
            .unwrap()
            .with_norm_scale(NormScale::Uniform, 3);
        let arch = network.arch().clone();
        let third = |i: usize| i.wrapping_mul(0x9e37_79b9).is_multiple_of(3);
        let layers = arch.prunable().iter();
        let mask = Mask::from_layers(
            layers.map(|spec| LayerMask::from_fn(&spec.name, &spec.shape, third)).collect(),
        );
        let weights = network.weights();
        let masked = weights.iter().zip(mask.layers()).map(|(weights, layer)| {
            let kept = |(i, &w): (usize, &f32)| if layer.get(i) { w } else { 0.0 };
            weights.iter().enumerate().map(kept).collect()
        });
        let masked = network.with_weights(masked.collect()).unwrap();
        let model = Model::new(&masked, Device::Cpu, Kind::Float).unwrap();
        let program = Program::new(&network, Some(&mask)).unwrap();
        for batch in [1, 2, 15, 16, 17] {
            let shape: Vec<usize> =
                std::iter::once(batch).chain(arch.input_shape().sizes()).collect();
            let numbers: Vec<f32> = (0..shape.iter().product())
                .map(|i: usize| (i * 7919 % 1000) as f32 / 500.0 - 1.0)
                .collect();
            let sizes: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
            let inputs = Tensor::from_slice(&numbers).reshape(&sizes[..]);
            let wanted = model.forward(&inputs, Mode::Eval).unwrap();
            let wanted = Vec::<f32>::try_from(wanted.flatten(0, -1)).unwrap();
            let inputs = ArrayD::from_shape_vec(IxDyn(&shape), numbers).unwrap();
            let found = program.run(inputs.view()).unwrap();
            let greatest = wanted.iter().fold(0.0, |most: f32, x| most.max(x.abs()));
            for (found, wanted) in found.iter().zip(&wanted) {
                let error = (found - wanted).abs();
                assert!(error <= 1e-4 * greatest, "{name}, batch {batch}: {found} {wanted}");
            }
        }
    }
}
