//! Gradients along paths of high and low edge-weight product.

use phew_graph::{stream, stream_key};
use rand::Rng;

use super::claim::ClaimParams;
use super::relu_network::{ReluNet, normals};
use super::report::{Check, ClaimReport, Verdict};
use super::statistics::{Z_999, mean_and_error, rank_correlation};
use crate::error::MetricError;

/// Inputs of a batch.
const BATCH: usize = 32;

/// What the mean cross-entropy of a random batch with random classes sends back.
struct Loss {
    /// For each input the values of all layers, and the derivative by each output.
    batch: Vec<(Vec<Vec<f64>>, Vec<f64>)>,
    /// Gradient by weight.
    gradient: Vec<f64>,
}

impl Loss {
    fn new(net: &ReluNet, inputs: usize, classes: usize, seed: u64) -> Self {
        let data = normals(BATCH * inputs, "phew 1 gradient inputs", seed);
        let mut rng = stream(stream_key("phew 1 gradient classes", seed), 0);
        let (mut batch, mut total) = (Vec::new(), Vec::new());
        for input in data.chunks(inputs) {
            let pass = net.forward(input);
            let out = &pass.values[pass.values.len() - 1];
            let most = out.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = out.iter().map(|o| (o - most).exp()).sum();
            let class = rng.random_range(0..classes);
            let error = |(k, o): (usize, &f64)| {
                ((o - most).exp() / sum - if k == class { 1.0 } else { 0.0 }) / BATCH as f64
            };
            let cotangent: Vec<f64> = out.iter().enumerate().map(error).collect();
            let gradient = net.gradient(&pass, &cotangent);
            total.resize(gradient.len(), 0.0);
            total.iter_mut().zip(gradient).for_each(|(t, g)| *t += g);
            batch.push((pass.values, cotangent));
        }
        Self { batch, gradient: total }
    }
}

/// A path as its units, one for each layer.
struct Paths<'a> {
    widths: &'a [usize],
    weights: Vec<f64>,
    loss: Loss,
    offsets: Vec<usize>,
}

impl<'a> Paths<'a> {
    fn sample(widths: &'a [usize], seed: u64) -> Result<Self, MetricError> {
        let net = ReluNet::sample(widths, seed)?;
        let loss = Loss::new(&net, widths[0], widths[widths.len() - 1], seed);
        let weights = net.network.weights().concat().into_iter().map(f64::from).collect();
        let mut offsets = vec![0];
        for w in widths.windows(2) {
            offsets.push(offsets[offsets.len() - 1] + w[0] * w[1]);
        }
        Ok(Self { widths, weights, loss, offsets })
    }

    fn edges<'s>(&'s self, units: &'s [usize]) -> impl Iterator<Item = usize> + 's {
        (0..self.widths.len() - 1)
            .map(|l| self.offsets[l] + units[l + 1] * self.widths[l] + units[l])
    }

    fn product(&self, units: &[usize]) -> f64 {
        self.edges(units).map(|e| self.weights[e].abs()).product()
    }

    /// Length of the loss gradient by the path's weights.
    fn gradient(&self, units: &[usize]) -> f64 {
        self.edges(units).map(|e| self.loss.gradient[e].powi(2)).sum::<f64>().sqrt()
    }

    /// Length of the part of it that flows along this path alone: `∂L/∂π_p · ∂π_p/∂θ`
    /// (Patil & Dovrolis 2021, eq. (3)).
    fn own_gradient(&self, units: &[usize]) -> f64 {
        let last = units.len() - 1;
        let active = |values: &[Vec<f64>]| (1..last).all(|l| values[l][units[l]] > 0.0);
        let sent = |(values, back): &(Vec<Vec<f64>>, Vec<f64>)| {
            if active(values) { values[0][units[0]] * back[units[last]] } else { 0.0 }
        };
        let by_product: f64 = self.loss.batch.iter().map(sent).sum();
        let product = self.product(units);
        let others = self.edges(units).map(|e| (product / self.weights[e]).powi(2));
        by_product.abs() * others.sum::<f64>().sqrt()
    }
}

