//! Stub units: hidden units with weights on one side only, under random pruning and under PHEW.

use phew_graph::{Init, Network, stream, stream_key, zoo};
use phew_walk::{WalkParams, prune};
use rand::Rng;
use rayon::prelude::*;

use super::claim::ClaimParams;
use super::report::{Check, ClaimReport, Verdict};
use super::statistics::{Z_999, mean_and_error};
use crate::analysis::Analysis;
use crate::error::MetricError;
use crate::structure::stub_probability;

/// Stub units of one random mask of L hidden layers of N units, N inputs and N outputs: edges are kept
/// independently with probability 1 − x.
fn stubs_of(n: usize, layers: usize, x: f64, seed: u64, sample: u64) -> usize {
    let mut rng = stream(stream_key("phew 1 stub units", seed), sample);
    let mut into = vec![vec![false; n]; layers + 2];
    let mut out = into.clone();
    for (out, into) in out.iter_mut().zip(&mut into[1..]) {
        for out in out.iter_mut() {
            for into in into.iter_mut() {
                let kept = !rng.random_bool(x);
                *out |= kept;
                *into |= kept;
            }
        }
    }
    let hidden = 1..=layers;
    hidden.flat_map(|l| into[l].iter().zip(&out[l])).filter(|(a, b)| a != b).count()
}

pub(super) fn check(params: &ClaimParams) -> Result<ClaimReport, MetricError> {
    let ClaimParams { scale, seed, bias } = *params;
    let mut checks = Vec::new();
    let samples: u64 = scale.pick(2_000, 20_000, 200_000);
    let layers = 3;
    let (mut unit_law, mut bent): (bool, f64) = (true, 0.0);
    for n in scale.pick(&[4, 10][..], &[4, 10, 30], &[4, 10, 30, 100]).iter().copied() {
        // At the maximum of eq. (5), and where eq. (8) is between its extremes.
        let peak = 0.5f64.powf(1.0 / n as f64);
        let mid = (1.0 - (1.0 - 0.5f64.powf(1.0 / (n * layers) as f64)) / 2.0, peak);
        let rare = ((1.0 - mid.0).max(1e-12)).powf(1.0 / n as f64);
        for x in [rare, peak] {
            let counts: Vec<usize> =
                (0..samples).into_par_iter().map(|s| stubs_of(n, layers, x, seed, s)).collect();
            let per_mask: Vec<f64> = counts.iter().map(|&c| c as f64).collect();
            let (mean, error) = mean_and_error(&per_mask);
            let expected = stub_probability(x, n, n) * (n * layers) as f64;
            // Masks without a single stub have no spread: the count's own law bounds it then.
            let error = error.max((expected / samples as f64).sqrt() / 2.0);
            let agrees = (mean - expected).abs() <= Z_999 * error;
            unit_law &= agrees;
            checks.push(Check::new(
                format!("N = {n}, L = {layers}, pruning ratio {x:.4}: expected stubs (eq. (6))"),
                format!("{expected:.4}"),
                format!("{mean:.4} ± {error:.4}"),
                if agrees { Verdict::Holds } else { Verdict::Fails },
                format!("{samples} random masks, α = 0.001"),
            ));
            let some: Vec<f64> = counts.iter().map(|&c| f64::from(u8::from(c > 0))).collect();
            let (found, error) = mean_and_error(&some);
            let independent = 1.0 - (1.0 - stub_probability(x, n, n)).powi((n * layers) as i32);
            let departs = (found - independent).abs() > Z_999 * error.max(1.0 / samples as f64);
            bent = bent.max((found - independent).abs());
            checks.push(Check::new(
                format!("N = {n}, L = {layers}, pruning ratio {x:.4}: at least one stub (eq. (8))"),
                format!("{independent:.4}, units taken as independent"),
                format!("{found:.4} ± {error:.4}"),
                if departs { Verdict::Approximate } else { Verdict::Holds },
                format!("{samples} random masks, α = 0.001"),
            ));
        }
    }
    checks.push(maximum());
    let (check, never) = phew_makes_none(params)?;
    checks.push(check);
    let verdict = match (unit_law && never, bent > 1e-3) {
        (false, _) => Verdict::Fails,
        (true, true) => Verdict::Approximate,
        (true, false) => Verdict::Holds,
    };
    Ok(ClaimReport {
        claim: "stubs",
        source: "Patil & Dovrolis, ICLR 2021 submission, eq. (5) to (8) (appendix A.1)",
        statement: "At pruning ratio x a hidden unit with N edges on each side is a stub with probability \
                    2x^N(1 − x^N); some unit is one with 1 − (1 − 2x^N(1 − x^N))^(NL). Path conservation makes none.",
        bias: Some(bias),
        verdict,
        summary: format!(
            "A unit's probability and the expected number are exact, with a maximum of 1/2 at x = 2^(−1/N). Units \
             of one layer or of neighbouring layers share edges, so the probability of at least one stub departs \
             from the independent one, by up to {bent:.3} here. PHEW's masks have no hidden stub unit."
        ),
        checks,
    })
}

