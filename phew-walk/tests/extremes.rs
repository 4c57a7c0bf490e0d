//! Weights of any magnitude, and densities that no reasonable number of walks reaches.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use phew_graph::{Choice, Init, Mask, Network, zoo};
use phew_walk::{Bias, Engine, WalkError, WalkParams, prune};

fn mlp() -> Network {
    let arch = zoo::mlp(&[20, 16, 12, 5]).build().unwrap();
    Network::initialise(arch, Init::default(), 3).unwrap()
}

/// The network with each tensor's weights times a power of two.
fn scaled(network: &Network, exponents: [i32; 3]) -> Network {
    let weights = network.weights();
    let times = |(values, exponent): (&&[f32], i32)| {
        values.iter().map(|&w| (f64::from(w) * 2_f64.powi(exponent)) as f32).collect()
    };
    network.with_weights(weights.iter().zip(exponents).map(times).collect()).unwrap()
}

fn mask(network: &Network, bias: Bias, engine: Engine) -> Mask {
    let params = WalkParams::new(0.3).unwrap().bias(bias).engine(engine);
    prune(network, &params).unwrap().mask
}

#[test]
fn masks_do_not_depend_on_the_scale_of_a_tensor_at_any_magnitude() {
    let network = mlp();
    for &bias in Bias::ALL {
        for engine in [Engine::Walk, Engine::Bulk] {
            let usual = mask(&network, bias, engine);
            for exponents in [[100, 0, 0], [-100, 100, -100], [120, 120, 120], [-110, 0, 90]] {
                let other = mask(&scaled(&network, exponents), bias, engine);
                assert_eq!(other.fingerprint(), usual.fingerprint(), "{bias} {exponents:?}");
            }
        }
    }
}

#[test]
fn a_density_that_takes_too_many_walks_is_refused_with_the_one_that_can_be_had() {
    // Half of the first tensor is passed once in 10¹³ walks or more.
    let network = mlp();
    let mut weights: Vec<Vec<f32>> = network.weights().iter().map(|w| w.to_vec()).collect();
    // A chequerboard: at every unit, on either side, half of the weights.
    let odd = |index: usize| (index / 20 + index % 20) % 2 == 1;
    (0..320).filter(|&index| odd(index)).for_each(|index| weights[0][index] *= 1e-13);
    let network = network.with_weights(weights).unwrap();
    for engine in [Engine::Auto, Engine::Walk] {
        let params = WalkParams::new(0.9).unwrap().engine(engine);
        let Err(WalkError::TooManyWalks { density, walks, most, within }) =
            prune(&network, &params)
        else {
            panic!("expected a refusal");
        };
        assert!(density.to_bits() == 0.9_f64.to_bits() && walks > most as f64, "{walks}");
        // 320 of 572 weights lie in the first tensor: half of them stay out.
        let reachable = (572.0 - 160.0) / 572.0;
        assert!((within - reachable).abs() < 0.01, "{within} {reachable}");
        // What can be had can be had.
        assert!(prune(&network, &WalkParams::new(within - 0.02).unwrap()).is_ok());
    }
}
