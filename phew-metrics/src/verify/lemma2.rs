//! Lemma 2: equal widths maximise the number of paths. True for two hidden layers, false for three and more.

use phew_graph::{Init, Network, zoo};
use rayon::prelude::*;

use super::claim::ClaimParams;
use super::report::{Check, ClaimReport, Verdict};
use crate::analysis::Analysis;
use crate::error::MetricError;
use crate::paths::Paths;

/// Edges of a fully connected network with D inputs and outputs.
fn edges(d: usize, widths: &[usize]) -> usize {
    let inner: usize = widths.windows(2).map(|w| w[0] * w[1]).sum();
    d * (widths[0] + widths[widths.len() - 1]) + inner
}

/// Edges with every hidden layer of width k: the lemma's m.
fn edges_of_equal(d: usize, layers: usize, k: usize) -> usize {
    edges(d, &vec![k; layers])
}

/// The widths with the greatest product that `m` edges can connect fully; of equals the first found.
fn best_widths(d: usize, layers: usize, m: usize) -> (usize, Vec<usize>) {
    fn extend(
        d: usize,
        layers: usize,
        left: usize,
        widths: &mut Vec<usize>,
        best: &mut (usize, Vec<usize>),
    ) {
        let before = widths.last().copied().unwrap_or(d);
        let rest = layers - widths.len();
        if rest == 0 {
            let product = widths.iter().product();
            if product > best.0 {
                *best = (product, widths.clone());
            }
            return;
        }
        // A layer of width w takes before · w edges, and at least one edge for each of its units after it.
        let last = rest == 1;
        for width in 1..=left / (before + if last { d } else { 1 }) {
            let taken = before * width + if last { d * width } else { 0 };
            widths.push(width);
            extend(d, layers, left - taken, widths, best);
            widths.pop();
        }
    }
    let mut best = (0, Vec::new());
    extend(d, layers, m, &mut Vec::new(), &mut best);
    best
}

/// The smallest m, and for it the smallest D and k, where equal widths k are beaten with the same edges.
fn smallest_counterexample(
    layers: usize,
    most: usize,
) -> Option<(usize, usize, usize, Vec<usize>)> {
    for m in 1..=most {
        for d in 1..=m {
            let Some(k) = (1..=m).find(|&k| edges_of_equal(d, layers, k) >= m) else { continue };
            if edges_of_equal(d, layers, k) != m {
                continue;
            }
            let (product, widths) = best_widths(d, layers, m);
            if product > k.pow(layers as u32) {
                return Some((m, d, k, widths));
            }
        }
    }
    None
}

/// Units of a layer at most where every mask is looked at.
const NARROW: usize = 4;

/// For each number of edges the most paths of any mask of a network of these widths.
fn most_paths_of_masks(widths: &[usize]) -> Vec<u32> {
    let total: usize = widths.windows(2).map(|w| w[0] * w[1]).sum();
    let none = || vec![0; total + 1];
    let look = |mut most: Vec<u32>, mask: u32| {
        let entry = &mut most[mask.count_ones() as usize];
        *entry = paths_of_mask(widths, mask).max(*entry);
        most
    };
    let greater = |a: Vec<u32>, b: Vec<u32>| a.into_iter().zip(b).map(|(a, b)| a.max(b)).collect();
    (0u32..1 << total).into_par_iter().fold(none, look).reduce(none, greater)
}

/// Paths over the edges whose bits are set: tensor by tensor, row-major `[out][in]`.
fn paths_of_mask(widths: &[usize], mask: u32) -> u32 {
    let (mut counts, mut rest) = ([1; NARROW], mask);
    for w in widths.windows(2) {
        let mut next = [0; NARROW];
        for target in &mut next[..w[1]] {
            for count in &counts[..w[0]] {
                *target += (rest & 1) * count;
                rest >>= 1;
            }
        }
        counts = next;
    }
    counts[..widths[widths.len() - 1]].iter().sum()
}