pub(super) fn check(params: &ClaimParams) -> Result<ClaimReport, MetricError> {
    let ClaimParams { scale, seed, .. } = *params;
    let mut checks = Vec::new();
    let nets: Vec<&[usize]> = scale.pick(
        vec![&[8, 16, 16, 4]],
        vec![&[8, 16, 16, 4], &[16, 32, 32, 32, 10], &[20, 20, 20, 20, 20, 20, 10]],
        vec![&[16, 32, 32, 32, 10], &[64, 128, 128, 128, 10], &[32, 64, 64, 64, 64, 64, 64, 10]],
    );
    let draws = scale.pick(10, 30, 60);
    let pairs = 400;
    let (mut always, mut tends) = (true, true);
    for widths in nets {
        let mut samples = Samples::default();
        for s in 0..draws {
            samples.add(widths, seed + s, pairs)?;
        }
        for (what, shares) in MEASURES.into_iter().zip(&samples.shares) {
            for (which, share) in DIFFERENCES.into_iter().zip(shares) {
                let (mean, error) = mean_and_error(share);
                let tendency = mean - Z_999 * error > 0.5;
                always &= mean >= 1.0;
                tends &= tendency;
                checks.push(Check::new(
                    format!("{widths:?}: {what}, {which}"),
                    "the path of the higher product has the higher gradient",
                    format!("in {:.1}% ± {:.1}% of the pairs", 100.0 * mean, 100.0 * error),
                    match (mean >= 1.0, tendency) {
                        (true, _) => Verdict::Holds,
                        (false, true) => Verdict::Approximate,
                        (false, false) => Verdict::Fails,
                    },
                    format!("{draws} networks, {pairs} pairs each; chance gives 50%"),
                ));
            }
        }
        for (what, correlations) in MEASURES.into_iter().zip(&samples.correlations) {
            let (mean, error) = mean_and_error(correlations);
            checks.push(Check::new(
                format!("{widths:?}: {what}, rank correlation with the product over random paths"),
                "positive",
                format!("{mean:.3} ± {error:.3}"),
                if mean - Z_999 * error > 0.0 { Verdict::Holds } else { Verdict::Fails },
                format!("{draws} networks, {pairs} paths each"),
            ));
        }
    }
    let verdict = match (always, tends) {
        (true, _) => Verdict::Holds,
        (false, true) => Verdict::Approximate,
        (false, false) => Verdict::Fails,
    };
    Ok(ClaimReport {
        claim: "gradients",
        source: "Patil & Dovrolis, ICLR 2021 submission, section 3 (appendix A.2)",
        statement: "Of two paths between the same input and output the one with the much higher edge-weight product \
                    has the higher loss gradient.",
        bias: None,
        verdict,
        summary: "The part of the gradient that flows along the path alone follows the product as a strong tendency, \
                  broken where the better path is inactive on more inputs. The gradient that the path's weights \
                  really get hardly does: it is the sum over all paths through them, and a weight's own size does \
                  not enter its gradient. The paper notes this for units; it holds for whole paths."
            .into(),
        checks,
    })
}

/// What is compared: the gradient of the path's weights, and the part of it that flows along the path.
const MEASURES: [&str; 2] = ["gradient of the weights", "part along the path alone"];

/// Which pairs are compared.
const DIFFERENCES: [&str; 2] =
    ["any two paths that differ in one unit", "products that differ tenfold or more"];

/// Shares of pairs in which the higher product has the higher gradient, and rank correlations, by network.
#[derive(Default)]
struct Samples {
    /// By measure and difference.
    shares: [[Vec<f64>; 2]; 2],
    /// By measure.
    correlations: [Vec<f64>; 2],
}

impl Samples {
    fn add(&mut self, widths: &[usize], seed: u64, pairs: usize) -> Result<(), MetricError> {
        let paths = Paths::sample(widths, seed)?;
        let mut rng = stream(stream_key("phew 1 gradient paths", seed), 0);
        let mut wins = [[(0.0, 0.0); 2]; 2];
        let mut products = Vec::new();
        let mut gradients = [Vec::new(), Vec::new()];
        for _ in 0..pairs {
            // The paper's pair: the same units except for one hidden layer's.
            let one: Vec<usize> = widths.iter().map(|&n| rng.random_range(0..n)).collect();
            let mut other = one.clone();
            let layer = rng.random_range(1..widths.len() - 1);
            other[layer] = rng.random_range(0..widths[layer]);
            let (a, b) = (paths.product(&one), paths.product(&other));
            products.push(a.ln());
            let measures = |p: &[usize]| [paths.gradient(p), paths.own_gradient(p)];
            let [mine, others] = [measures(&one), measures(&other)];
            gradients.iter_mut().zip(mine).for_each(|(g, m)| g.push(m));
            let (high, low) = if a >= b { (mine, others) } else { (others, mine) };
            for ((high, low), wins) in high.into_iter().zip(low).zip(&mut wins) {
                // Paths that no input activates have no gradient to compare.
                if other == one || high + low <= 0.0 {
                    continue;
                }
                let win = f64::from(u8::from(high > low));
                for (least, w) in [1.0, 10.0].into_iter().zip(wins) {
                    if a.max(b) / a.min(b) >= least {
                        *w = (w.0 + win, w.1 + 1.0);
                    }
                }
            }
        }
        for (shares, wins) in self.shares.iter_mut().zip(wins) {
            for (share, (won, all)) in shares.iter_mut().zip(wins) {
                if all > 0.0 {
                    share.push(won / all);
                }
            }
        }
        for (correlations, gradients) in self.correlations.iter_mut().zip(gradients) {
            correlations.push(rank_correlation(&products, &gradients));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_no_two_paths_share_a_weight_all_of_its_gradient_flows_along_the_path() {
        // One input, one unit a layer, two outputs: only the last weights are a path's own.
        let mut compared = 0;
        for seed in 0..8 {
            let paths = Paths::sample(&[1, 1, 1, 2], seed).unwrap();
            let last = |k: usize| (paths.loss.gradient[2 + k] * paths.weights[2 + k]).abs();
            for k in 0..2 {
                let units = [0, 0, 0, k];
                // Of the path's part θ · ∂/∂θ is the same for every weight, the last one included.
                let inverse: f64 = paths.edges(&units).map(|e| paths.weights[e].powi(-2)).sum();
                let expected = last(k) * inverse.sqrt();
                let found = paths.own_gradient(&units);
                assert!(
                    (found - expected).abs() <= 1e-12 * (1.0 + expected),
                    "{seed}: {found} {expected}"
                );
                compared += usize::from(expected > 0.0);
            }
        }
        assert!(compared > 4, "{compared} paths are active");
    }
}
