//! What is refused of a network whose layers share a weight, and what is worked out by hand there.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use phew_graph::{ArchBuilder, Init, Network, Shape, TensorId};
use phew_metrics::{Analysis, DensityParams, MetricError, Objective, Paths, SpectrumParams};

/// One unit, twice through a weight of 3: y = 3 · 3 x.
fn twice() -> Network {
    let arch = ArchBuilder::new("twice", Shape::Features(1))
        .linear_unbiased("first", 1)
        .linear_unbiased("second", 1)
        .tensor("weight", "first.weight")
        .build()
        .unwrap();
    Network::initialise(arch, Init::default(), 0).unwrap().with_weights(vec![vec![3.0]]).unwrap()
}

#[test]
fn a_path_that_passes_a_weight_twice_counts_it_twice() {
    let network = twice();
    let analysis = Analysis::new(&network, None).unwrap();
    let weight = TensorId::new(0);
    assert_eq!(network.arch().prunable_len(), 1);
    assert_eq!(analysis.path_count(Paths::All).unwrap(), 1);
    assert_eq!(analysis.edge_path_counts(Paths::All).unwrap()[weight], [2]);
    // R = θ², so that θ · ∂R/∂θ / R = 2.
    assert!((analysis.ln_objective(Objective::SynFlow).exp() - 9.0).abs() < 1e-12);
    let share = analysis.objective_shares(Objective::SynFlow).shares(weight)[0];
    assert!((share - 2.0).abs() < 1e-12);
    // ∂θ²/∂θ = 2θ, and its square is the kernel.
    let (_, kernel) = analysis.path_kernel(1).unwrap();
    assert!((kernel[(0, 0)] - 36.0).abs() < 1e-12);
    assert_eq!(analysis.cost().flops(), 4);
}

#[test]
fn what_relies_on_one_passage_is_refused_by_the_weights_name() {
    let network = twice();
    let analysis = Analysis::new(&network, None).unwrap();
    let refusals = [
        analysis.path_kernel_trace().err(),
        analysis.path_kernel_spectrum(&SpectrumParams::new(1).unwrap()).err(),
        analysis.path_kernel_density(&DensityParams::default()).err(),
    ];
    for refusal in refusals {
        let refusal = refusal.unwrap();
        assert!(matches!(refusal, MetricError::Tied { .. }), "{refusal}");
        assert!(refusal.to_string().contains("`first.weight`"), "{refusal}");
    }
}
