//! Lemma 4 and its ancestor: how much more a biased walk's path is worth than a uniform one's.

use std::f64::consts::FRAC_PI_2;

use phew_graph::{Init, Network, SkipPolicy, zoo};
use phew_walk::{Bias, Starts};
use rayon::prelude::*;

use super::claim::ClaimParams;
use super::report::{Check, ClaimReport, Verdict};
use super::statistics::{Z_999, mean_and_error};
use crate::analysis::Analysis;
use crate::error::MetricError;

/// Expected Π(p, p) and expected |π| of a biased walk over those of a uniform one.
fn ratios(widths: &[usize], seed: u64, bias: Bias) -> Result<[f64; 2], MetricError> {
    let network = Network::initialise(zoo::mlp(widths).build()?, Init::default(), seed)?;
    let analysis = Analysis::new(&network, None)?;
    let worth = |bias| analysis.walks(bias, SkipPolicy::Uniform).worth(Starts::Forward);
    let (biased, uniform) = (worth(bias), worth(Bias::Uniform));
    let kernel = (biased.ln_kernel - uniform.ln_kernel).exp();
    Ok([kernel, (biased.ln_product - uniform.ln_product).exp()])
}

/// How well limits of wide layers are known where they are integrated: weights are rounded to f32.
const ROUNDING: f64 = 1e-7;

/// What is compared, its limit for wide layers, and how that limit is made up, for L hidden layers.
fn laws(bias: Bias, hidden: i32) -> [(&'static str, f64, String); 2] {
    let (kernel, product) = ("E[Π(p,p)]", "E|π|");
    if bias == Bias::Magnitude {
        // As the papers have them.
        return [
            (kernel, 2f64.powi(hidden), format!("2^{hidden}")),
            (product, FRAC_PI_2.powi(hidden + 1), format!("(π/2)^{}", hidden + 1)),
        ];
    }
    // The same argument: weights of a layer are independent, and a path's kernel leaves out one of them.
    let law = |what, gain: f64, layers| (what, gain.powi(layers), format!("{gain:.4}^{layers}"));
    [law(kernel, gain(bias, 2), hidden), law(product, gain(bias, 1), hidden + 1)]
}

/// `E[s(θ) |θ|^k] / (E[s(θ)] E[|θ|^k])` of normal weights with the bias's score s: how much a biased step raises the
/// mean of |θ|^k.
fn gain(bias: Bias, power: i32) -> f64 {
    // Trapezoids on a logarithmic scale, from below any floor of a score to where the density is nothing.
    let mean = |value: &dyn Fn(f32) -> f64| -> f64 {
        let point = |i: i32| {
            let theta = (f64::from(i) / 100.0).exp() as f32;
            let density = (-0.5 * f64::from(theta).powi(2)).exp() * f64::from(theta);
            value(theta) * density
        };
        (-8_500..260).map(point).sum()
    };
    let size = |theta: f32| f64::from(theta).powi(power);
    let score = |theta: f32| f64::from(bias.score(theta));
    let all = mean(&|_| 1.0);
    mean(&|t| score(t) * size(t)) * all / (mean(&score) * mean(&size))
}

pub(super) fn check(params: &ClaimParams) -> Result<ClaimReport, MetricError> {
    let ClaimParams { scale, seed, bias } = *params;
    let mut checks = Vec::new();
    let widths: &[usize] = scale.pick(&[16, 64][..], &[8, 32, 128, 512], &[8, 32, 128, 512, 2_048]);
    let depths: &[usize] = scale.pick(&[1, 3][..], &[1, 2, 4, 8], &[1, 2, 4, 8, 16]);
    let (mut converges, mut exact) = (true, true);
    for &hidden in depths {
        let mut departures = [Vec::new(), Vec::new()];
        for &n in widths {
            let draws = (scale.pick(1_024, 8_192, 65_536) / (n * hidden)).clamp(8, 64) as u64;
            let samples: Result<Vec<[f64; 2]>, MetricError> = (0..draws)
                .into_par_iter()
                .map(|s| ratios(&vec![n; hidden + 2], seed + s, bias))
                .collect();
            let samples = samples?;
            let laws = laws(bias, hidden as i32);
            for (which, (what, law, name)) in laws.into_iter().enumerate() {
                let values: Vec<f64> = samples.iter().map(|s| s[which] / law).collect();
                let (mean, error) = mean_and_error(&values);
                departures[which].push((mean - 1.0).abs());
                let within = (mean - 1.0).abs() <= (Z_999 * error).max(ROUNDING);
                checks.push(Check::new(
                    format!("{hidden} hidden layers of {n}: {what}, biased over uniform"),
                    format!("{name} = {law:.4}"),
                    format!(
                        "{:.4} ({:+.2}% ± {:.2}%)",
                        mean * law,
                        100.0 * (mean - 1.0),
                        100.0 * error
                    ),
                    if within { Verdict::Holds } else { Verdict::Approximate },
                    format!("exact expectations over walks, {draws} draws of the weights"),
                ));
            }
        }
        for d in departures {
            exact &= d.iter().all(|&d| d < ROUNDING);
            converges &= d[d.len() - 1] < 0.05 && d[d.len() - 1] <= d[0].max(0.01);
        }
    }
    Ok(ClaimReport {
        claim: "lemma4",
        source: "Patil & Dovrolis 2021, lemma 4 (appendix A.4); Patil & Dovrolis, ICLR 2021 submission, eq. (4) (appendix A.3)",
        statement: "E[Π(b, b)] = 2^L E[Π(u, u)] for a PHEW path b and a uniform path u through L hidden layers; \
                    the edge-weight product's ratio is π/2 for each layer of weights.",
        bias: Some(bias),
        verdict: match (converges, exact) {
            (false, _) => Verdict::Fails,
            (true, false) => Verdict::Approximate,
            (true, true) => Verdict::Holds,
        },
        summary: match converges {
            true => "Right in the limit of wide layers. At finite width the ratio departs by a share of the order of \
                     depth over width: a ratio of sample means is not the ratio of means."
                .into(),
            false => "Not approached at these widths: means of this bias's scores need many more weights to settle."
                .into(),
        },
        checks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_of_the_biases_are_ratios_of_normal_moments() {
        // E|θ| = √(2/π), E θ² = 1, E|θ|³ = 2√(2/π), E θ⁴ = 3; weights are rounded to f32.
        for (bias, square, magnitude) in
            [(Bias::Magnitude, 2.0, FRAC_PI_2), (Bias::Square, 3.0, 2.0), (Bias::Uniform, 1.0, 1.0)]
        {
            assert!((gain(bias, 2) - square).abs() < 1e-6, "{bias}: {}", gain(bias, 2));
            assert!((gain(bias, 1) - magnitude).abs() < 1e-6, "{bias}: {}", gain(bias, 1));
        }
        // E[1/|θ|] is infinite but for the floor.
        assert!(gain(Bias::Inverse, 2) < 0.02);
    }
}
