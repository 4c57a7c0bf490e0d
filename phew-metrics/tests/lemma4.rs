//! Lemma 4: the path b of a biased walk is worth `2^L` times the path u of a uniform one, `E[Π(b,b)] = 2^L E[Π(u,u)]`.
//!
//! Π(p, p) is a path's part of the path kernel's trace, `Σ_l Π_{i≠l} θ_i²` over its weights; L hidden layers (Patil &
//! Dovrolis 2021, appendix A.4). Of the edge-weight product |π| its ancestor says `(π/2)^(L+1)` (Patil & Dovrolis, ICLR
//! 2021 submission, appendix A.3).
//!
//! **What is exact, for any weights.** A biased step among N weights expects `Σ|θ|³/Σ|θ|` of θ², a uniform one `Σθ²/N`.
//! By Chebyshev's sum inequality the first is never less, and equal where all |θ| are. For whole paths the same holds *on
//! average over all ways to match the units of a layer with the weights that leave them*: steps then become independent,
//! and the mean of `E[Π(b,b)]` is `Σ_l Π_{i≠l} s_i` with `s_i` the mean of `Σ|θ|³/Σ|θ|` over the units before layer i.
//! Independent initial weights match all ways alike. So in the mean over them biased walks are never worth less, at any
//! width and depth.
//!
//! **What is not.** For given weights a biased walk can be worth *less*. The smallest network where it is has four
//! weights: 1 → 2 → 1 with 2 and 1 into its units, 1 and 3 out of them. Forward, a biased walk is worth 20/3, a uniform
//! one 15/2 (and |π| 7/3 against 5/2); with out-weights 1 and 2 they tie. The greater weight leads to the unit with the
//! smaller ones behind it, and a walk does not look ahead. So the lemma is one about random weights: "the same
//! distribution regardless of the previous unit" (eq. 36 to 41) is an assumption that it needs, and trained weights, for
//! instance, need not meet.
//!
//! **At finite width.** With N normal weights `E[Σ|θ|³/Σ|θ|] = 2σ²(1 − π/4N + O(N⁻²))` and
//! `E[Σθ²/Σ|θ|] = (π/2)·E|θ|·(1 − (2 − π/2)/N + O(N⁻²))`: L layers of N units fall short of `2^L` by the share πL/4N.
//!
//! **What is statistical.** Means over drawn networks are held against these laws at finite width, which are exact.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "common/half_normal.rs"]
mod half_normal;
#[path = "common/mlp.rs"]
mod mlp;

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI, SQRT_2};
use std::sync::LazyLock;

use half_normal::HalfNormal;
use mlp::{Mlp, any_mlp, permutations, whole_weight};
use phew_graph::{Init, Network, SkipPolicy, zoo};
use phew_metrics::{Analysis, WalkWorth};
use phew_walk::{Bias, Starts};
use proptest::collection::vec;
use proptest::prelude::*;

/// What forward walks are worth: biased, uniform.
fn worth(mlp: &Mlp) -> [WalkWorth; 2] {
    let network = mlp.network();
    let analysis = Analysis::new(&network, None).unwrap();
    [Bias::Magnitude, Bias::Uniform]
        .map(|bias| analysis.walks(bias, SkipPolicy::Uniform).worth(Starts::Forward))
}

/// `E[Π(p,p)]`, biased and uniform.
fn kernel(mlp: &Mlp) -> [f64; 2] {
    worth(mlp).map(|worth| worth.ln_kernel.exp())
}

/// Magnitudes of the weights that leave each unit before a layer of weights, layer by layer.
fn leaving(mlp: &Mlp) -> Vec<Vec<Vec<f64>>> {
    let magnitude = |w: &f32| f64::from(w.abs());
    let layer = |(&units, weights): (&usize, &Vec<f32>)| {
        (0..units).map(|i| weights[i..].iter().step_by(units).map(magnitude).collect()).collect()
    };
    mlp.widths.iter().zip(&mlp.weights).map(layer).collect()
}

fn power_sum(magnitudes: &[f64], power: i32) -> f64 {
    magnitudes.iter().map(|x| x.powi(power)).sum()
}

/// Mean over units of a value of the weights that leave them.
fn mean(units: &[Vec<f64>], value: impl Fn(&[f64]) -> f64) -> f64 {
    units.iter().map(|unit| value(unit)).sum::<f64>() / units.len() as f64
}

