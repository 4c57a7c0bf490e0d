//! Paths by rank against the sorted list of all paths; greedy walks against a hand-worked network.

#[path = "../../phew-graph/tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;

use phew_graph::{Init, Mask, Network, SkipPolicy, TensorId, zoo};
use phew_walk::{Order, WalkError, best_paths, greedy_paths, mask_of, ranked_paths};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every path in order, each as often as it occurs (parallel skips make equal paths).
    #[test]
    fn ranked_paths_are_all_paths_in_order((network, _) in support::masked_network(), count in 1..400usize) {
        let weights = network.weights();
        let ln = |p: &support::Path| p.iter().map(|&(t, i)| f64::from(weights[t][i].abs()).ln()).sum::<f64>();
        let mut all: Vec<support::Path> = support::all_paths(network.arch());
        all.retain(|p| p.iter().all(|&(t, i)| weights[t][i] != 0.0));
        for order in [Order::Greatest, Order::Least] {
            let sign = if order == Order::Greatest { -1.0 } else { 1.0 };
            all.sort_by(|a, b| (sign * ln(a)).total_cmp(&(sign * ln(b))));
            match ranked_paths(&network, order, SkipPolicy::Uniform, count) {
                Err(WalkError::NoPath { .. }) => prop_assert!(all.is_empty()),
                Err(other) => prop_assert!(false, "{other}"),
                Ok(paths) => {
                    prop_assert_eq!(paths.len(), count.min(all.len()));
                    for (found, expected) in paths.iter().zip(&all) {
                        // Sums of at most 20 logarithms.
                        prop_assert!((found.ln_product - ln(expected)).abs() < 1e-12);
                        prop_assert!((found.ln_product - ln(&found.weights)).abs() < 1e-12);
                    }
                    let times = |list: &mut dyn Iterator<Item = &support::Path>| {
                        list.fold(BTreeMap::new(), |mut times, path| {
                            *times.entry(path.clone()).or_insert(0) += 1;
                            times
                        })
                    };
                    let found = times(&mut paths.iter().map(|p| &p.weights));
                    let exist = times(&mut all.iter());
                    for (path, n) in &found {
                        prop_assert!(exist.get(path).is_some_and(|m| n <= m), "{path:?}");
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Path by path through the sorted list of all, until there are enough weights.
    #[test]
    fn the_best_paths_to_a_density_are_those_of_the_sorted_list((network, _) in support::masked_network(), density in 0.01..1.0f64) {
        let weights = network.weights();
        let ln = |p: &support::Path| p.iter().map(|&(t, i)| f64::from(weights[t][i].abs()).ln()).sum::<f64>();
        let mut all: Vec<support::Path> = support::all_paths(network.arch());
        all.retain(|p| p.iter().all(|&(t, i)| weights[t][i] != 0.0));
        for order in [Order::Greatest, Order::Least] {
            let sign = if order == Order::Greatest { -1.0 } else { 1.0 };
            all.sort_by(|a, b| (sign * ln(a)).total_cmp(&(sign * ln(b))));
            // Among different paths of one product any order is right.
            prop_assume!(all.windows(2).all(|p| p[0] == p[1] || (ln(&p[0]) - ln(&p[1])).abs() > 1e-9));
            let mut mask = Mask::empty(network.arch());
            let Ok(target) = phew_graph::kept_at(density, mask.len()) else { continue };
            let (mut paths, mut last) = (0, f64::NAN);
            for path in &all {
                let before = mask.kept();
                if before >= target { break; }
                path.iter().for_each(|&(t, i)| { mask.layer_mut(t).insert(i); });
                if mask.kept() > before { (paths, last) = (paths + 1, ln(path)); }
            }
            match best_paths(&network, order, SkipPolicy::Uniform, density) {
                Err(WalkError::NoPath { .. }) => prop_assert!(all.is_empty()),
                Err(WalkError::Unreachable { reachable, .. }) => {
                    prop_assert!(mask.kept() < target);
                    prop_assert_eq!(reachable, mask.kept());
                }
                Err(other) => prop_assert!(false, "{other}"),
                Ok(found) => {
                    prop_assert_eq!(&found.mask, &mask);
                    prop_assert_eq!(found.paths, paths);
                    prop_assert!((found.ln_first - ln(&all[0])).abs() < 1e-12);
                    prop_assert!((found.ln_last - last).abs() < 1e-12);
                }
            }
        }
    }
}

/// 2 → 2 → 2: the weights are such that every greedy walk passes hidden unit 1, the paper's bottleneck.
#[test]
fn greedy_walks_meet_in_a_bottleneck() {
    let network =
        Network::initialise(zoo::mlp(&[2, 2, 2]).build().unwrap(), Init::default(), 0).unwrap();
    let network =
        network.with_weights(vec![vec![1.0, 1.0, -3.0, 2.0], vec![0.5, -4.0, 0.5, 3.0]]).unwrap();
    let paths = greedy_paths(&network, SkipPolicy::Uniform).unwrap();
    let edges: Vec<_> = paths.iter().map(|p| p.weights.clone()).collect();
    // Inputs 0 and 1 go to unit 1 and on to output 0; outputs 0 and 1 come from unit 1 and input 0.
    let [first, second] = [0, 1].map(TensorId::new);
    let through = |input: usize, output: usize| vec![(first, 2 + input), (second, 2 * output + 1)];
    assert_eq!(edges, [through(0, 0), through(1, 0), through(0, 0), through(0, 1)]);
    assert!((paths[0].ln_product - 12f64.ln()).abs() < 1e-12);
    assert_eq!(mask_of(&network, &paths).kept(), 4, "of eight");
    let best = ranked_paths(&network, Order::Greatest, SkipPolicy::Uniform, 1).unwrap();
    assert_eq!(best[0].weights, through(0, 0));
}

/// The best thousand paths of a ResNet crowd on far fewer units than as many random walks.
#[test]
fn the_best_paths_of_a_real_network_are_narrow() {
    let arch = zoo::by_name("resnet20").unwrap().build().unwrap();
    let network = Network::initialise(arch, Init::default(), 0).unwrap();
    let best = ranked_paths(&network, Order::Greatest, SkipPolicy::Main, 1_000).unwrap();
    assert!(best.windows(2).all(|p| p[0].ln_product >= p[1].ln_product));
    let mask = mask_of(&network, &best);
    // 1,000 walks of 20 weights keep about 14,000; the best paths differ in a few weights each.
    assert!(mask.kept() < 500, "{}", mask.kept());
    let least = ranked_paths(&network, Order::Least, SkipPolicy::Main, 10).unwrap();
    assert!(
        least[9].ln_product < best[999].ln_product && least[0].ln_product <= least[1].ln_product
    );
}
