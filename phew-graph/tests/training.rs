//! Gradients against the differences of a plain loop in f64 over the operators.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "support/plain.rs"]
mod plain;

use std::collections::BTreeMap;

use phew_graph::execute::{Statistics, TensorValues, Training};
use phew_graph::ndarray::{ArrayD, IxDyn};
use phew_graph::{Arch, Mask, Network, Op, zoo};
use plain::{Map, convolutional, noise, operator, random, tensors_of};
use proptest::prelude::*;

/// The outputs for a batch.
fn outputs_of(
    arch: &Arch,
    tensors: &BTreeMap<String, Vec<f64>>,
    inputs: &ArrayD<f32>,
    statistics: Statistics,
) -> Vec<Vec<f64>> {
    let batch = inputs.shape()[0];
    let input = |numbers: Vec<f64>| Map { numbers, ..Map::zeros(arch.input_shape()) };
    let first = inputs.outer_iter().map(|x| input(x.iter().map(|&x| f64::from(x)).collect()));
    let mut maps: Vec<Vec<Map>> = vec![first.collect()];
    for node in &arch.nodes()[1..] {
        let mut tensors = tensors.clone();
        if let (Op::BatchNorm(_), Statistics::Batch) = (&node.op, statistics) {
            // By the running statistics, which are those of the batch.
            let read = &maps[node.inputs[0]];
            let area = node.shape.area();
            let moments = |unit: usize| {
                let numbers = || read.iter().flat_map(|map| &map.numbers[unit * area..][..area]);
                let count = (batch * area) as f64;
                let mean = numbers().sum::<f64>() / count;
                (mean, numbers().map(|x| (x - mean).powi(2)).sum::<f64>() / count)
            };
            let (means, variances) = (0..node.shape.units()).map(moments).unzip();
            tensors.insert(format!("{}.running_mean", node.name), means);
            tensors.insert(format!("{}.running_var", node.name), variances);
        }
        let made = (0..batch).map(|number| {
            let from: Vec<&Map> = node.inputs.iter().map(|&input| &maps[input][number]).collect();
            operator(arch, node, &tensors, &from)
        });
        maps.push(made.collect());
    }
    maps.pop().unwrap().into_iter().map(|map| map.numbers).collect()
}

fn array(shape: &[usize], seed: u64) -> ArrayD<f32> {
    let numbers = (0..shape.iter().product()).map(|i| noise(seed, i)).collect();
    ArrayD::from_shape_vec(IxDyn(shape), numbers).unwrap()
}

fn batch_of(arch: &Arch, inputs: usize, seed: u64) -> ArrayD<f32> {
    let shape: Vec<usize> = std::iter::once(inputs).chain(arch.input_shape().sizes()).collect();
    array(&shape, seed ^ 99)
}

/// Tensors by name, with whether the mask keeps each scalar.
fn by_name<'v>(
    arch: &'v Arch,
    values: &'v TensorValues,
) -> impl Iterator<Item = (&'v str, bool, &'v [f32])> {
    let weights = arch.prunable().iter().zip(&values.weights);
    let all = weights.chain(arch.auxiliary().iter().zip(&values.auxiliary));
    all.map(|(spec, values)| (&*spec.name, spec.role.is_buffer(), &**values))
}

/// Holds the gradient of a weighted sum of the outputs against differences, at up to so many scalars of each tensor.
///
/// Where two differences of unlike width are unlike, a kink lies between, and the scalar is left out: how many were held.
fn check(network: &Network, mask: &Mask, inputs: usize, seed: u64, most: usize) -> [usize; 2] {
    check_by(Statistics::Batch, network, mask, inputs, seed, most)
}

