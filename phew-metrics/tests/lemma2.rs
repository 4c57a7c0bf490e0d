//! Lemma 2: of all masks of m edges, equal widths have the most input-output paths. True for two hidden layers; false
//! for three and more.
//!
//! D inputs, K outputs (the lemma has K = D), hidden layers between them (Patil & Dovrolis 2021, appendix A.2).
//!
//! **Two hidden layers: exact, for every mask.** Let the first layer keep D·x edges, the last K·y, the middle one e. A
//! unit of a hidden layer has at most D paths from the inputs (K to the outputs), so there are at most `D·K·q` paths with
//! `q = min(e, xy)`, and `m = Dx + Ky + e ≥ 2√(DKq) + q`. Equality needs full connection and `Dx = Ky`. With K = D these
//! are equal widths k, where `m = k(2D + k)`: the lemma. With K ≠ D they are not equal.
//!
//! **Three hidden layers: the optimum is another one.** With e and f edges in the two middle layers of weights there are
//! in the same way at most `D·K·q` paths with `q = min(ey, fx) ≤ √(xyef)`, and `m = Dx + Ky + e + f ≥ 4·(DKq²)^¼` by the
//! inequality of the means: at most `√(DK)·m²/16` paths. Equality needs full connection and **the same number of edges in
//! every layer of weights**, m/4; with K = D these are the widths m/4D, D, m/4D. Equal widths k reach it for k = D alone.
//! The smallest network where they lose has one input, one output and m = 12 edges: widths 2, 2, 2 have 8 paths, 3, 1, 3
//! have 9.
//!
//! **Where the induction fails.** Its step takes the first L − 1 hidden layers, and says that they are best at equal
//! widths. That is the hypothesis for D units behind them; the units behind them are the last hidden layer, k of them.
//! For two hidden layers between D and k ≠ D units the best widths are as k to D, and not equal: the hypothesis holds of
//! other networks than the ones it is applied to. Nor is the last width k best where the others are equal.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "common/mlp.rs"]
mod mlp;

use mlp::{Keep, Mlp, any_mask, arrows, exchanged};
use phew_metrics::{Analysis, Paths};
use proptest::prelude::*;

/// Edges of a fully connected network.
fn edges(widths: &[u128]) -> u128 {
    widths.windows(2).map(|w| w[0] * w[1]).sum()
}

/// Paths of a fully connected network, as the library counts them.
fn paths(widths: &[u128]) -> u128 {
    let widths: Vec<usize> = widths.iter().map(|&n| n as usize).collect();
    Analysis::new(&Mlp::ones(&widths).network(), None).unwrap().path_count(Paths::Kept).unwrap()
}

/// A network's widths with a mask, tensor by tensor.
#[derive(Clone)]
struct Masked {
    widths: Vec<usize>,
    keep: Keep,
}

/// `1 → 2 → 1, mask 11 10`.
impl std::fmt::Debug for Masked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, mask {:?}", arrows(&self.widths), self.keep)
    }
}

impl Masked {
    /// Edges and paths that are left.
    fn edges_and_paths(&self) -> (u128, u128) {
        let network = Mlp::ones(&self.widths).network();
        let mask = mlp::mask(&network, |tensor, i| self.keep.0[tensor][i]);
        let paths = Analysis::new(&network, Some(&mask)).unwrap().path_count(Paths::Kept).unwrap();
        (mask.kept() as u128, paths)
    }

    /// Inputs times outputs.
    fn ends(&self) -> u128 {
        (self.widths[0] * self.widths[self.widths.len() - 1]) as u128
    }
}

/// Masks of any density, and masks near a fully connected network of fewer units.
fn masked(hidden: usize) -> impl Strategy<Value = Masked> {
    let near = move |widths: Vec<usize>| {
        let used: Vec<_> = widths.iter().map(|&n| 1..=n).collect();
        let whole = move |mut used: Vec<usize>| {
            (used[0], used[hidden + 1]) = (widths[0], widths[hidden + 1]);
            let edge = |l: usize, i: usize| i / widths[l] < used[l + 1] && i % widths[l] < used[l];
            let layer = |l: usize| (0..widths[l] * widths[l + 1]).map(|i| edge(l, i)).collect();
            Keep((0..=hidden).map(layer).collect())
        };
        used.prop_map(whole).prop_flat_map(exchanged)
    };
    proptest::collection::vec(1usize..=5, hidden + 2).prop_flat_map(move |widths| {
        let edges = widths.windows(2).map(|w| w[0] * w[1]).collect();
        let keep = prop_oneof![any_mask(edges), near(widths.clone())];
        keep.prop_map(move |keep| Masked { widths: widths.clone(), keep })
    })
}

/// Two different widths.
fn two_widths(most: u128) -> impl Strategy<Value = (u128, u128)> {
    (1..=most, 1..=most).prop_filter("different widths", |(d, k)| d != k)
}

