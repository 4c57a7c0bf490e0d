//! Theorem 1: the tangent kernel's eigenvalues against products of eigenvalues.
//!
//! `Θ = A Π Aᵀ` with `A = ∂f/∂π` (outputs of all inputs × paths) and Π the path kernel. The v are read as the
//! eigenvalues of `AᵀA` (A itself is not square), all three sorted from the greatest.

use faer::Mat;
use phew_graph::TensorId;

use super::claim::ClaimParams;
use super::relu_network::{ReluNet, normals};
use super::report::{Check, ClaimReport, Verdict};
use super::statistics::mean_and_error;
use crate::analysis::Analysis;
use crate::eigen::{eigenvalues, matrix, singular_values};
use crate::error::MetricError;

/// Paths of an explicit kernel.
const LIMIT: usize = 2_000;

/// The three spectra of the theorem, and how far Θ is from `A Π Aᵀ`.
struct Spectra {
    tangent: Vec<f64>,
    data: Vec<f64>,
    path: Vec<f64>,
    mismatch: f64,
}

impl Spectra {
    fn new(net: &ReluNet, inputs: &[Vec<f64>], outputs: usize) -> Result<Self, MetricError> {
        let analysis = Analysis::new(&net.network, None)?;
        let (paths, kernel) = analysis.path_kernel(LIMIT)?;
        let kernel = matrix(&kernel);
        let rows = inputs.len() * outputs;
        let mut by_weight = Mat::zeros(rows, net.network.arch().prunable_len());
        let mut by_path = Mat::zeros(rows, paths.len());
        for (n, input) in inputs.iter().enumerate() {
            let pass = net.forward(input);
            for k in 0..outputs {
                let row = n * outputs + k;
                let cotangent: Vec<f64> =
                    (0..outputs).map(|o| if o == k { 1.0 } else { 0.0 }).collect();
                for (i, g) in net.gradient(&pass, &cotangent).into_iter().enumerate() {
                    by_weight[(row, i)] = g;
                }
                for (p, path) in paths.iter().enumerate().filter(|(_, p)| p.output == k) {
                    let hidden = &path.weights[..path.weights.len() - 1];
                    // Of a chain, tensor number l leads from layer l to the next.
                    let unit = |&(tensor, index): &(TensorId, usize)| {
                        let from = tensor.index();
                        pass.values[from + 1][index / pass.values[from].len()] > 0.0
                    };
                    by_path[(row, p)] =
                        if hidden.iter().all(unit) { input[path.input] } else { 0.0 };
                }
            }
        }
        let tangent = &by_weight * by_weight.transpose();
        let composed = &by_path * &kernel * by_path.transpose();
        let difference = &tangent - &composed;
        let mismatch = difference.norm_l2() / tangent.norm_l2().max(f64::MIN_POSITIVE);
        let squares = |v: Vec<f64>| v.into_iter().map(|s| s * s).collect();
        Ok(Self {
            tangent: eigenvalues(tangent.as_ref())?,
            data: squares(singular_values(by_path.as_ref())?),
            path: eigenvalues(kernel.as_ref())?,
            mismatch,
        })
    }

    /// `Σ v_i w_i`.
    fn bound(&self) -> f64 {
        self.data.iter().zip(&self.path).map(|(v, w)| v * w).sum()
    }

    /// `Σ λ_i`.
    fn trace(&self) -> f64 {
        self.tangent.iter().sum()
    }

    /// The first index (from 1) at which `λ_i > v_i w_i` beyond rounding.
    fn violated(&self) -> Option<usize> {
        let slack = 1e-10 * self.tangent[0];
        let product = |i: usize| {
            self.data.get(i).copied().unwrap_or(0.0) * self.path.get(i).copied().unwrap_or(0.0)
        };
        (0..self.tangent.len()).find(|&i| self.tangent[i] > product(i) + slack).map(|i| i + 1)
    }
}

fn random(widths: &[usize], inputs: usize, seed: u64) -> Result<Spectra, MetricError> {
    let net = ReluNet::sample(widths, seed)?;
    let d = widths[0];
    let inputs = normals(inputs * d, "phew 1 theorem 1", seed);
    let inputs: Vec<Vec<f64>> = inputs.chunks(d).map(<[f64]>::to_vec).collect();
    Spectra::new(&net, &inputs, widths[widths.len() - 1])
}

/// The smallest network with a path through a hidden layer and two inputs: 2 → 1 → 1, for which data that lie
/// across the path kernel's first direction break the second index.
fn smallest() -> Result<Spectra, MetricError> {
    let net = ReluNet::with_weights(&[2, 1, 1], vec![vec![0.125, 1.0], vec![0.125]])?;
    Spectra::new(&net, &[vec![1.0, 0.0], vec![0.0, 0.125]], 1)
}