/// Eq. (5) on a grid of pruning ratios: its maximum is 1/2, where half of all units have no edge on a side.
fn maximum() -> Check {
    let mut worst = (0.0f64, 0.0f64);
    for n in [2, 5, 20, 100, 1_000] {
        let grid = (1..100_000).map(|i| f64::from(i) / 100_000.0);
        let best = grid.fold((0.0, 0.0), |best: (f64, f64), x| {
            let p = stub_probability(x, n, n);
            if p > best.1 { (x, p) } else { best }
        });
        worst.0 = worst.0.max((best.0 - 0.5f64.powf(1.0 / n as f64)).abs());
        worst.1 = worst.1.max((best.1 - 0.5).abs());
    }
    let holds = worst.0 <= 2e-5 && worst.1 <= 1e-4;
    Check::new(
        "maximum of eq. (5) over the pruning ratio, N from 2 to 1,000",
        "1/2, at x = 2^(−1/N)",
        format!("within {:.0e} of 1/2, within {:.0e} of that x", worst.1, worst.0),
        if holds { Verdict::Holds } else { Verdict::Fails },
        "grid of 100,000 ratios",
    )
}

fn phew_makes_none(params: &ClaimParams) -> Result<(Check, bool), MetricError> {
    let ClaimParams { scale, seed, bias } = *params;
    let names = scale.pick(
        &["mlp-20-30-30-10"][..],
        &["mlp-20-30-30-10", "lenet-5", "lenet-300-100", "resnet20"],
        &["lenet-300-100", "resnet20", "vgg19", "resnet18-modified", "wrn-16-4"],
    );
    let (mut masks, mut stubs, mut wasted) = (0, 0, 0);
    for name in names {
        for s in 0..scale.pick(3, 4, 3) {
            let network =
                Network::initialise(zoo::by_name(name)?.build()?, Init::default(), seed + s)?;
            for density in [0.005, 0.02, 0.1, 0.5] {
                let Ok(walks) = WalkParams::new(density) else { continue };
                let mask = prune(&network, &walks.bias(bias).seed(seed + s))?.mask;
                let structure = Analysis::new(&network, Some(&mask))?.structure();
                masks += 1;
                stubs += structure.hidden_stubs();
                wasted += structure.kept - structure.effective;
            }
        }
    }
    let never = stubs == 0 && wasted == 0;
    let check = Check::new(
        format!("masks of walks biased by {bias}, of {names:?} at densities 0.5% to 50%"),
        "no hidden stub unit, every kept weight on a path",
        format!("{stubs} stubs and {wasted} weights off every path in {masks} masks"),
        if never { Verdict::Holds } else { Verdict::Fails },
        "certain by construction: each walk is a whole path",
    );
    Ok((check, never))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_layer_of_one_unit_can_be_worked_out() {
        // One hidden unit with one edge on each side: a stub if exactly one edge is kept.
        let samples = 20_000;
        let stubs: usize = (0..samples).map(|s| stubs_of(1, 1, 0.3, 7, s)).sum();
        let expected = 2.0 * 0.3 * 0.7;
        assert!((stub_probability(0.3, 1, 1) - expected).abs() < 1e-15);
        let error = (expected * (1.0 - expected) / samples as f64).sqrt();
        assert!((stubs as f64 / samples as f64 - expected).abs() < Z_999 * error);
    }
}
