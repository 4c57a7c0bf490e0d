//! Lemma 1: the narrowest fully connected network maximises the trace, for one hidden layer.
//!
//! The trace falls apart by hidden unit: one with its a strongest inputs and b strongest outputs adds
//! `a · K_out(b) + b · K_in(a)`. So the true optimum over all masks is a knapsack, exact at any size.

use phew_graph::{Init, Network, zoo};

use super::claim::ClaimParams;
use super::report::{Check, ClaimReport, Verdict};
use super::statistics::mean_and_error;
use crate::error::MetricError;

/// Squared weights of one hidden layer: `into[j][i]` and `out[j][k]`.
struct Layer {
    into: Vec<Vec<f64>>,
    out: Vec<Vec<f64>>,
}

impl Layer {
    fn sample(d: usize, units: usize, seed: u64) -> Result<Self, MetricError> {
        let arch = zoo::mlp(&[d, units, d]).build()?;
        let network = Network::initialise(arch, Init::Normal { std: 1.0 }, seed)?;
        let weights = network.weights();
        let [first, second] = *weights.as_slice() else {
            unreachable!("a network with one hidden layer has two tensors");
        };
        let square = |w: f32| f64::from(w) * f64::from(w);
        let into = first.chunks(d).map(|r| r.iter().map(|&w| square(w)).collect()).collect();
        let column = |j: usize| (0..d).map(|k| square(second[k * units + j])).collect();
        Ok(Self { into, out: (0..units).map(column).collect() })
    }

    fn equal(d: usize, units: usize) -> Self {
        let ones = || vec![vec![1.0; d]; units];
        Self { into: ones(), out: ones() }
    }

    /// For each unit and number of edges, the most that it can add to the trace.
    fn gains(&self) -> Vec<Vec<f64>> {
        let prefix = |squares: &[f64]| {
            let mut sorted = squares.to_vec();
            sorted.sort_by(|a, b| b.total_cmp(a));
            let mut sums = vec![0.0];
            for s in sorted {
                sums.push(sums[sums.len() - 1] + s);
            }
            sums
        };
        let unit = |(into, out): (&Vec<f64>, &Vec<f64>)| {
            let (into, out) = (prefix(into), prefix(out));
            let d = into.len() - 1;
            let best = |edges: usize| {
                let split = |a: usize| {
                    let b = edges - a;
                    a as f64 * out[b] + b as f64 * into[a]
                };
                (edges.saturating_sub(d)..=edges.min(d)).map(split).fold(0.0, f64::max)
            };
            (0..=2 * d).map(best).collect()
        };
        self.into.iter().zip(&self.out).map(unit).collect()
    }

    /// The greatest trace of `m` edges over all masks, and the number of hidden units it uses.
    fn optimum(&self, m: usize) -> (f64, usize) {
        let mut best = vec![f64::NEG_INFINITY; m + 1];
        best[0] = 0.0;
        let mut choices: Vec<Vec<usize>> = Vec::new();
        for gains in self.gains() {
            let mut next = vec![f64::NEG_INFINITY; m + 1];
            let mut choice = vec![0; m + 1];
            for (total, next) in next.iter_mut().enumerate() {
                for (edges, gain) in gains.iter().enumerate().take(total + 1) {
                    let value = best[total - edges] + gain;
                    if value > *next {
                        (*next, choice[total]) = (value, edges);
                    }
                }
            }
            best = next;
            choices.push(choice);
        }
        let (mut left, mut used) = (m, 0);
        for choice in choices.iter().rev() {
            used += usize::from(choice[left] > 0);
            left -= choice[left];
        }
        (best[m], used)
    }

    /// The trace of the lemma's network: the best `n` units, fully connected.
    fn narrowest(&self, n: usize) -> f64 {
        let mut whole: Vec<f64> = self.gains().iter().map(|g| g[g.len() - 1]).collect();
        whole.sort_by(|a, b| b.total_cmp(a));
        whole[..n].iter().sum()
    }

    /// The greatest trace of `m` edges by looking at every mask.
    fn exhaustive(&self, m: usize) -> f64 {
        let (units, d) = (self.into.len(), self.into[0].len());
        let edges = 2 * d * units;
        let trace = |mask: u32| -> f64 {
            (0..units)
                .map(|j| {
                    let bits = |from: usize| mask >> from & ((1 << d) - 1);
                    let (a, b) = (bits(2 * d * j), bits(2 * d * j + d));
                    let sum = |bits: u32, squares: &[f64]| -> f64 {
                        (0..d).filter(|i| bits >> i & 1 == 1).map(|i| squares[i]).sum()
                    };
                    f64::from(a.count_ones()) * sum(b, &self.out[j])
                        + f64::from(b.count_ones()) * sum(a, &self.into[j])
                })
                .sum()
        };
        (0u32..1 << edges).filter(|m2| m2.count_ones() as usize == m).map(trace).fold(0.0, f64::max)
    }
}

