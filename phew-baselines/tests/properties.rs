//! Properties of the simple methods, and masks that must never change.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use phew_baselines::{Allocation, Magnitude, Options, Plan, Random, methods, prune_by_scores};
use phew_graph::{Init, Mask, Network, zoo};
use proptest::prelude::*;

fn network(widths: &[usize], seed: u64) -> Network {
    Network::initialise(zoo::mlp(widths).build().unwrap(), Init::default(), seed).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn magnitude_is_invariant_to_signs(seed in any::<u64>(), density in 0.05f64..1.0) {
        let network = network(&[9, 14, 6], seed);
        let turn = |w: &&[f32]| -> Vec<f32> {
            w.iter().enumerate().map(|(i, w)| if i % 3 == 0 { -w } else { *w }).collect()
        };
        let turned = network.with_weights(network.weights().iter().map(turn).collect()).unwrap();
        let plan = Plan::new(density).unwrap();
        let (a, b) =
            (prune_by_scores(&network, &mut Magnitude, &plan).unwrap(), prune_by_scores(&turned, &mut Magnitude, &plan).unwrap());
        prop_assert!(a == b);
    }

    #[test]
    fn global_and_uniform_are_the_same_for_one_layer(seed in any::<u64>(), density in 0.01f64..1.0) {
        let network = network(&[20, 15], seed);
        for info in methods().iter().filter(|m| !m.needs.oracle()) {
            let run = |allocation| {
                let options = Options { allocation: Some(allocation), ..Options::default() };
                info.method(density, seed, &options, None).unwrap().prune(&network).unwrap()
            };
            prop_assert!(run(Allocation::Global) == run(Allocation::Uniform), "{}", info.name);
        }
    }

    #[test]
    fn a_mask_at_a_lower_density_is_a_subset_for_one_shot_methods(
        seed in any::<u64>(), density in 0.1f64..0.9,
    ) {
        let network = network(&[9, 14, 6], seed);
        let (mut low, mut high) = (Random { seed }, Random { seed });
        let a = prune_by_scores(&network, &mut low, &Plan::new(density * 0.5).unwrap()).unwrap();
        let b = prune_by_scores(&network, &mut high, &Plan::new(density).unwrap()).unwrap();
        prop_assert!(a.is_subset(&b).unwrap());
    }
}

#[test]
fn the_layers_of_random_masks_have_binomial_densities() {
    // A layer of 600 of 1,000 weights; 300 kept in all, the number fixed: hypergeometric with mean 180 and
    // variance 300 · 0.6 · 0.4 · 700/999 = 50.45 (binomial, less what the fixed total takes away).
    let network = network(&[30, 20, 20], 0);
    let n = 2000;
    let kept: Vec<f64> = (0..n)
        .map(|seed| {
            let mask =
                prune_by_scores(&network, &mut Random { seed }, &Plan::new(0.3).unwrap()).unwrap();
            mask.layers().first().unwrap().kept() as f64
        })
        .collect();
    let mean = kept.iter().sum::<f64>() / n as f64;
    let variance = kept.iter().map(|k| (k - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
    let (want, z) = (50.45f64, 3.29);
    assert!((mean - 180.0).abs() < z * (want / n as f64).sqrt(), "{mean}");
    assert!((variance / want - 1.0).abs() < z * (2.0 / n as f64).sqrt(), "{variance}");
}

/// FNV-1a over the bits of a mask.
fn hash(mask: &Mask) -> u64 {
    let words = mask.layers().iter().flat_map(|l| l.words());
    words
        .flat_map(|w| w.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}

#[test]
fn published_masks_never_change() {
    let network =
        Network::initialise(zoo::by_name("lenet-5").unwrap().build().unwrap(), Init::default(), 1)
            .unwrap();
    let found: Vec<(&str, u64)> = methods()
        .iter()
        .filter(|m| !m.needs.oracle())
        .map(|info| {
            let mut method = info.method(0.05, 7, &Options::default(), None).unwrap();
            (info.name, hash(&method.prune(&network).unwrap()))
        })
        .collect();
    let want = [
        ("random", 1481097599927689851),
        ("random-uniform", 14213173877311334922),
        ("random-er", 12558649764820888917),
        ("random-erk", 14943153618984803634),
        ("random-igq", 9202821128635866174),
        ("magnitude", 12258902163603625181),
        ("synflow", 11503703567365312689),
        ("synflow-l2", 12310509758372242617),
        ("synflow-l2-conserved", 1073990028358601474),
    ];
    assert_eq!(found, want);
}