/// `Σ|θ|³/Σ|θ|`: θ² of a biased step.
fn biased_square(magnitudes: &[f64]) -> f64 {
    power_sum(magnitudes, 3) / power_sum(magnitudes, 1)
}

/// `Σθ²/N`: θ² of a uniform step.
fn uniform_square(magnitudes: &[f64]) -> f64 {
    power_sum(magnitudes, 2) / magnitudes.len() as f64
}

/// Sums of at most some hundred positive terms, and logarithms of at most some hundred.
fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-11 * a.abs().max(b.abs())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_biased_step_is_worth_no_less_than_a_uniform_one_for_any_weights(mlp in any_mlp(2..=2, 1..=8)) {
        let [biased, uniform] = worth(&mlp).map(|worth| worth.steps[0]);
        let units = &leaving(&mlp)[0];
        prop_assert!(close(biased.square, mean(units, biased_square)));
        prop_assert!(close(biased.magnitude, mean(units, |x| power_sum(x, 2) / power_sum(x, 1))));
        prop_assert!(close(uniform.square, mean(units, uniform_square)));
        prop_assert!(biased.square >= uniform.square * (1.0 - 1e-12));
        prop_assert!(biased.magnitude >= uniform.magnitude * (1.0 - 1e-12));
    }

    #[test]
    fn a_biased_step_is_worth_as_much_as_a_uniform_one_for_equal_magnitudes_alone(
        weights in vec(whole_weight(), 1..=6), equal: bool
    ) {
        let weights = if equal { vec![weights[0]; weights.len()] } else { weights };
        let equal = weights.iter().all(|w| w.abs().total_cmp(&weights[0].abs()).is_eq());
        let [biased, uniform] = worth(&Mlp::new(&[1, weights.len()], vec![weights])).map(|w| w.steps[0]);
        // Whole numbers up to 9 that differ make the sums differ by a thousandth at least.
        for (biased, uniform) in [(biased.square, uniform.square), (biased.magnitude, uniform.magnitude)] {
            prop_assert_eq!(biased < uniform * (1.0 + 1e-9), equal, "{} and {}", biased, uniform);
        }
    }

    #[test]
    fn over_all_matchings_of_units_steps_are_independent_and_a_biased_path_is_worth_no_less(
        mlp in any_mlp(2..=4, 1..=3)
    ) {
        let networks = matchings(&mlp);
        let mut means = [0.0; 2];
        for network in &networks {
            means.iter_mut().zip(kernel(network)).for_each(|(m, k)| *m += k / networks.len() as f64);
        }
        let layers = leaving(&mlp);
        let biased = without_each(layers.iter().map(|units| mean(units, biased_square)));
        let uniform = without_each(layers.iter().map(|units| mean(units, uniform_square)));
        prop_assert!(close(means[0], biased) && close(means[1], uniform), "{:?}", means);
        prop_assert!(biased >= uniform * (1.0 - 1e-12));
    }
}

/// `Σ_l Π_{i≠l} x_i`.
fn without_each(factors: impl Iterator<Item = f64>) -> f64 {
    // The product rule: of all factors so far the product, and the sum of products without one.
    factors.fold((1.0, 0.0), |(product, sum), x| (product * x, sum * x + product)).1
}

/// The network with the columns of every layer of weights but the first in every order: all ways to give the units of
/// the hidden layers the weights that leave them.
fn matchings(mlp: &Mlp) -> Vec<Mlp> {
    let mut networks = vec![mlp.clone()];
    for layer in 1..mlp.weights.len() {
        let units = mlp.widths[layer];
        let reordered = |mlp: &Mlp, order: &Vec<usize>| {
            let columns = |row: &[f32]| order.iter().map(|&i| row[i]).collect::<Vec<_>>();
            let mut mlp = mlp.clone();
            mlp.weights[layer] = mlp.weights[layer].chunks(units).flat_map(columns).collect();
            mlp
        };
        let orders = permutations(units);
        networks =
            networks.iter().flat_map(|mlp| orders.iter().map(|o| reordered(mlp, o))).collect();
    }
    networks
}