pub(super) fn check(params: &ClaimParams) -> Result<ClaimReport, MetricError> {
    let ClaimParams { scale, seed, .. } = *params;
    let mut checks = Vec::new();
    let seeds = scale.pick(3, 10, 40);

    // The knapsack against every mask.
    let mut agree = true;
    let sizes: &[(usize, usize)] =
        scale.pick(&[(2, 3)], &[(2, 3), (2, 4), (3, 3)], &[(2, 5), (3, 3)]);
    for &(d, units) in sizes {
        for s in 0..3 {
            let layer = Layer::sample(d, units, seed + s)?;
            for m in 1..=2 * d * units {
                let every = layer.exhaustive(m);
                agree &= (layer.optimum(m).0 - every).abs() <= 1e-12 * every.max(1.0);
            }
        }
    }
    checks.push(Check::new(
        format!("optimum by units against every mask, (D, N) in {sizes:?}"),
        "the same trace for each number of edges",
        if agree { "the same" } else { "different" },
        if agree { Verdict::Holds } else { Verdict::Fails },
        "exhaustive, 3 draws of the weights each",
    ));

    // Assumption 2 exact: all weights equal.
    let mut holds = true;
    for d in 2..=scale.pick(6, 12, 24) {
        let layer = Layer::equal(d, 8);
        for n in 1..=8 {
            let (best, used) = layer.optimum(2 * d * n);
            holds &= (best - layer.narrowest(n)).abs() < 1e-9 && used == n;
        }
    }
    checks.push(Check::new(
        "weights of one magnitude (Assumption 2 exact), N = 8, m = 2Dn for every n",
        "optimum: n = m / 2D units, fully connected",
        if holds { "so for every D and n" } else { "another optimum" },
        if holds { Verdict::Holds } else { Verdict::Fails },
        "exact optimum over all masks",
    ));

    // Normal weights: how far the optimum is from the lemma's network.
    let mut departs = false;
    for &(d, units) in scale.pick(
        &[(4, 8), (16, 16)][..],
        &[(4, 16), (16, 32), (64, 32), (128, 32)],
        &[(4, 16), (16, 64), (64, 64), (256, 64), (512, 64)],
    ) {
        let n = units / 4;
        let (mut excess, mut width) = (Vec::new(), Vec::new());
        for s in 0..seeds {
            let layer = Layer::sample(d, units, seed + s)?;
            let (best, used) = layer.optimum(2 * d * n);
            excess.push(best / layer.narrowest(n) - 1.0);
            width.push(used as f64);
        }
        let (excess, error) = mean_and_error(&excess);
        let (width, _) = mean_and_error(&width);
        departs |= excess > 1e-12;
        checks.push(Check::new(
            format!("D = {d}, N = {units}, m = {}: a quarter of the edges, N(0, 1)", 2 * d * n),
            format!("width {n}, no greater trace"),
            format!(
                "width {width:.1}, trace greater by {:.3}% ± {:.3}%",
                100.0 * excess,
                100.0 * error
            ),
            if excess > 1e-12 { Verdict::Approximate } else { Verdict::Holds },
            format!("exact optimum over all masks, {seeds} draws of the weights"),
        ));
    }
    let verdict = match (agree && holds, departs) {
        (false, _) => Verdict::Fails,
        (true, true) => Verdict::Approximate,
        (true, false) => Verdict::Holds,
    };
    Ok(ClaimReport {
        claim: "lemma1",
        source: "Patil & Dovrolis 2021, lemma 1 (appendix A.1)",
        statement: "With one hidden layer and m edges the greatest path kernel trace is that of the fully \
                    connected network with n = m / 2D hidden units, the narrowest there is.",
        bias: None,
        verdict,
        summary: "Exact where all hidden units have the same sums of squared weights, in and out: no mask of m \
                  edges has a trace above m times the greatest such sum, and there whole units have it. With \
                  normal weights the optimum leaves the weakest edges of the chosen units and takes strong \
                  ones of others: wider than the lemma says, for a trace that is greater by the percentage \
                  given, which falls as D grows."
            .into(),
        checks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Analysis;

    #[test]
    fn the_trace_of_all_edges_is_that_of_the_network() {
        let (d, units) = (3, 3);
        let layer = Layer::sample(d, units, 5).unwrap();
        let network = Network::initialise(
            zoo::mlp(&[d, units, d]).build().unwrap(),
            Init::Normal { std: 1.0 },
            5,
        )
        .unwrap();
        let trace = Analysis::new(&network, None).unwrap().path_kernel_trace().unwrap().total();
        let all = 2 * d * units;
        for found in [layer.exhaustive(all), layer.optimum(all).0, layer.narrowest(units)] {
            assert!((found / trace - 1.0).abs() < 1e-12, "{found} {trace}");
        }
    }
}
