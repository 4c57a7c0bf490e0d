//! Path metrics against the list of all paths.

mod common;

use common::{chains, close, kept_chains, product, times, tiny, tiny_with, without_each};
use phew_graph::{ByTensor, TensorId};
use phew_metrics::{Analysis, Objective, Paths};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn counts_are_those_of_the_list_of_all_paths(seed: u64, ties: bool) {
        let tiny = tiny_with(seed, ties);
        let (weights, arch) = (tiny.network.weights(), tiny.network.arch());
        let analysis = Analysis::new(&tiny.network, Some(&tiny.mask)).unwrap();
        let kept = kept_chains(&tiny);
        let effective: Vec<_> =
            kept.iter().filter(|c| c.iter().all(|&(t, i)| weights[t][i] != 0.0)).collect();
        prop_assert_eq!(analysis.path_count(Paths::All).unwrap(), chains(arch).len() as u128);
        prop_assert_eq!(analysis.path_count(Paths::Kept).unwrap(), kept.len() as u128);
        prop_assert_eq!(analysis.path_count(Paths::Effective).unwrap(), effective.len() as u128);
        prop_assert!(close(analysis.ln_path_count(Paths::Kept).exp(), kept.len() as f64));
        prop_assert!(close(analysis.ln_path_count(Paths::Effective).exp(), effective.len() as f64));
        for (t, spec) in arch.prunable().with_ids() {
            let through = |i: usize| kept.iter().map(|c| times(c, (t, i))).sum::<usize>();
            let expected: Vec<u128> = (0..spec.len()).map(|i| through(i) as u128).collect();
            for (share, &n) in analysis.path_shares(Paths::Kept).shares(t).iter().zip(&expected) {
                prop_assert!(close(share * kept.len() as f64, n as f64));
            }
            prop_assert_eq!(&analysis.edge_path_counts(Paths::Kept).unwrap()[t], &expected);
        }
    }

    #[test]
    fn objectives_and_their_shares_are_sums_over_the_list(seed: u64, ties: bool) {
        let tiny = tiny_with(seed, ties);
        let weights = tiny.network.weights();
        let analysis = Analysis::new(&tiny.network, Some(&tiny.mask)).unwrap();
        let kept = kept_chains(&tiny);
        for (objective, power) in [(Objective::SynFlow, 1), (Objective::SynFlowL2, 2)] {
            let worth = |c: &common::Chain| product(c, |t, i| f64::from(weights[t][i]).abs().powi(power));
            let total: f64 = kept.iter().map(worth).sum();
            prop_assert!(close(analysis.ln_objective(objective).exp(), total));
            for t in weights.ids() {
                let shares = analysis.objective_shares(objective).shares(t);
                for (i, share) in shares.into_iter().enumerate() {
                    let through = |c: &common::Chain| times(c, (t, i)) as f64 * worth(c);
                    prop_assert!(close(share * total, kept.iter().map(through).sum()));
                }
            }
        }
    }

    #[test]
    fn the_trace_is_the_sum_over_paths_and_weights_even_where_weights_are_zero(seed: u64) {
        let tiny = tiny(seed);
        let weights = tiny.network.weights();
        let analysis = Analysis::new(&tiny.network, Some(&tiny.mask)).unwrap();
        let kept = kept_chains(&tiny);
        let mut by_weight: ByTensor<Vec<f64>> = weights.iter().map(|w| vec![0.0; w.len()]).collect();
        for chain in &kept {
            let derivatives = without_each(chain, |t, i| f64::from(weights[t][i]));
            for (&(t, i), d) in chain.iter().zip(derivatives) {
                by_weight[t][i] += d * d;
            }
        }
        let total: f64 = by_weight.iter().flatten().sum();
        let trace = analysis.path_kernel_trace().unwrap();
        prop_assert!(close(trace.total(), total), "{} {}", trace.total(), total);
        let layer_shares = trace.layer_shares();
        for ((t, expected), layer_share) in by_weight.with_ids().zip(layer_shares) {
            let layer: f64 = expected.iter().sum();
            prop_assert!(close(layer_share * total, layer));
            for (share, e) in trace.shares(t).iter().zip(expected) {
                prop_assert!(close(share * total, *e));
            }
        }
    }

    #[test]
    fn the_explicit_kernel_is_that_of_the_list(seed: u64, ties: bool) {
        let tiny = tiny_with(seed, ties);
        let weights = tiny.network.weights();
        let analysis = Analysis::new(&tiny.network, Some(&tiny.mask)).unwrap();
        let mut expected = kept_chains(&tiny);
        prop_assume!(expected.len() <= 200);
        let (paths, kernel) = analysis.path_kernel(200).unwrap();
        let mut found: Vec<_> = paths.iter().map(|p| p.weights.clone()).collect();
        let place = |c: &common::Chain| found.iter().position(|f| f == c).unwrap();
        // A path without weights may occur several times; the kernel has zeros there.
        for a in expected.iter().filter(|c| !c.is_empty()) {
            let da = without_each(a, |t, i| f64::from(weights[t][i]));
            prop_assert!(close(analysis.product(&paths[place(a)]), product(a, |t, i| f64::from(weights[t][i]))));
            for b in expected.iter().filter(|c| !c.is_empty()) {
                let db = without_each(b, |t, i| f64::from(weights[t][i]));
                let mut sum = 0.0;
                for (w, x) in a.iter().zip(&da) {
                    for (v, y) in b.iter().zip(&db) {
                        sum += if w == v { x * y } else { 0.0 };
                    }
                }
                prop_assert!((kernel[(place(a), place(b))] - sum).abs() <= 1e-12 * (1.0 + sum.abs()));
            }
        }
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(kernel.dim(), (paths.len(), paths.len()));
    }

    #[test]
    fn means_are_taken_over_the_list_of_kept_paths_and_weights(seed: u64, ties: bool) {
        let tiny = tiny_with(seed, ties);
        let weights = tiny.network.weights();
        let analysis = Analysis::new(&tiny.network, Some(&tiny.mask)).unwrap();
        let kept = kept_chains(&tiny);
        prop_assume!(!kept.is_empty());
        let value = |t: TensorId, i: usize| f64::from(weights[t][i]);
        let mean = |of: &dyn Fn(&common::Chain) -> f64| -> f64 {
            kept.iter().map(of).sum::<f64>() / kept.len() as f64
        };
        let squares = |c: &common::Chain| without_each(c, value).iter().map(|d| d * d).sum::<f64>();
        let found = analysis.mean_path();
        prop_assert!(close(found.ln_product.exp(), mean(&|c| product(c, value).abs())));
        prop_assert!(close(found.ln_square.exp(), mean(&|c| product(c, value).powi(2))));
        match ties {
            true => prop_assert!(found.ln_kernel.is_nan()),
            false => prop_assert!(close(found.ln_kernel.exp(), mean(&squares))),
        }
        for ((t, layer), found) in tiny.mask.layers().with_ids().zip(analysis.mean_squares()) {
            let kept = || (0..layer.len()).filter(|&i| layer.get(i));
            let sum: f64 = kept().map(|i| value(t, i).powi(2)).sum();
            match kept().count() {
                0 => prop_assert!(found.is_nan()),
                n => prop_assert!(close(found, sum / n as f64)),
            }
        }
    }
}