fn check_by(
    statistics: Statistics,
    network: &Network,
    mask: &Mask,
    inputs: usize,
    seed: u64,
    most: usize,
) -> [usize; 2] {
    let arch = network.arch();
    let batch = batch_of(arch, inputs, seed);
    let mut training = Training::new(arch.clone(), Some(mask)).unwrap().normalised_by(statistics);
    let outputs = training.forward(&TensorValues::from(network), batch.view()).unwrap();
    let factors = array(outputs.shape(), seed ^ 5);
    let gradient = training.backward(factors.view()).unwrap();

    let mut tensors = tensors_of(network, mask);
    let wanted = outputs_of(arch, &tensors, &batch, statistics);
    let greatest = wanted.iter().flatten().fold(1e-3, |most: f64, x| most.max(x.abs()));
    for (found, wanted) in outputs.iter().zip(wanted.iter().flatten()) {
        assert!((f64::from(*found) - wanted).abs() <= 2e-5 * greatest, "{found} {wanted}");
    }
    let mut loss = |name: &str, index: usize, step: f64| -> f64 {
        let value = &mut tensors.get_mut(name).unwrap()[index];
        let before = std::mem::replace(value, *value + step);
        let outputs = outputs_of(arch, &tensors, &batch, statistics);
        tensors.get_mut(name).unwrap()[index] = before;
        outputs.iter().flatten().zip(&factors).map(|(y, &c)| y * f64::from(c)).sum()
    };
    let mut slope = |name: &str, index: usize, h: f64| {
        (loss(name, index, h) - loss(name, index, -h)) / (2.0 * h)
    };
    let (mut held, mut left_out) = (0, 0);
    // A gradient may be a difference of others: that by a bias which a normalisation takes away again is 0.
    let all = || by_name(arch, &gradient).flat_map(|(_, _, found)| found);
    let steepest = all().fold(1e-3, |most: f64, x| most.max(f64::from(x.abs())));
    for (name, is_buffer, found) in by_name(arch, &gradient) {
        let layer = mask.layers().iter().find(|layer| layer.name() == name);
        for index in (0..found.len()).step_by(found.len().div_ceil(most)) {
            if is_buffer || layer.is_some_and(|layer| !layer.get(index)) {
                assert_eq!(found[index].to_bits() << 1, 0, "{name}");
                continue;
            }
            let (wide, narrow) = (slope(name, index, 2e-6), slope(name, index, 1e-6));
            if (wide - narrow).abs() > 1e-6 * steepest {
                left_out += 1;
                continue;
            }
            held += 1;
            let error = (f64::from(found[index]) - narrow).abs();
            assert!(error <= 1e-5 * steepest, "{name} {index}: {} {narrow}", found[index]);
        }
    }
    [held, left_out]
}

/// A network of one linear layer, and values of its weights and biases.
fn linear(weights: [f32; 2]) -> (Network, TensorValues) {
    let toml = "name = \"linear\"\n[[op]]\nname = \"x\"\ntype = \"input\"\nshape = [2]\n\
                [[op]]\nname = \"fc\"\ntype = \"linear\"\nout = 1\n";
    let arch = Arch::from_toml(toml, "linear").unwrap();
    let network = Network::new(arch, vec![weights.to_vec()], vec![vec![0.5]]).unwrap();
    let values = TensorValues::from(&network);
    (network, values)
}

fn rows<const N: usize>(rows: &[[f32; N]]) -> ArrayD<f32> {
    ArrayD::from_shape_vec(IxDyn(&[rows.len(), N]), rows.as_flattened().to_vec()).unwrap()
}

#[test]
fn a_linear_layer_comes_to_what_is_worked_by_hand() {
    let (network, values) = linear([2.0, -1.0]);
    let mut training = Training::new(network.arch().clone(), None).unwrap();
    let outputs = training.forward(&values, rows(&[[1.0, 2.0], [3.0, 5.0]]).view()).unwrap();
    assert_eq!(outputs, rows(&[[0.5], [1.5]]));
    let gradient = training.backward(rows(&[[10.0], [1.0]]).view()).unwrap();
    assert_eq!(gradient.weights, [[13.0, 25.0]]);
    assert_eq!(gradient.auxiliary, [[11.0]]);
}

