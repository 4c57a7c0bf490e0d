//! Lemma 3: of W walks every unit of a layer of N units expects W/N.
//!
//! Walks start at every input alike, and go from unit to unit with probability `Q ∝ |θ|`; every second one starts at an
//! output and goes back (Patil & Dovrolis 2021, appendix A.3).
//!
//! **What is exact.** Every walk visits one unit of each layer, so the visits of a layer add up to W, for any weights.
//! They are W/N each where in every layer of weights all rows have the same sum of |θ|, and all columns (circulant
//! matrices, for instance). For any other weights they are W/N *on average over all orders of the hidden units*: the
//! lemma is true of the mean over independent initial weights, at any width, and needs no wide layers. Given the
//! weights, a unit's visits lie between W/(N·r) and W·r/N with r the greatest over the smallest |θ| before it: every unit
//! is expected to be walked, which is what the lemma is for.
//!
//! **What is not.** Given the weights, units differ. The smallest network with hidden units that do is 1 → 2 → 1: with
//! weights 3 and 1 into them a forward walk visits them with probability 3/4 and 1/4, not 1/2.
//!
//! **What is statistical.** The sampler's walks are counted and held against the exact law.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "common/mlp.rs"]
mod mlp;

use mlp::{Mlp, any_mlp, of_either_sign, permutations};
use phew_graph::{Choice, SkipPolicy};
use phew_metrics::Analysis;
use phew_walk::{Bias, Starts, WalkLaw, count_visits};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Expected visits of one walk, by layer and unit.
fn visits(mlp: &Mlp, bias: Bias, starts: Starts) -> Vec<Vec<f64>> {
    let network = mlp.network();
    let analysis = Analysis::new(&network, None).unwrap();
    analysis.walks(bias, SkipPolicy::Uniform).visits(starts).units().into()
}

/// The sampler's visits of so many walks, by layer and unit: into the units of each layer but the inputs, and out of the
/// units of each layer but the outputs.
fn sampled(mlp: &Mlp, law: &WalkLaw, walks: u64) -> [Vec<Vec<u64>>; 2] {
    let (mut into, mut out) = (Vec::new(), Vec::new());
    let visits = count_visits(&mlp.network(), law, walks).unwrap();
    for (counts, w) in visits.iter().zip(mlp.widths.windows(2)) {
        let (mut rows, mut columns) = (vec![0; w[1]], vec![0; w[0]]);
        for (index, &count) in counts.iter().enumerate() {
            rows[index / w[0]] += u64::from(count);
            columns[index % w[0]] += u64::from(count);
        }
        into.push(rows);
        out.push(columns);
    }
    [into, out]
}

fn bias() -> impl Strategy<Value = Bias> {
    select(Bias::ALL)
}

fn starts() -> impl Strategy<Value = Starts> {
    select(Starts::ALL)
}

/// Visits are sums of at most some hundred positive terms.
fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn expected_visits_of_a_layer_add_up_to_one_a_walk(
        mlp in any_mlp(2..=5, 1..=6), bias in bias(), starts in starts()
    ) {
        for layer in visits(&mlp, bias, starts) {
            prop_assert!(close(layer.iter().sum(), 1.0), "{:?}", layer);
        }
    }

    #[test]
    fn sampled_visits_of_a_layer_add_up_to_the_walks_and_who_enters_a_unit_leaves_it(
        mlp in any_mlp(2..=5, 1..=6), bias in bias(), starts in starts(), seed: u64, walks in 0u64..200
    ) {
        let law = WalkLaw { seed, bias, starts, ..WalkLaw::default() };
        let [into, out] = sampled(&mlp, &law, walks);
        prop_assert!(into.iter().chain(&out).all(|layer| layer.iter().sum::<u64>() == walks));
        prop_assert_eq!(&into[..into.len() - 1], &out[1..]);
    }

    #[test]
    fn visits_are_even_where_rows_and_columns_have_equal_sums(
        mlp in circulant(), bias in bias(), starts in starts()
    ) {
        for layer in visits(&mlp, bias, starts) {
            prop_assert!(layer.iter().all(|&v| close(v, 1.0 / layer.len() as f64)), "{:?}", layer);
        }
    }

    #[test]
    fn visits_are_even_on_average_over_all_orders_of_the_hidden_units(
        mlp in any_mlp(3..=4, 1..=4), bias in bias(), starts in starts()
    ) {
        for layer in 1..mlp.widths.len() - 1 {
            let orders = permutations(mlp.widths[layer]);
            let mut mean = vec![0.0; mlp.widths[layer]];
            for order in &orders {
                let visits = &visits(&reordered(&mlp, layer, order), bias, starts)[layer];
                mean.iter_mut().zip(visits).for_each(|(m, v)| *m += v / orders.len() as f64);
            }
            prop_assert!(mean.iter().all(|&m| close(m, 1.0 / mean.len() as f64)), "{:?}", mean);
        }
    }

    #[test]
    fn a_unit_expects_its_share_within_the_ratio_of_the_weights_before_it(mlp in any_mlp(2..=5, 1..=6)) {
        let visits = visits(&mlp, Bias::Magnitude, Starts::Forward);
        for (layer, weights) in visits[1..].iter().zip(&mlp.weights) {
            let size = || weights.iter().map(|w| f64::from(w.abs()));
            let ratio = size().fold(0.0, f64::max) / size().fold(f64::INFINITY, f64::min);
            let limits = (1.0 - 1e-12) / ratio..=(1.0 + 1e-12) * ratio;
            prop_assert!(layer.iter().all(|v| limits.contains(&(v * layer.len() as f64))), "{:?}", layer);
        }
    }
}

