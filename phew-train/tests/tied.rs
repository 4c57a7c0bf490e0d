//! Gradients of tensors that several operators share.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use phew_graph::execute::{TensorValues, Training};
use phew_graph::ndarray::ArrayD;
use phew_graph::{Arch, ArchBuilder, Init, Network, NodeSpec, Shape, TensorNames, TensorSpec};
use phew_train::{Mode, Model};
use tch::{Device, Kind, Tensor};

/// A layer used twice with its bias and normalisation, and another behind them.
fn tied() -> Network {
    let arch = ArchBuilder::new("tied", Shape::Features(5))
        .linear("a", 5)
        .batch_norm("norm")
        .relu("relu")
        .linear("b", 5)
        .tensor("weight", "a.weight")
        .tensor("bias", "a.bias")
        .batch_norm("renorm")
        .tensor("weight", "norm.weight")
        .tensor("bias", "norm.bias")
        .tensor("running_mean", "norm.running_mean")
        .tensor("running_var", "norm.running_var")
        .linear("fc", 3)
        .build()
        .unwrap();
    Network::initialise(arch, Init::default(), 2).unwrap()
}

/// The same network with a tensor of its own for each use.
fn apart(network: &Network) -> Network {
    let specs = network.arch().specs().into_iter();
    let own = specs.map(|spec| NodeSpec { tensors: TensorNames::new(), ..spec }).collect();
    let arch = Arch::new("apart", own).unwrap();
    let values = |spec: &TensorSpec| {
        let same = |own: &TensorSpec| own.role == spec.role && own.nodes.contains(&spec.nodes[0]);
        network.tensors().find(|(own, _)| same(own)).unwrap().1.to_vec()
    };
    let weights = arch.prunable().iter().map(values).collect();
    let auxiliary = arch.auxiliary().iter().map(values).collect();
    Network::new(arch, weights, auxiliary).unwrap()
}

/// The gradient of a loss by each parameter, with the parameters' names.
fn gradients(network: &Network, input: &Tensor) -> Vec<(TensorSpec, Tensor)> {
    let model = Model::new(network, Device::Cpu, Kind::Double).unwrap();
    let loss = model.forward(input, Mode::Train).unwrap().square().sum(Kind::Double);
    let found = Tensor::run_backward(&[&loss], model.leaves(), false, false);
    let specs = network.tensors().map(|(spec, _)| spec.clone());
    specs.filter(|spec| !spec.role.is_buffer()).zip(found).collect()
}

#[test]
fn the_gradient_of_a_shared_tensor_is_the_sum_over_its_uses() {
    let network = tied();
    let input = Tensor::arange(20, (Kind::Double, Device::Cpu)).sin().view([4, 5]);
    let apart = gradients(&apart(&network), &input);
    for (spec, found) in gradients(&network, &input) {
        let uses = apart
            .iter()
            .filter(|(own, _)| own.role == spec.role && spec.nodes.contains(&own.nodes[0]));
        let sum = uses.fold(found.zeros_like(), |sum, (_, gradient)| sum + gradient);
        let error = (&found - &sum).abs().max().double_value(&[]);
        // In f64, of numbers near 1.
        assert!(error <= 1e-12 * (1.0 + sum.abs().max().double_value(&[])), "{}", spec.name);
    }
}

#[test]
fn a_shared_normalisation_is_moved_by_each_of_its_uses() {
    let network = tied();
    let model = Model::new(&network, Device::Cpu, Kind::Double).unwrap();
    let input = Tensor::arange(20, (Kind::Double, Device::Cpu)).sin().view([4, 5]);
    let weight = |name: &str| {
        let (spec, values) = network.tensors().find(|(spec, _)| spec.name == name).unwrap();
        let sizes: Vec<i64> = spec.shape.iter().map(|&n| n as i64).collect();
        Tensor::from_slice(values).to_kind(Kind::Double).view(sizes.as_slice())
    };
    // By hand: the mean of what each use reads moves the statistics by a tenth.
    let (a, bias) = (weight("a.weight"), weight("a.bias"));
    let first = input.linear(&a, Some(&bias));
    let (variance, mean) = first.var_mean_dim([0].as_slice(), false, true);
    let normed = (&first - mean) / (variance + 1e-5).sqrt();
    let second = normed.relu().linear(&a, Some(&bias));
    let [first, second] = [first, second].map(|x| x.mean_dim([0].as_slice(), false, Kind::Double));
    let expected = first * 0.1 * 0.9 + second * 0.1;
    let _ = model.forward(&input, Mode::Train).unwrap();
    let error = (&model.buffers()[0] - expected).abs().max().double_value(&[]);
    assert!(error < 1e-12, "{error}");
}

#[test]
fn the_engine_without_libtorch_adds_up_the_gradients_and_statistics_of_all_uses() {
    let network = tied();
    let input = Tensor::arange(20, (Kind::Double, Device::Cpu)).sin().view([4, 5]);
    let numbers = Vec::<f32>::try_from(input.to_kind(Kind::Float).flatten(0, -1)).unwrap();
    let array = ArrayD::from_shape_vec(vec![4, 5], numbers).unwrap();
    let mut values = TensorValues::from(&network);
    let mut training = Training::new(network.arch().clone(), None).unwrap();
    let outputs = training.forward(&values, array.view()).unwrap();
    let found = training.backward((&outputs * 2.0).view()).unwrap();
    let found = found.weights.iter().chain(&found.auxiliary);
    let specs = network.tensors().map(|(spec, _)| spec);
    let found = specs.zip(found).filter(|(spec, _)| !spec.role.is_buffer());
    let wanted = gradients(&network, &input);
    // Of the whole network: a bias before a normalisation has the gradient 0.
    let greatest = wanted.iter().map(|(_, gradient)| gradient.abs().max().double_value(&[]));
    let greatest = greatest.fold(0.0, f64::max);
    for ((spec, found), (_, wanted)) in found.zip(wanted) {
        let wanted = Vec::<f64>::try_from(wanted.flatten(0, -1)).unwrap();
        let close =
            |(found, wanted): (&f32, &f64)| (f64::from(*found) - wanted).abs() <= 1e-5 * greatest;
        assert!(found.iter().zip(&wanted).all(close), "{}: {found:?} {wanted:?}", spec.name);
    }
    training.move_statistics(&mut values).unwrap();
    let model = Model::new(&network, Device::Cpu, Kind::Double).unwrap();
    let _ = model.forward(&input, Mode::Train).unwrap();
    let buffers = network.arch().auxiliary().iter().zip(&values.auxiliary);
    let buffers = buffers.filter(|(spec, _)| spec.role.is_buffer());
    for ((spec, found), wanted) in buffers.zip(model.buffers()) {
        let wanted = Vec::<f64>::try_from(wanted).unwrap();
        let close = |(found, wanted): (&f32, &f64)| (f64::from(*found) - wanted).abs() < 1e-5;
        assert!(found.iter().zip(&wanted).all(close), "{}: {found:?} {wanted:?}", spec.name);
    }
}