/// Whether two hidden layers with so many paths need more than m edges: `q + 2√(DKq) > m` for `q = paths / DK`.
fn too_many_for_two(paths: u128, ends: u128, m: u128) -> bool {
    let rest = (m * ends).checked_sub(paths);
    rest.is_none_or(|rest| 4 * ends * ends * paths > rest * rest)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn no_mask_of_two_hidden_layers_has_more_paths_than_the_bound(masked in masked(2)) {
        let (m, paths) = masked.edges_and_paths();
        prop_assert!(!too_many_for_two(paths, masked.ends(), m), "{} paths of {} edges", paths, m);
    }

    #[test]
    fn two_hidden_layers_reach_the_bound_where_the_outer_layers_have_as_many_edges(
        d in 1u128..=8, a in 1u128..=8, b in 1u128..=8, k in 1u128..=8
    ) {
        let (m, paths) = (edges(&[d, a, b, k]), paths(&[d, a, b, k]));
        prop_assert_eq!(paths, d * a * b * k);
        prop_assert!(!too_many_for_two(paths, d * k, m));
        // One path more for each pair of ends is too many where the bound is reached.
        let reached = 4 * (d * k).pow(2) * paths == (m * d * k - paths).pow(2);
        prop_assert_eq!(reached, d * a == b * k);
    }

    #[test]
    fn no_widths_of_two_hidden_layers_beat_equal_ones_of_any_size(
        d in 1i128..1 << 30, k in 1i128..1 << 30, off in prop_oneof![-9i128..=9, -1i128 << 30..1 << 30]
    ) {
        let m = d * (k + k) + k * k;
        let a = (k + off).clamp(1, m / d);
        let b = (m - d * a) / (d + a);
        prop_assert!(a * b < k * k || (a, b) == (k, k), "{} and {}", a, b);
    }

    #[test]
    fn no_mask_of_three_hidden_layers_has_more_paths_than_the_bound(masked in masked(3)) {
        let (m, paths) = masked.edges_and_paths();
        prop_assert!(256 * paths * paths <= masked.ends() * m.pow(4), "{} paths of {} edges", paths, m);
    }

    #[test]
    fn three_hidden_layers_reach_the_bound_where_all_layers_of_weights_have_as_many_edges(
        widths in proptest::collection::vec(1u128..=6, 5)
    ) {
        let by_layer: Vec<u128> = widths.windows(2).map(|w| w[0] * w[1]).collect();
        let reached = 256 * paths(&widths).pow(2) == widths[0] * widths[4] * edges(&widths).pow(4);
        prop_assert_eq!(reached, by_layer.iter().all(|&n| n == by_layer[0]));
    }

    #[test]
    fn equal_widths_of_three_hidden_layers_lose_at_every_ratio_but_one((d, k) in two_widths(4)) {
        // Scaled so that the optimum has whole widths.
        let (d, k, outer) = (2 * d * d, 2 * d * k, k * (d + k));
        let (equal, best) = ([d, k, k, k, d], [d, outer, d, outer, d]);
        prop_assert_eq!(edges(&equal), edges(&best));
        prop_assert!(paths(&equal) < paths(&best));
    }

    #[test]
    fn the_induction_takes_equal_widths_where_they_are_not_best(
        (d, k) in two_widths(1 << 20), scale in 1u128..1 << 10
    ) {
        // Two hidden layers between D and k units: all equal widths that m edges suffice for.
        let best = [d, k * scale, d * scale, k];
        let m = edges(&best);
        let equal = most(|n| edges(&[d, n, n, k]) <= m);
        prop_assert!(equal * equal < best[1] * best[2]);
    }

    #[test]
    fn the_last_width_of_the_induction_is_not_best_either((d, k) in two_widths(50)) {
        // Widths n, n, c of m edges: c = m/(D + n) − n, which is whole after scaling all widths by D + n.
        let (d, k) = (100 * d, 100 * k);
        let m = edges(&[d, k, k, k, d]);
        let n = if d > k { k + 1 } else { k - 1 };
        prop_assert!(n * n * (m - n * (d + n)) > k.pow(3) * (d + n));
    }
}

/// The greatest number for which a condition holds that holds below some number and not above.
fn most(holds: impl Fn(u128) -> bool) -> u128 {
    let (mut below, mut above) = (0, 1 << 60);
    while above - below > 1 {
        let middle = (below + above) / 2;
        if holds(middle) { below = middle } else { above = middle }
    }
    below
}

#[test]
fn no_widths_of_two_hidden_layers_beat_equal_ones_of_any_small_shape() {
    for d in 1..=60 {
        for k in 1..=60 {
            let m = edges(&[d, k, k, d]);
            for a in 1..=m / d {
                let b = (m - d * a) / (d + a);
                assert!(a * b < k * k || (a, b) == (k, k), "D = {d}, k = {k}: {a} and {b}");
            }
        }
    }
}

/// For D and k with `m = 2k(D + k)` edges: the most paths of three hidden layers, over D², with the widths.
fn best_of_three(d: u128, k: u128) -> (u128, [u128; 3]) {
    let m = edges(&[d, k, k, k, d]);
    let mut best = (k.pow(3), [k; 3]);
    for a in 1..=m / d {
        for b in 1..=m / a {
            let Some(left) = m.checked_sub(d * a + a * b) else { continue };
            let c = left / (d + b);
            best = best.max((a * b * c, [a, b, c]));
        }
    }
    best
}

#[test]
fn three_hidden_layers_of_equal_widths_lose_first_at_twelve_edges() {
    for d in 1..=6 {
        for k in 1..=6 {
            let m = edges(&[d, k, k, k, d]);
            let loses = best_of_three(d, k).0 > k.pow(3);
            assert!(m >= 12 || !loses, "D = {d}, k = {k}");
            assert!(m > 12 || !loses || (d, k) == (1, 2), "D = {d}, k = {k}");
        }
    }
    assert_eq!(best_of_three(1, 2), (9, [3, 1, 3]));
    assert_eq!((edges(&[1, 2, 2, 2, 1]), paths(&[1, 2, 2, 2, 1])), (12, 8));
    assert_eq!((edges(&[1, 3, 1, 3, 1]), paths(&[1, 3, 1, 3, 1])), (12, 9));
}