pub(super) fn check(params: &ClaimParams) -> Result<ClaimReport, MetricError> {
    let ClaimParams { scale, seed, .. } = *params;
    let mut checks = Vec::new();
    let nets: Vec<(&[usize], usize)> = scale.pick(
        vec![(&[3, 4, 2], 4), (&[3, 4, 3, 2], 4)],
        vec![(&[3, 4, 2], 6), (&[4, 6, 5, 3], 10), (&[5, 8, 6, 2], 20), (&[3, 4, 4, 4, 2], 10)],
        vec![(&[4, 6, 5, 3], 20), (&[6, 10, 8, 3], 40), (&[4, 6, 6, 6, 2], 40)],
    );
    let draws = scale.pick(4, 12, 20);
    let (mut sums_hold, mut indices_hold, mut same) = (true, true, true);
    for (widths, inputs) in nets {
        let spectra: Result<Vec<Spectra>, MetricError> =
            (0..draws).map(|s| random(widths, inputs, seed + s)).collect();
        let spectra = spectra?;
        let mismatch = spectra.iter().fold(0.0f64, |m, s| m.max(s.mismatch));
        same &= mismatch < 1e-10;
        checks.push(Check::new(
            format!(
                "{widths:?}, {inputs} inputs: Θ against A Π Aᵀ (Patil & Dovrolis 2021, eq. (4))"
            ),
            "equal",
            format!("equal to {mismatch:.0e} of the norm"),
            if mismatch < 1e-10 { Verdict::Holds } else { Verdict::Fails },
            format!("reverse pass against explicit paths, {draws} draws"),
        ));
        let ratios: Vec<f64> = spectra.iter().map(|s| s.trace() / s.bound()).collect();
        let holds = ratios.iter().all(|&r| r <= 1.0 + 1e-10);
        sums_hold &= holds;
        let (mean, error) = mean_and_error(&ratios);
        checks.push(Check::new(
            format!("{widths:?}, {inputs} inputs: the sums"),
            "Σλ ≤ Σvw",
            format!(
                "Σλ / Σvw = {mean:.3} ± {error:.3}: the bound is {:.1} times too large",
                1.0 / mean
            ),
            if holds { Verdict::Holds } else { Verdict::Fails },
            format!("a trace inequality (von Neumann), {draws} draws"),
        ));
        let violations = spectra.iter().filter(|s| s.violated().is_some()).count();
        indices_hold &= violations == 0;
        let example = spectra.iter().find_map(Spectra::violated);
        checks.push(Check::new(
            format!("{widths:?}, {inputs} inputs: index by index"),
            "λ_i ≤ v_i w_i for every i",
            match example {
                Some(index) => {
                    format!("violated in {violations} of {draws} draws, first at i = {index}")
                }
                None => format!("not violated in {draws} draws"),
            },
            if violations == 0 { Verdict::Holds } else { Verdict::Fails },
            format!("{draws} draws of weights and inputs"),
        ));
    }
    let small = smallest()?;
    let found = small.violated();
    indices_hold &= found.is_none();
    checks.push(Check::new(
        "2 → 1 → 1 with weights (1/8, 1), 1/8 and inputs (1, 0), (0, 1/8): smallest counterexample",
        "λ_2 ≤ v_2 w_2",
        format!(
            "λ_2 = {:.3e}, v_2 w_2 = {:.3e}; v = ({:.3e}, {:.3e}), w = ({:.3e}, {:.3e})",
            small.tangent[1],
            small.data[1] * small.path[1],
            small.data[0],
            small.data[1],
            small.path[0],
            small.path[1]
        ),
        if found.is_some() { Verdict::Fails } else { Verdict::Holds },
        "worked out; fewer weights leave one path, where i = 1 is all there is, or no hidden unit, where Π = I",
    ));
    let verdict = if sums_hold && same && indices_hold { Verdict::Holds } else { Verdict::Fails };
    Ok(ClaimReport {
        claim: "theorem1",
        source: "Patil & Dovrolis 2021, theorem 1 (after Gebhart et al. 2021)",
        statement: "With λ, v and w the eigenvalues of Θ, of ∂f/∂π and of Π, λ_i ≤ v_i w_i and Σλ_i ≤ Σ v_i w_i.",
        bias: None,
        verdict,
        summary: "The bound on the sum holds: Tr(A Π Aᵀ) = Tr(AᵀA Π) ≤ Σ v_i w_i for any two positive \
                  semidefinite matrices. The bound index by index does not: it holds for i = 1, and beyond that only \
                  λ_{i+j−1} ≤ v_i w_j does; data across the kernel's first directions break it."
            .into(),
        checks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_counterexample_is_one() {
        let small = smallest().unwrap();
        assert_eq!(small.violated(), Some(2));
        assert!(small.mismatch < 1e-12 && small.trace() <= small.bound());
        // A = diag(1, 1/8); Π = [[1/64 + 1/64, 1/8], [1/8, 1/64 + 1]].
        assert!((small.trace() - (2.0 / 64.0 + 65.0 / 64.0 / 64.0)).abs() < 1e-12);
    }
}
