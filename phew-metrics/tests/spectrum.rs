//! The matrix-free spectrum against the path kernel itself.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::tiny;
use faer::{Mat, Side};
use phew_graph::{Init, Network, zoo};
use phew_metrics::{Analysis, DensityParams, SpectrumParams};
use phew_walk::{WalkParams, prune};
use proptest::prelude::*;

/// Eigenvalues of the explicit path kernel, greatest first.
fn explicit(analysis: &Analysis<'_>, limit: usize) -> Vec<f64> {
    let (_, kernel) = analysis.path_kernel(limit).unwrap();
    let kernel = Mat::from_fn(kernel.nrows(), kernel.ncols(), |p, q| kernel[(p, q)]);
    let mut values = kernel.self_adjoint_eigenvalues(Side::Lower).unwrap();
    values.reverse();
    values
}

/// Errors of a symmetric eigenproblem are a few ulps of the greatest eigenvalue times its order.
fn agree(found: &[f64], expected: &[f64]) {
    for (i, value) in found.iter().enumerate() {
        let expected = expected.get(i).copied().unwrap_or(0.0);
        let error = (value - expected).abs();
        assert!(error <= 1e-10 * found[0], "eigenvalue {i}: {value} instead of {expected}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn eigenvalues_are_those_of_the_explicit_kernel(seed: u64) {
        let tiny = tiny(seed);
        let analysis = Analysis::new(&tiny.network, Some(&tiny.mask)).unwrap();
        prop_assume!(analysis.paths(150).is_ok_and(|p| !p.is_empty()));
        let expected = explicit(&analysis, 150);
        for dense in [usize::MAX, 0] {
            let all = SpectrumParams::new(200).unwrap().dense_up_to(dense);
            let spectrum = analysis.path_kernel_spectrum(&all).unwrap();
            prop_assert!(spectrum.converged);
            let values: Vec<f64> = spectrum.ln_values().iter().map(|l| l.exp()).collect();
            if !values.is_empty() {
                agree(&values, &expected);
                // All eigenvalues together are the trace.
                prop_assert!((spectrum.explained() - 1.0).abs() < 1e-10);
            }
        }
    }
}

#[test]
fn restarted_lanczos_agrees_with_the_explicit_kernel_of_an_mlp() {
    let network = Network::initialise(zoo::mlp(&[6, 9, 7, 4]).build().unwrap(), Init::default(), 2);
    let network = network.unwrap();
    let analysis = Analysis::new(&network, None).unwrap();
    let expected = explicit(&analysis, 2_000);
    let params = SpectrumParams::new(10).unwrap().basis(16).unwrap().dense_up_to(0);
    let spectrum = analysis.path_kernel_spectrum(&params).unwrap();
    assert!(spectrum.converged && spectrum.products > 16, "restarted");
    let values: Vec<f64> = spectrum.ln_values().iter().map(|l| l.exp()).collect();
    agree(&values, &expected);
    assert!(spectrum.explained() < 1.0);
    for (share, bound) in spectrum.shares.iter().zip(&spectrum.bounds) {
        assert!(*bound <= 1e-6 * share);
    }
}

#[test]
fn the_density_agrees_with_the_explicit_spectrum_within_its_error() {
    let network = Network::initialise(zoo::mlp(&[6, 9, 7, 4]).build().unwrap(), Init::default(), 2);
    let network = network.unwrap();
    let analysis = Analysis::new(&network, None).unwrap();
    let values = explicit(&analysis, 2_000);
    let total: f64 = values.iter().sum();
    let shares = || values.iter().map(|v| v / total).filter(|&s| s > 1e-14);
    let density = analysis.path_kernel_density(&DensityParams::new(200, 30).unwrap()).unwrap();
    let within = |estimate: phew_metrics::Estimate, expected: f64| {
        // Four standard errors: a false alarm once in 16,000 seeds.
        let distance = (estimate.mean - expected).abs();
        assert!(distance < 4.0 * estimate.error, "{estimate:?} for {expected}");
        assert!(estimate.error < 0.05 * expected);
    };
    within(density.trace, 1.0);
    within(density.entropy, shares().map(|s| -s * s.ln()).sum());
    within(density.square, shares().map(|s| s * s).sum());
    let weights: f64 = density.nodes.iter().map(|n| n.1).sum();
    assert!((weights - 145.0).abs() < 1e-6, "{weights}");
    assert!(density.effective_rank() > density.participation_ratio());
}

#[test]
fn eigenvalues_are_the_same_bytes_on_any_number_of_threads() {
    let network =
        Network::initialise(zoo::by_name("resnet20").unwrap().build().unwrap(), Init::default(), 0);
    let network = network.unwrap();
    let mask = prune(&network, &WalkParams::new(0.05).unwrap()).unwrap().mask;
    let measure = || {
        let analysis = Analysis::new(&network, Some(&mask)).unwrap();
        let params = SpectrumParams::new(3).unwrap().max_products(12);
        analysis.path_kernel_spectrum(&params).unwrap()
    };
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(measure)
    };
    assert_eq!(on(1), on(3));
}