pub(super) fn check(params: &ClaimParams) -> Result<ClaimReport, MetricError> {
    let scale = params.scale;
    let mut checks = Vec::new();
    let most = scale.pick(8, 14, 24);
    let mut two = true;
    for d in 1..=most {
        for k in 1..=most {
            two &= best_widths(d, 2, edges_of_equal(d, 2, k)).0 == k * k;
        }
    }
    checks.push(Check::new(
        format!("two hidden layers, fully connected, D and k up to {most}, m = k(2D + k)"),
        "no widths give more paths than (k, k)",
        if two { "none does" } else { "some do" },
        if two { Verdict::Holds } else { Verdict::Fails },
        "exhaustive over integer widths",
    ));
    let masks: &[(usize, usize, usize)] = scale.pick(
        &[(1, 2, 1), (2, 2, 1)][..],
        &[(1, 3, 1), (1, 3, 2), (2, 3, 1), (2, 3, 2)],
        &[(1, 3, 2), (2, 3, 1), (2, 3, 2), (1, 4, 2)],
    );
    let of_masks = masks.iter().all(|&(d, n, k)| {
        most_paths_of_masks(&[d, n, n, d])[edges_of_equal(d, 2, k)] as usize == d * d * k * k
    });
    checks.push(Check::new(
        format!("two hidden layers, every mask, (D, N, k) in {masks:?}"),
        "no mask with m edges has more than D²k² paths",
        if of_masks { "none has" } else { "some have" },
        if of_masks { Verdict::Holds } else { Verdict::Fails },
        "exhaustive over masks",
    ));

    let mut fails = false;
    for layers in [3, 4] {
        if let Some((m, d, k, widths)) = smallest_counterexample(layers, scale.pick(20, 40, 60)) {
            fails = true;
            checks.push(Check::new(
                format!("{layers} hidden layers: smallest counterexample, D = {d}, m = {m}"),
                format!("widths {k} throughout: {} · D² paths", k.pow(layers as u32)),
                format!("widths {widths:?}: {} · D² paths", count(d, &widths)?),
                Verdict::Fails,
                "exhaustive over smaller m, D and k; paths counted on the network",
            ));
        }
    }
    let (d, m) = (10, 1_000);
    let k = (1..).take_while(|&k| edges_of_equal(d, 3, k) <= m).last().unwrap_or(0);
    let (product, widths) = best_widths(d, 3, m);
    checks.push(Check::new(
        "three hidden layers, D = 10, m = 1,000",
        format!("widths {k} throughout: {} · D² paths", k.pow(3)),
        format!("widths {widths:?}: {} · D² paths", count(d, &widths)?),
        if product > k.pow(3) { Verdict::Fails } else { Verdict::Holds },
        "exhaustive over integer widths; paths counted on the network",
    ));

    // The closed form, against a search over real widths.
    let mut worst: f64 = 0.0;
    for d in [1.0, 3.0, 10.0, 40.0f64] {
        for m in [5.0, 40.0, 400.0, 1_000.0, 20_000.0f64] {
            worst = worst.max((greatest_of_three(d, m) / (m * m / (16.0 * d)) - 1.0).abs());
        }
    }
    checks.push(Check::new(
        "three hidden layers, real widths, 20 pairs (D, m)",
        "optimum (m/4D, D, m/4D) with m²/16D · D² paths, equal widths only at m = 4D²",
        format!("greatest product found within {worst:.1e} of m²/16D"),
        if worst < 1e-6 { Verdict::Holds } else { Verdict::Fails },
        "closed form; golden-section search over the middle width and the split of the outer two",
    ));
    let masks =
        scale.pick(&[(1, 2)][..], &[(1, 2), (2, 2), (1, 3)], &[(1, 2), (2, 2), (3, 2), (1, 3)]);
    let bounded = masks.iter().all(|&(d, n)| {
        let most = most_paths_of_masks(&[d, n, n, n, d]);
        most.iter().enumerate().all(|(m, &paths)| 16 * paths as usize <= m * m * d)
    });
    checks.push(Check::new(
        format!("three hidden layers, every mask, (D, N) in {masks:?}, every m"),
        "no mask has more paths than that optimum: m²/16D · D²",
        if bounded { "none has" } else { "some have" },
        if bounded { Verdict::Holds } else { Verdict::Fails },
        "exhaustive over masks",
    ));
    Ok(ClaimReport {
        claim: "lemma2",
        source: "Patil & Dovrolis 2021, lemma 2 (appendix A.2)",
        statement: "Given m edges, the most input-output paths result when every hidden layer has the same \
                    number of units, fully connected.",
        bias: None,
        verdict: if two && of_masks && !fails { Verdict::Holds } else { Verdict::Fails },
        summary: "Holds for two hidden layers, fails from three on. For three the optimum is (m/4D, D, m/4D): \
                  with a = c for the outer widths m = 2a(D + b), so the product is b·m²/4(D + b)², greatest at \
                  b = D. The induction fails where it keeps the first L − 1 widths equal while the last one \
                  varies: those were optimal for their own number of edges with D outputs after them, not for \
                  what the last layer leaves; a layer beside the inputs or outputs pays D for each unit, an \
                  inner one the width of its neighbours."
            .into(),
        checks,
    })
}

/// Paths over D², counted on the network itself.
fn count(d: usize, widths: &[usize]) -> Result<u128, MetricError> {
    let widths = [&[d], widths, &[d]].concat();
    let network = Network::initialise(zoo::mlp(&widths).build()?, Init::default(), 0)?;
    Ok(Analysis::new(&network, None)?.path_count(Paths::Kept)? / (d * d) as u128)
}

/// The greatest product of three real widths with `D a + a b + b c + c D = m`.
fn greatest_of_three(d: f64, m: f64) -> f64 {
    let outer = |b: f64| m / (d + b);
    // For each middle width the outer two share m / (D + b); their split is searched as well.
    let product = |b: f64| {
        let split = |share: f64| share * (1.0 - share) * outer(b).powi(2) * b;
        maximum(split, 0.0, 1.0)
    };
    maximum(product, 0.0, 100.0 * d)
}

/// Greatest value of a unimodal function on an interval.
fn maximum(f: impl Fn(f64) -> f64, from: f64, to: f64) -> f64 {
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut a, mut b) = (from, to);
    for _ in 0..100 {
        let (x, y) = (b - ratio * (b - a), a + ratio * (b - a));
        if f(x) < f(y) { a = x } else { b = y }
    }
    f((a + b) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_a_mask_are_counted_edge_by_edge() {
        // 2 → 2 → 1: both inputs to unit 0, input 1 to unit 1; unit 0 alone to the output.
        assert_eq!(paths_of_mask(&[2, 2, 1], 0b01_10_11), 2);
        assert_eq!(paths_of_mask(&[2, 2, 1], 0b11_10_11), 3);
        assert_eq!(most_paths_of_masks(&[1, 2, 1]), [0, 0, 1, 1, 2]);
    }
}
