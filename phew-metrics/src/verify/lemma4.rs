//! Lemma 4 and its ancestor: how much more a biased walk's path is worth than a uniform one's.

use phew_graph::{Init, Network, SkipPolicy, zoo};
use phew_walk::{Bias, Starts};
use rayon::prelude::*;

use super::claim::Scale;
use super::report::{Check, ClaimReport, Verdict};
use super::statistics::{Z_999, mean_and_error};
use crate::analysis::Analysis;
use crate::error::MetricError;

/// Expected Π(p, p) and expected |π| of a biased walk over those of a uniform one.
fn ratios(widths: &[usize], seed: u64) -> Result<[f64; 2], MetricError> {
    let network = Network::initialise(zoo::mlp(widths).build()?, Init::default(), seed)?;
    let analysis = Analysis::new(&network, None)?;
    let worth = |bias| analysis.walks(bias, SkipPolicy::Uniform).worth(Starts::Forward);
    let (biased, uniform) = (worth(Bias::Magnitude), worth(Bias::Uniform));
    let kernel = (biased.ln_kernel - uniform.ln_kernel).exp();
    Ok([kernel, (biased.ln_product - uniform.ln_product).exp()])
}

pub(super) fn check(scale: Scale, seed: u64) -> Result<ClaimReport, MetricError> {
    let mut checks = Vec::new();
    let widths: &[usize] = scale.pick(&[16, 64][..], &[8, 32, 128, 512], &[8, 32, 128, 512, 2_048]);
    let depths: &[usize] = scale.pick(&[1, 3][..], &[1, 2, 4, 8], &[1, 2, 4, 8, 16]);
    let mut converges = true;
    for &hidden in depths {
        let mut departures = [Vec::new(), Vec::new()];
        for &n in widths {
            let draws = (scale.pick(1_024, 8_192, 65_536) / (n * hidden)).clamp(8, 64) as u64;
            let samples: Result<Vec<[f64; 2]>, MetricError> = (0..draws)
                .into_par_iter()
                .map(|s| ratios(&vec![n; hidden + 2], seed + s))
                .collect();
            let samples = samples?;
            let laws = [
                ("E[Π(p,p)]", 2f64.powi(hidden as i32), format!("2^{hidden}")),
                (
                    "E|π|",
                    std::f64::consts::FRAC_PI_2.powi(hidden as i32 + 1),
                    format!("(π/2)^{}", hidden + 1),
                ),
            ];
            for (which, (what, law, name)) in laws.into_iter().enumerate() {
                let values: Vec<f64> = samples.iter().map(|s| s[which] / law).collect();
                let (mean, error) = mean_and_error(&values);
                departures[which].push((mean - 1.0).abs());
                let within = (mean - 1.0).abs() <= Z_999 * error;
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
            converges &= d[d.len() - 1] < 0.05 && d[d.len() - 1] <= d[0].max(0.01);
        }
    }
    Ok(ClaimReport {
        claim: "lemma4",
        source: "Patil & Dovrolis 2021, lemma 4 (appendix A.4); Patil & Dovrolis, ICLR 2021 submission, eq. (4) (appendix A.3)",
        statement: "E[Π(b, b)] = 2^L E[Π(u, u)] for a PHEW path b and a uniform path u through L hidden layers; \
                    the edge-weight product's ratio is π/2 for each layer of weights.",
        verdict: if converges { Verdict::Approximate } else { Verdict::Fails },
        summary: "Right in the limit of wide layers. At finite width the ratio departs by a share of the order \
                  of depth over width: a ratio of sample means is not the ratio of means."
            .into(),
        checks,
    })
}