#[test]
fn running_statistics_move_by_what_is_worked_by_hand() {
    let toml = "name = \"norm\"\n[[op]]\nname = \"x\"\ntype = \"input\"\nshape = [1]\n\
                [[op]]\nname = \"fc\"\ntype = \"linear\"\nout = 1\nbias = false\n\
                [[op]]\nname = \"bn\"\ntype = \"batch_norm\"\nmomentum = 0.25\n";
    let arch = Arch::from_toml(toml, "norm").unwrap();
    let auxiliary = vec![vec![1.0], vec![0.0], vec![1.0], vec![2.0]];
    let network = Network::new(arch, vec![vec![1.0]], auxiliary).unwrap();
    let mut values = TensorValues::from(&network);
    let mut training = Training::new(network.arch().clone(), None).unwrap();
    // They stay where they are what it normalises by: 2 / √2.
    let running = Training::new(network.arch().clone(), None).unwrap();
    let mut running = running.normalised_by(Statistics::Running);
    let found = running.forward(&values, rows(&[[3.0]]).view()).unwrap()[[0, 0]];
    assert!((found - 2.0_f32.sqrt()).abs() < 1e-5, "{found}");
    running.move_statistics(&mut values).unwrap();
    assert_eq!(values, TensorValues::from(&network));
    // Mean 3, squared deviations 4, 0 and 4: the variance of what they are a sample of is 4.
    training.forward(&values, rows(&[[1.0], [3.0], [5.0]]).view()).unwrap();
    training.move_statistics(&mut values).unwrap();
    assert_eq!(values.auxiliary, [[1.0], [0.0], [1.5], [2.5]]);
}

#[test]
fn what_a_mask_leaves_out_is_not_read_and_has_no_gradient() {
    let (network, values) = linear([2.0, f32::MAX]);
    let layer = &network.arch().prunable().iter().next().unwrap();
    let layer = phew_graph::LayerMask::from_fn(&layer.name, &layer.shape, |i| i == 0);
    let mask = Mask::from_layers(vec![layer]);
    let mut training = Training::new(network.arch().clone(), Some(&mask)).unwrap();
    let outputs = training.forward(&values, rows(&[[1.0, 2.0]]).view()).unwrap();
    assert_eq!(outputs, rows(&[[2.5]]));
    assert_eq!(training.backward(rows(&[[1.0]]).view()).unwrap().weights, [[1.0, 0.0]]);
}

#[test]
fn gradients_of_every_activation_are_the_differences() {
    for activation in [
        "relu\"\n#",
        "leaky_relu\"\nslope = 0.2\n#",
        "elu\"\nalpha = 0.7\n#",
        "clip\"\nmin = -0.5\nmax = 0.7\n#",
        "gelu\"\n#",
        "gelu\"\ntanh = true\n#",
        "silu\"\n#",
        "mish\"\n#",
        "softplus\"\n#",
        "hard_swish\"\n#",
        "sigmoid\"\n#",
        "hard_sigmoid\"\n#",
        "tanh\"\n#",
        "identity\"\n#",
    ] {
        let toml = format!(
            "name = \"one\"\n[[op]]\nname = \"x\"\ntype = \"input\"\nshape = [6]\n\
             [[op]]\nname = \"fc1\"\ntype = \"linear\"\nout = 9\n\
             [[op]]\nname = \"scale\"\ntype = \"batch_norm\"\n\
             [[op]]\nname = \"act\"\ntype = \"{activation}\n\
             [[op]]\nname = \"fc2\"\ntype = \"linear\"\nout = 3\n"
        );
        let (network, mask) = random(Arch::from_toml(&toml, "one").unwrap(), 1.0, 3);
        let [held, left_out] = check(&network, &mask, 20, 3, 60);
        assert!(held > 50 && left_out < 5, "{activation}: {held} held, {left_out} left out");
    }
}