/// Layers with entries `±p[(i + j) mod g]`, where g divides all widths: rows have equal sums of |θ|, and columns.
fn circulant() -> impl Strategy<Value = Mlp> {
    let layer = |g: usize, from: usize, to: usize| {
        let matrix = move |p: Vec<u8>| {
            let entry = |i: usize| of_either_sign(f32::from(p[(i / from + i % from) % g]));
            (0..from * to).map(entry).collect::<Vec<_>>()
        };
        vec(1u8..=9, g).prop_flat_map(matrix)
    };
    (1usize..=4, vec(1usize..=3, 2..=5)).prop_flat_map(move |(g, multiples)| {
        let widths: Vec<usize> = multiples.iter().map(|n| n * g).collect();
        let layers: Vec<_> = widths.windows(2).map(|w| layer(g, w[0], w[1])).collect();
        layers.prop_map(move |weights| Mlp::new(&widths, weights))
    })
}

/// The same network with the units of a hidden layer in another order.
fn reordered(mlp: &Mlp, layer: usize, order: &[usize]) -> Mlp {
    let Mlp { widths, mut weights } = mlp.clone();
    let (before, units) = (widths[layer - 1], widths[layer]);
    let row = |j: &usize| weights[layer - 1][j * before..][..before].to_vec();
    weights[layer - 1] = order.iter().flat_map(row).collect();
    let columns = |row: &[f32]| order.iter().map(|&j| row[j]).collect::<Vec<_>>();
    weights[layer] = weights[layer].chunks(units).flat_map(columns).collect();
    Mlp { widths, weights }
}

#[test]
fn the_smallest_network_where_visits_are_not_even() {
    let mlp = Mlp::new(&[1, 2, 1], vec![vec![3.0, -1.0], vec![1.0, 1.0]]);
    let hidden = &visits(&mlp, Bias::Magnitude, Starts::Forward)[1];
    assert!(close(hidden[0], 0.75) && close(hidden[1], 0.25));
}

/// Networks that one run draws.
const CASES: u32 = 64;

/// Units that one run compares, at most: of 4 layers of 16, and as many again for the cases that are kept in
/// `lemma3.proptest-regressions`.
const COMPARISONS: f64 = 2.0 * CASES as f64 * 4.0 * 16.0;

/// How far a share of visits may be from its expectation, as relative entropy times walks.
///
/// Walks are independent, and each visits a unit or not. By Hoeffding (1963, theorem 1), whose bound asks nothing of how
/// the starts differ, a share s of W walks that expects p has `W·D(s‖p) ≥ b` with a probability of at most e^(−b) on each
/// side. Over all comparisons of a run a right sampler goes beyond this b with a probability below 1e-9.
fn limit() -> f64 {
    (2.0 * COMPARISONS / 1e-9).ln()
}

/// `D(s‖p)` of two events, or none.
fn relative_entropy(s: f64, p: f64) -> f64 {
    let term = |s: f64, p: f64| if s > 0.0 { s * (s / p).ln() } else { 0.0 };
    term(s, p) + term(1.0 - s, 1.0 - p)
}

/// The greatest `W·D(s‖p)` over the units behind the inputs.
fn departure(mlp: &Mlp, law: &WalkLaw, walks: u64, expected: &[Vec<f64>]) -> f64 {
    let [seen, _] = sampled(mlp, law, walks);
    let share = |n: u64| n as f64 / walks as f64;
    let entropy = |(&n, &p): (&u64, &f64)| walks as f64 * relative_entropy(share(n), p.min(1.0));
    seen.iter().flatten().zip(expected[1..].iter().flatten()).map(entropy).fold(0.0, f64::max)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn the_samplers_visits_are_those_of_the_exact_law(
        mlp in any_mlp(2..=5, 1..=16), bias in bias(), starts in starts(), seed: u64
    ) {
        // Every input and every output starts the same number of walks.
        let round = 2 * mlp.widths[0] * mlp.widths[mlp.widths.len() - 1];
        let walks = (round * 100_000usize.div_ceil(round)) as u64;
        let law = WalkLaw { seed, bias, starts, ..WalkLaw::default() };
        let found = departure(&mlp, &law, walks, &visits(&mlp, bias, starts));
        prop_assert!(found < limit(), "W·D = {}, limit {}", found, limit());
    }
}

#[test]
fn the_limit_tells_one_bias_from_another() {
    let mlp = Mlp::new(&[1, 2, 1], vec![vec![3.0, -1.0], vec![1.0, 1.0]]);
    let square = visits(&mlp, Bias::Square, Starts::Balanced);
    // 0.625 of the walks are expected in one unit, and would be 0.7 if they went by θ².
    assert!(departure(&mlp, &WalkLaw::default(), 50_000, &square) > 10.0 * limit());
}
