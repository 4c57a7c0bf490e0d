//! The sum of a network's outputs and its derivatives against a plain loop in f64.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "support/plain.rs"]
mod plain;

use std::collections::BTreeMap;

use phew_graph::execute::{OutputSum, TensorValues};
use phew_graph::{Arch, Network, zoo};
use plain::{Map, convolutional, noise, operator, random, tensors_of};
use proptest::prelude::*;

fn sum_of(arch: &Arch, tensors: &BTreeMap<String, Vec<f64>>, input: &[f64]) -> f64 {
    let mut maps = vec![Map { numbers: input.to_vec(), ..Map::zeros(arch.input_shape()) }];
    for node in &arch.nodes()[1..] {
        let from: Vec<&Map> = node.inputs.iter().map(|&input| &maps[input]).collect();
        let map = operator(arch, node, tensors, &from);
        maps.push(map);
    }
    maps.pop().unwrap().numbers.iter().sum()
}

/// The pass over the effective weights, and the input that was sent.
fn pass(network: &Network, mask: &phew_graph::Mask, seed: u64) -> (OutputSum, Vec<f64>) {
    let arch = network.arch();
    let mut values = TensorValues::<f64>::from(network);
    for (weights, layer) in values.weights.iter_mut().zip(mask.layers()) {
        (0..layer.len()).filter(|&i| !layer.get(i)).for_each(|i| weights[i] = 0.0);
    }
    let scalars: usize = arch.input_shape().sizes().iter().product();
    let input: Vec<f64> = (0..scalars).map(|i| f64::from(noise(seed, i))).collect();
    (OutputSum::new(arch, &values, &input).unwrap(), input)
}

/// Holds value and derivatives, of pruned weights too, at up to so many of each tensor: how many were held, and how many left
/// out since a kink lies near.
fn check(network: &Network, mask: &phew_graph::Mask, seed: u64, most: usize) -> [usize; 2] {
    let arch = network.arch();
    let (found, input) = pass(network, mask, seed);
    let mut tensors = tensors_of(network, mask);
    let wanted = sum_of(arch, &tensors, &input);
    let scale = wanted.abs().max(1.0);
    assert!((found.value - wanted).abs() <= 1e-11 * scale, "{} {wanted}", found.value);
    let (mut held, mut left_out) = (0, 0);
    for (spec, slopes) in arch.prunable().iter().zip(&found.by_weight) {
        let steepest = slopes.iter().fold(scale, |most, slope| slope.abs().max(most));
        for index in (0..slopes.len()).step_by(slopes.len().div_ceil(most)) {
            let mut at = |step: f64| {
                let value = &mut tensors.get_mut(&spec.name).unwrap()[index];
                let before = std::mem::replace(value, *value + step);
                let sum = sum_of(arch, &tensors, &input);
                tensors.get_mut(&spec.name).unwrap()[index] = before;
                sum
            };
            let [below, above] = [-1e-5, 1e-5].map(|h| (at(h) - wanted) / h);
            let narrow = f64::midpoint(below, above);
            // A kink at the very place where a pruned weight is 0, or near it.
            let wide = (at(2e-5) - at(-2e-5)) / 4e-5;
            if (below - above).abs() > 1e-4 * steepest || (wide - narrow).abs() > 1e-7 * steepest {
                left_out += 1;
                continue;
            }
            held += 1;
            let error = (slopes[index] - narrow).abs();
            assert!(error <= 1e-7 * steepest, "{} {index}: {} {narrow}", spec.name, slopes[index]);
        }
    }
    [held, left_out]
}

#[test]
fn a_small_network_comes_to_what_is_worked_by_hand() {
    let toml = "name = \"small\"\n[[op]]\nname = \"x\"\ntype = \"input\"\nshape = [1, 2, 2]\n\
                [[op]]\nname = \"conv\"\ntype = \"conv2d\"\nout = 1\nkernel = 2\npadding = 1\nbias = true\n\
                [[op]]\nname = \"pool\"\ntype = \"max_pool\"\nkernel = 3\n";
    let arch = Arch::from_toml(toml, "small").unwrap();
    let network = Network::new(arch, vec![vec![1.0, 2.0, 3.0, 5.0]], vec![vec![0.5]]).unwrap();
    let values = TensorValues::from(&network);
    // Of the nine windows over ones the one in the middle sees all four.
    let found = OutputSum::new(network.arch(), &values, &[1.0; 4]).unwrap();
    assert_eq!((found.value, &found.by_weight[0][..]), (11.5, &[1.0; 4][..]));
    // The window above the first row sees its two numbers through its lower row.
    let found = OutputSum::new(network.arch(), &values, &[4.0, 9.0, 0.0, 0.0]).unwrap();
    assert_eq!((found.value, &found.by_weight[0][..]), (57.5, &[0.0, 0.0, 4.0, 9.0][..]));
}

#[test]
fn derivatives_of_networks_of_the_zoo_are_the_differences() {
    for (name, most) in [("lenet-5", 8), ("mlp-bn-20-7-5-3", 30), ("densenet-7-4", 2)] {
        let (network, mask) = random(zoo::by_name(name).unwrap().build().unwrap(), 0.3, 1);
        let [held, left_out] = check(&network, &mask, 2, most);
        assert!(held > 4 * left_out && held > 10, "{name}: {held} held, {left_out} left out");
    }
}

#[test]
fn threads_change_no_byte() {
    let (network, mask) = random(zoo::by_name("resnet20").unwrap().build().unwrap(), 0.1, 1);
    let passes = [1, 2, 5].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| pass(&network, &mask, 3).0)
    });
    assert!(passes.iter().all(|pass| *pass == passes[0]));
}

#[test]
fn what_does_not_fit_is_refused() {
    let arch = zoo::by_name("lenet-5").unwrap().build().unwrap();
    let values = TensorValues::<f64>::zeros(&arch);
    let error = OutputSum::new(&arch, &values, &[1.0; 3]).unwrap_err().to_string();
    assert!(error.contains("scalars of the input") && error.contains('3'), "{error}");
    let other = TensorValues { weights: Vec::new(), ..values };
    let error = OutputSum::new(&arch, &other, &[1.0; 784]).unwrap_err().to_string();
    assert!(error.contains("values of the tensors"), "{error}");
    let toml = "name = \"norm\"\n[[op]]\nname = \"x\"\ntype = \"input\"\nshape = [2]\n\
                [[op]]\nname = \"fc\"\ntype = \"linear\"\nout = 2\n\
                [[op]]\nname = \"bn\"\ntype = \"batch_norm\"\nstatistics = false\n";
    let arch = Arch::from_toml(toml, "norm").unwrap();
    let error = OutputSum::new(&arch, &TensorValues::zeros(&arch), &[1.0; 2]).unwrap_err();
    assert!(
        error.to_string().contains("bn") && error.to_string().contains("statistics"),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn derivatives_of_random_networks_are_the_differences(
        toml in convolutional(), density in 0.2f32..1.0, seed: u64,
    ) {
        let Ok(arch) = Arch::from_toml(&toml, "random") else { return Ok(()) };
        let (network, mask) = random(arch, density, seed);
        let [held, left_out] = check(&network, &mask, seed, 4);
        prop_assert!(held >= left_out, "{held} held, {left_out} left out");
    }
}
