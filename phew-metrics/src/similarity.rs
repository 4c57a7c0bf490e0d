//! Jaccard similarity of masks, against what chance gives at the same layer densities.

use phew_graph::{LayerMask, Mask};
use serde::Serialize;

use crate::error::MetricError;

/// How alike two masks are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Similarity {
    /// Over all weights.
    pub overall: Overlap,
    /// By prunable tensor.
    pub layers: Vec<Overlap>,
}

/// What two masks have in common in one tensor, or in all.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overlap {
    /// Name of the tensor; `all` for the whole network.
    pub name: String,
    /// Prunable weights.
    pub total: usize,
    /// Weights that each mask keeps.
    pub kept: [usize; 2],
    /// Weights that both keep.
    pub common: usize,
    /// Jaccard index `|A ∩ B| / |A ∪ B|`; 1 for two empty masks.
    pub jaccard: f64,
    /// Expected index of two independent masks that keep as many weights of each tensor, placed uniformly.
    pub by_chance: f64,
}

impl Overlap {
    /// `(J − chance) / (1 − chance)`: 0 for what chance gives, 1 for equal masks.
    #[must_use]
    pub fn above_chance(&self) -> f64 {
        let chance = self.by_chance;
        if chance >= 1.0 { 0.0 } else { (self.jaccard - chance) / (1.0 - chance) }
    }
}

/// Compares two masks of one architecture.
///
/// The overlap of two random masks of one tensor is hypergeometric, and the expected index is summed over it
/// exactly. Over all tensors the overlap is a sum of such variables: there the index is expanded to second
/// order round the mean. For two tensors of 50 weights that is within 2·10⁻⁴ of the exact sum, and the error
/// falls with the square of their number.
///
/// # Errors
/// [`MetricError::Graph`] if the masks are not of one architecture.
///
/// # Complexity
/// One pass over the masks, and O(√kept) terms for each tensor's chance.
pub fn similarity(a: &Mask, b: &Mask) -> Result<Similarity, MetricError> {
    let jaccard = a.jaccard(b)?;
    let layer = |(a, b): (&LayerMask, &LayerMask)| {
        let common = a.common(b);
        let either = a.kept() + b.kept() - common;
        Overlap {
            name: a.name().to_owned(),
            total: a.len(),
            kept: [a.kept(), b.kept()],
            common,
            jaccard: if either == 0 { 1.0 } else { common as f64 / either as f64 },
            by_chance: chance(a.len(), a.kept(), b.kept()),
        }
    };
    let pairs = || a.layers().iter().zip(b.layers());
    let layers: Vec<Overlap> = pairs().map(layer).collect();
    let by_chance = if layers.len() == 1 { layers[0].by_chance } else { chance_of_sum(pairs()) };
    let overall = Overlap {
        name: "all".to_owned(),
        total: a.len(),
        kept: [a.kept(), b.kept()],
        common: layers.iter().map(|l| l.common).sum(),
        jaccard,
        by_chance,
    };
    Ok(Similarity { overall, layers })
}

/// Expected index of two independent uniform subsets of `n` with `a` and `b` members.
fn chance(n: usize, a: usize, b: usize) -> f64 {
    if a + b == 0 {
        return 1.0;
    }
    let (least, most) = ((a + b).saturating_sub(n), a.min(b));
    let mode = (((a + 1) as f64 * (b + 1) as f64 / (n + 2) as f64) as usize).clamp(least, most);
    let index = |x: usize| x as f64 / (a + b - x) as f64;
    // Probabilities relative to the mode's, outwards until they no longer count.
    let up = |x: usize| {
        let rest = (n + x + 1 - a - b) as f64;
        ((a - x) as f64 * (b - x) as f64) / ((x + 1) as f64 * rest)
    };
    let (mut mass, mut sum) = (1.0, index(mode));
    let (mut p, mut x) = (1.0, mode);
    while x < most && p > 1e-20 {
        p *= up(x);
        x += 1;
        (mass, sum) = (mass + p, sum + p * index(x));
    }
    (p, x) = (1.0, mode);
    while x > least && p > 1e-20 {
        p /= up(x - 1);
        x -= 1;
        (mass, sum) = (mass + p, sum + p * index(x));
    }
    sum / mass
}

fn chance_of_sum<'a>(pairs: impl Iterator<Item = (&'a LayerMask, &'a LayerMask)>) -> f64 {
    let (mut both, mut variance, mut kept) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        let (n, a, b) = (a.len() as f64, a.kept() as f64, b.kept() as f64);
        both += a * b / n;
        if n > 1.0 {
            variance += a * b * (n - a) * (n - b) / (n * n * (n - 1.0));
        }
        kept += a + b;
    }
    if kept == 0.0 {
        return 1.0;
    }
    // The second derivative of x / (kept − x).
    let curvature = 2.0 * kept / (kept - both).powi(3);
    both / (kept - both) + 0.5 * curvature * variance
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probabilities of each overlap of two subsets, by Vandermonde's sum.
    fn overlaps(n: usize, a: usize, b: usize) -> Vec<f64> {
        let choose = |n: usize, k: usize| -> f64 {
            if k > n { 0.0 } else { (0..k).map(|i| (n - i) as f64 / (k - i) as f64).product() }
        };
        (0..=a.min(b)).map(|x| choose(a, x) * choose(n - a, b - x) / choose(n, b)).collect()
    }

    #[test]
    fn the_expansion_over_tensors_is_near_the_exact_sum() {
        let layer = |n: usize, kept: usize| LayerMask::from_fn("w", &[n], |i| i < kept);
        let error = |n: usize| {
            let (a, b) = ([n / 2, n / 5], [n / 3, n / 4]);
            let kept = (a[0] + a[1] + b[0] + b[1]) as f64;
            let (first, second) = (overlaps(n, a[0], b[0]), overlaps(n, a[1], b[1]));
            let mut exact = 0.0;
            for (x, p) in first.iter().enumerate() {
                for (y, q) in second.iter().enumerate() {
                    let both = (x + y) as f64;
                    exact += p * q * both / (kept - both);
                }
            }
            let masks = [0, 1].map(|l| (layer(n, a[l]), layer(n, b[l])));
            let found = chance_of_sum(masks.iter().map(|(a, b)| (a, b)));
            (found - exact).abs()
        };
        assert!(error(50) < 2e-4, "{}", error(50));
        // Four times the weights: the error falls to a sixteenth, or nearly.
        assert!(error(200) < error(50) / 8.0, "{} {}", error(50), error(200));
    }

    #[test]
    fn chance_agrees_with_all_pairs_of_subsets() {
        for n in 1..=6usize {
            for a in 0..=n {
                for b in 0..=n {
                    let subsets =
                        |k: usize| (0u32..1 << n).filter(move |s| s.count_ones() as usize == k);
                    let (mut sum, mut count) = (0.0, 0.0);
                    for x in subsets(a) {
                        for y in subsets(b) {
                            let (both, either) = ((x & y).count_ones(), (x | y).count_ones());
                            sum +=
                                if either == 0 { 1.0 } else { f64::from(both) / f64::from(either) };
                            count += 1.0;
                        }
                    }
                    let expected: f64 = sum / count;
                    assert!((chance(n, a, b) - expected).abs() < 1e-13, "{n} {a} {b}");
                }
            }
        }
    }
}
