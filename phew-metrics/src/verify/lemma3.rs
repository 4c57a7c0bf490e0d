//! Lemma 3: every unit of a layer of N units expects W/N of W walks.

use phew_graph::{ByLayer, Ends, Init, Network, SkipPolicy, zoo};
use phew_walk::{Bias, Starts, WalkLaw, count_visits};

use super::claim::ClaimParams;
use super::report::{Check, ClaimReport, Verdict};
use super::statistics::chi_squared_999;
use crate::analysis::Analysis;
use crate::error::MetricError;

/// Deviations below this are rounding.
const EXACT: f64 = 1e-12;

/// Mean square and greatest relative deviation of the hidden units' visits from 1/N.
fn deviation(network: &Network, bias: Bias) -> Result<(f64, f64), MetricError> {
    let analysis = Analysis::new(network, None)?;
    let walks = analysis.walks(bias, SkipPolicy::Uniform);
    let visits = walks.visits(Starts::Balanced).units();
    let hidden = &visits.as_slice()[1..visits.len() - 1];
    let relative = || hidden.iter().flat_map(|l| l.iter().map(|v| v * l.len() as f64 - 1.0));
    let count = relative().count() as f64;
    let square = relative().map(|r| r * r).sum::<f64>() / count;
    Ok((square.sqrt(), relative().fold(0.0, |m, r| m.max(r.abs()))))
}

pub(super) fn check(params: &ClaimParams) -> Result<ClaimReport, MetricError> {
    let ClaimParams { scale, seed, bias } = *params;
    let mut checks = Vec::new();
    let mut spread = Vec::new();
    let widths: &[usize] =
        scale.pick(&[16, 64][..], &[16, 64, 256, 1_024], &[16, 64, 256, 1_024, 4_096]);
    for &n in widths {
        let network = Network::initialise(zoo::mlp(&[n; 5]).build()?, Init::default(), seed)?;
        let (square, greatest) = deviation(&network, bias)?;
        spread.push(square);
        checks.push(Check::new(
            format!("three hidden layers of N = {n}, D = K = {n}"),
            "W/N walks through every hidden unit",
            format!(
                "off by {:.2}% (root mean square), at most {:.2}%",
                100.0 * square,
                100.0 * greatest
            ),
            if greatest < EXACT { Verdict::Holds } else { Verdict::Approximate },
            "exact expectation given the weights",
        ));
    }
    checks.push(decline(widths, &spread));
    let few = Network::initialise(zoo::mlp(&[1, 256, 256, 1]).build()?, Init::default(), seed)?;
    let (square, greatest) = deviation(&few, bias)?;
    checks.push(Check::new(
        "N = 256 with a single input and output",
        "W/N walks through every hidden unit",
        format!(
            "off by {:.1}% (root mean square), at most {:.1}%",
            100.0 * square,
            100.0 * greatest
        ),
        if greatest < EXACT { Verdict::Holds } else { Verdict::Approximate },
        "exact expectation: the mean over inputs needs many inputs as well as many units",
    ));
    let (check, agrees) = monte_carlo(params)?;
    checks.push(check);
    Ok(ClaimReport {
        claim: "lemma3",
        source: "Patil & Dovrolis 2021, lemma 3 (appendix A.3)",
        statement: "The expected number of biased walks through each unit of layer l is W / N_l.",
        bias: Some(bias),
        verdict: match (agrees, spread.iter().all(|&s| s < EXACT)) {
            (false, _) => Verdict::Fails,
            (true, false) => Verdict::Approximate,
            (true, true) => Verdict::Holds,
        },
        summary: "True of the mean over initial weights, by symmetry. Given the weights, units differ by a share \
                  that falls as one over the root of the width; every unit is still walked."
            .into(),
        checks,
    })
}

/// How the deviation falls from the narrowest to the widest network.
fn decline(widths: &[usize], spread: &[f64]) -> Check {
    let (setting, law) = (
        "how the deviation falls with the width",
        "as N^−½: a unit's visits average N independent scores",
    );
    let ends = |values: &[f64]| values[values.len() - 1] / values[0];
    let widths: Vec<f64> = widths.iter().map(|&n| n as f64).collect();
    if spread.iter().all(|&s| s < EXACT) {
        let found = "no deviation at any width";
        return Check::new(setting, law, found, Verdict::Holds, "exact expectations");
    }
    let slope = ends(spread).ln() / ends(&widths).ln();
    Check::new(
        setting,
        law,
        format!("as N^{slope:.3}"),
        if (slope + 0.5).abs() < 0.1 { Verdict::Holds } else { Verdict::Approximate },
        "slope between the narrowest and the widest, exact expectations",
    )
}

/// The sampler's own walks against the exact visits: χ² over the units of each hidden layer.
///
/// Starts are dealt evenly, not drawn, which can only make the counts scatter less than the test allows.
fn monte_carlo(params: &ClaimParams) -> Result<(Check, bool), MetricError> {
    let ClaimParams { scale, seed, bias } = *params;
    let widths = [6, 10, 8, 5];
    let network = Network::initialise(zoo::mlp(&widths).build()?, Init::default(), seed)?;
    let analysis = Analysis::new(&network, None)?;
    let walks = analysis.walks(bias, SkipPolicy::Uniform);
    let visits = walks.visits(Starts::Balanced).units();
    // A multiple of 60, so that every input and every output starts as many walks.
    let walks: u64 = scale.pick(6_000, 600_000, 6_000_000);
    let mut seen: ByLayer<Vec<f64>> = visits.iter().map(|l| vec![0.0; l.len()]).collect();
    let law = WalkLaw { seed, bias, ..WalkLaw::default() };
    for (tensor, counts) in count_visits(&network, &law, walks)?.with_ids() {
        let Ends { shape, target, .. } = analysis.only_use(tensor);
        for (index, &count) in counts.iter().enumerate() {
            seen[target][shape.ends(index).1] += f64::from(count);
        }
    }
    // A test for each layer: within a walk the layers' units depend on each other.
    let (mut found, mut expected, mut agrees) = (Vec::new(), Vec::new(), true);
    let hidden = seen.len() - 2;
    for (seen, visits) in seen.iter().zip(&visits).skip(1).take(hidden) {
        let term = |(s, v): (&f64, &f64)| (s - v * walks as f64).powi(2) / (v * walks as f64);
        let statistic: f64 = seen.iter().zip(visits).map(term).sum();
        let limit = chi_squared_999(seen.len() - 1);
        agrees &= statistic < limit;
        found.push(format!("{statistic:.1}"));
        expected.push(format!("{limit:.1}"));
    }
    let check = Check::new(
        format!("the sampler on {widths:?}: {walks} walks"),
        format!("visits of the exact law: χ² below {} by layer", expected.join(", ")),
        format!("χ² = {}", found.join(", ")),
        if agrees { Verdict::Holds } else { Verdict::Fails },
        format!("{walks} walks, α = 0.001 at most for each hidden layer"),
    );
    Ok((check, agrees))
}