/// Every network of at most four edges, with weights 1 to 3.
fn small_networks() -> Vec<Mlp> {
    let mut networks = Vec::new();
    let mut shapes: Vec<Vec<usize>> = (1..=4).map(|n| vec![n]).collect();
    while let Some(widths) = shapes.pop() {
        let sizes: Vec<usize> = widths.windows(2).map(|w| w[0] * w[1]).collect();
        let edges = sizes.iter().sum::<usize>() as u32;
        if edges > 4 {
            continue;
        }
        shapes.extend((1..=4).map(|n| [&widths[..], &[n]].concat()));
        for code in (0..3usize.pow(edges)).filter(|_| edges > 0) {
            let mut digits = (0..edges).map(|place| (code / 3usize.pow(place) % 3 + 1) as f32);
            let weights = sizes.iter().map(|&n| digits.by_ref().take(n).collect()).collect();
            networks.push(Mlp::new(&widths, weights));
        }
    }
    networks
}

#[test]
fn the_smallest_network_where_a_biased_path_is_worth_less() {
    let worse = |mlp: &Mlp| {
        let [biased, uniform] = kernel(mlp);
        biased < uniform * (1.0 - 1e-9)
    };
    let found: Vec<Mlp> = small_networks().into_iter().filter(worse).collect();
    assert!(found.iter().all(|mlp| mlp.widths == [1, 2, 1]), "{found:?}");
    let known = |last: f32| Mlp::new(&[1, 2, 1], vec![vec![2.0, 1.0], vec![1.0, last]]);
    assert!(found.contains(&known(3.0)));
    let [biased, uniform] = worth(&known(3.0));
    assert!(
        close(biased.ln_kernel.exp(), 20.0 / 3.0) && close(uniform.ln_kernel.exp(), 15.0 / 2.0)
    );
    assert!(
        close(biased.ln_product.exp(), 7.0 / 3.0) && close(uniform.ln_product.exp(), 5.0 / 2.0)
    );
    let [biased, uniform] = kernel(&known(2.0));
    assert!(close(biased, 5.0) && close(uniform, 5.0));
}

static NORMAL: LazyLock<HalfNormal> = LazyLock::new(HalfNormal::new);

/// `E|θ|` of N(0, 1).
fn mean_magnitude() -> f64 {
    FRAC_PI_2.sqrt().recip()
}

#[test]
fn a_step_among_two_weights_is_worth_what_one_finds_by_hand() {
    // One weight is taken anyway. Of two, (x³ + y³)/(x + y) = x² − xy + y²; and in polar coordinates
    // (x² + y²)/(x + y) = R/(cos φ + sin φ).
    assert!(close(NORMAL.step(1, 2), 1.0) && close(NORMAL.step(1, 1), mean_magnitude()));
    assert!(close(NORMAL.step(2, 2), 2.0 - 2.0 / PI));
    assert!(close(NORMAL.step(2, 1) / mean_magnitude(), SQRT_2 * (1.0 + SQRT_2).ln()));
}

#[test]
fn the_ratios_at_finite_width_follow_their_expansion() {
    for n in (1..=64).chain([256, 1_024, 4_096]) {
        let square = NORMAL.step(n, 2) / 2.0;
        let magnitude = NORMAL.step(n, 1) / (FRAC_PI_2 * mean_magnitude());
        let n = n as f64;
        assert!((square - 1.0 + FRAC_PI_4 / n).abs() < 0.3 / (n * n), "N = {n}: {square}");
        assert!(
            (magnitude - 1.0 + (2.0 - FRAC_PI_2) / n).abs() < 0.07 / (n * n),
            "N = {n}: {magnitude}"
        );
    }
}

/// A sum over walks of products of powers of |θ|: of each term the power in each layer of weights.
#[derive(Clone, Debug)]
struct Worth(Vec<Vec<usize>>);

impl Worth {
    /// `Π(p, p)`.
    fn kernel(layers: usize) -> Self {
        Self(
            (0..layers)
                .map(|l| (0..layers).map(|i| if i == l { 0 } else { 2 }).collect())
                .collect(),
        )
    }

    /// `|π|`.
    fn product(layers: usize) -> Self {
        Self(vec![vec![1; layers]])
    }