#[test]
fn gradients_of_lenet_5_are_the_differences() {
    let (network, mask) = random(zoo::by_name("lenet-5").unwrap().build().unwrap(), 0.3, 1);
    let [held, left_out] = check(&network, &mask, 3, 2, 8);
    assert!(held > 4 * left_out && held > 20, "{held} held, {left_out} left out");
}

#[test]
fn threads_and_what_was_computed_before_change_no_byte() {
    let (network, mask) = random(zoo::by_name("resnet20").unwrap().build().unwrap(), 0.1, 1);
    let values = TensorValues::from(&network);
    let gradient = |training: &mut Training, inputs: usize| {
        let batch = batch_of(network.arch(), inputs, 4);
        let outputs = training.forward(&values, batch.view()).unwrap();
        training.backward(outputs.view()).unwrap()
    };
    let fresh = || Training::new(network.arch().clone(), Some(&mask)).unwrap();
    let wanted = gradient(&mut fresh(), 35);
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut training = fresh();
        pool.install(|| {
            gradient(&mut training, 48);
            assert!(gradient(&mut training, 35) == wanted, "{threads} threads");
        });
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let (network, values) = linear([2.0, -1.0]);
    let mut training = Training::new(network.arch().clone(), None).unwrap();
    let batch = rows(&[[1.0, 2.0], [3.0, 5.0]]);
    for shape in [&[2, 3][..], &[0, 2], &[2], &[]] {
        let error = training.forward(&values, ArrayD::zeros(shape).view()).unwrap_err();
        assert!(error.to_string().contains("shape of the inputs"), "{error}");
    }
    let other = TensorValues { weights: vec![vec![1.0]], ..values.clone() };
    let error = training.forward(&other, batch.view()).unwrap_err().to_string();
    assert!(error.contains("values of the tensors"), "{error}");
    // Before a forward pass, of another shape, and a second time.
    let refused = |training: &mut Training, outputs: usize| {
        let error = training.backward(ArrayD::zeros(&[outputs, 1][..]).view()).unwrap_err();
        assert!(error.to_string().contains("gradient by the outputs"), "{error}");
    };
    refused(&mut training, 2);
    training.forward(&values, batch.view()).unwrap();
    refused(&mut training, 3);
    training.backward(ArrayD::zeros(&[2, 1][..]).view()).unwrap();
    refused(&mut training, 2);

    let toml = "name = \"norm\"\n[[op]]\nname = \"x\"\ntype = \"input\"\nshape = [2]\n\
                [[op]]\nname = \"fc\"\ntype = \"linear\"\nout = 2\n\
                [[op]]\nname = \"soft\"\ntype = \"softmax\"\n";
    let arch = Arch::from_toml(toml, "norm").unwrap();
    let error = Training::new(arch, None).unwrap_err().to_string();
    assert!(error.contains("soft") && error.contains("trains"), "{error}");
    let arch = zoo::by_name("mlp-bn-20-7-5-3").unwrap().build().unwrap();
    let (network, _) = random(arch, 1.0, 1);
    let mut training = Training::new(network.arch().clone(), None).unwrap();
    let one = batch_of(network.arch(), 1, 0);
    let error = training.forward(&TensorValues::from(&network), one.view()).unwrap_err();
    assert!(error.to_string().contains("two inputs or more"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn gradients_of_random_networks_are_the_differences(
        toml in convolutional(), density in 0.2f32..1.0, inputs in 3usize..35, seed: u64,
    ) {
        // A unit that reads nothing is constant: by PyTorch's ε its gradient, and what rounding made of it, would be
        // multiplied by 316.
        let toml = toml.replace("\"batch_norm\"", "\"batch_norm\"\neps = 0.01");
        let Ok(arch) = Arch::from_toml(&toml, "random") else { return Ok(()) };
        let (network, mask) = random(arch, density, seed);
        for statistics in [Statistics::Batch, Statistics::Running] {
            let [held, left_out] = check_by(statistics, &network, &mask, inputs, seed, 4);
            prop_assert!(held > left_out, "{statistics:?}: {held} held, {left_out} left out");
        }
    }
}