    /// Mean and variance, over N(0, 1) weights, of what a biased walk expects: exact, by following two walks.
    ///
    /// Two walks over the same weights are at the same unit or apart. Apart they meet with probability 1/N for what they
    /// carry, for the weights that leave different units are independent.
    fn mean_and_variance(&self, widths: &[usize]) -> (f64, f64) {
        let mean = |term: &Vec<usize>| -> f64 {
            widths[1..].iter().zip(term).map(|(&n, &a)| NORMAL.step(n, a)).product()
        };
        let pair = |s: &Vec<usize>, t: &Vec<usize>| {
            let meeting = (widths[0] as f64).recip();
            let (mut together, mut apart) = (meeting, 1.0 - meeting);
            for ((&n, &a), &b) in widths[1..].iter().zip(s).zip(t) {
                let each = NORMAL.step(n, a) * NORMAL.step(n, b);
                let meeting = (n as f64).recip();
                (together, apart) = (
                    together * NORMAL.same(n, a, b) + apart * each * meeting,
                    together * NORMAL.parted(n, a, b) + apart * each * (1.0 - meeting),
                );
            }
            together + apart
        };
        let first: f64 = self.0.iter().map(mean).sum();
        let second: f64 = self.0.iter().flat_map(|s| self.0.iter().map(move |t| pair(s, t))).sum();
        (first, second - first * first)
    }
}

/// Blocks of networks that are drawn to check a mean.
const BLOCKS: u64 = 61;
/// Networks of a block.
const DRAWS: u64 = 32;

/// How many blocks of drawn networks have means that are farther from a law than √8 standard deviations.
///
/// Of a right program a block is, with a probability of at most 1/8 (Chebyshev; the variance is exact). Blocks are
/// independent, so more than half of 61 are with a probability of at most exp(−61·D(31/61‖1/8)) < 4.3e-12 (Chernoff). One
/// run makes 32 comparisons, and a few for the cases kept in `lemma4.proptest-regressions`: with a hundred of them a right
/// program fails with a probability below 1e-9.
fn blocks_off(
    seed: u64,
    widths: &[usize],
    expected: f64,
    variance: f64,
    of: impl Fn(&WalkWorth) -> f64,
) -> u64 {
    let arch = std::sync::Arc::new(zoo::mlp(widths).build().unwrap());
    let one = |draw: u64| {
        let seed = seed.wrapping_add(draw);
        let network = Network::initialise(arch.clone(), Init::Normal { std: 1.0 }, seed).unwrap();
        let analysis = Analysis::new(&network, None).unwrap();
        of(&analysis.walks(Bias::Magnitude, SkipPolicy::Uniform).worth(Starts::Forward))
    };
    // Weights are rounded to f32, and quadrature is not exact either.
    let limit = (8.0 * variance.max(0.0) / DRAWS as f64).sqrt() + 1e-6 * expected;
    let off = |&block: &u64| {
        let mean = (block * DRAWS..(block + 1) * DRAWS).map(one).sum::<f64>() / DRAWS as f64;
        (mean - expected).abs() > limit
    };
    (0..BLOCKS).filter(off).count() as u64
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn drawn_networks_follow_the_law_at_finite_width(widths in vec(1usize..=24, 2..=5), seed: u64) {
        let layers = widths.len() - 1;
        let (mean, variance) = Worth::kernel(layers).mean_and_variance(&widths);
        let off = blocks_off(seed, &widths, mean, variance, |worth| worth.ln_kernel.exp());
        prop_assert!(off <= BLOCKS / 2, "E[Π(b,b)]: {} of {} blocks are off {}", off, BLOCKS, mean);
        let (mean, variance) = Worth::product(layers).mean_and_variance(&widths);
        let off = blocks_off(seed, &widths, mean, variance, |worth| worth.ln_product.exp());
        prop_assert!(off <= BLOCKS / 2, "E|π|: {} of {} blocks are off {}", off, BLOCKS, mean);
    }
}

#[test]
fn the_check_tells_the_law_at_finite_width_from_its_limit() {
    // Three hidden layers of eight units: 2³ · 4 in the limit, a quarter less at this width.
    let widths = [8; 5];
    let (mean, variance) = Worth::kernel(4).mean_and_variance(&widths);
    assert!((mean / 32.0 - 0.75).abs() < 0.01);
    let off = |expected| blocks_off(0, &widths, expected, variance, |worth| worth.ln_kernel.exp());
    assert!(off(mean) < 8 && off(32.0) > BLOCKS / 2);
}
