//! The numbers of the papers' authors' own programs.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::PathBuf;

use phew_graph::{ArchBuilder, Init, Network, Shape};
use phew_metrics::{Analysis, Objective};
use safetensors::SafeTensors;

fn reference(file: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../reference").join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn floats(file: &SafeTensors<'_>, name: &str) -> Vec<f64> {
    let tensor = file.tensor(name).unwrap();
    match tensor.dtype() {
        safetensors::Dtype::F32 => tensor
            .data()
            .chunks_exact(4)
            .map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())))
            .collect(),
        safetensors::Dtype::F64 => tensor
            .data()
            .chunks_exact(8)
            .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
            .collect(),
        other => panic!("{name} is {other:?}"),
    }
}

/// 12→16→16→8 without biases, with the reference's weights.
fn mlp(file: &SafeTensors<'_>) -> Network {
    let arch = ArchBuilder::new("mlp", Shape::Features(12))
        .linear_unbiased("fc1", 16)
        .relu("relu1")
        .linear_unbiased("fc2", 16)
        .relu("relu2")
        .linear_unbiased("fc3", 8)
        .build()
        .unwrap();
    let names: Vec<String> = arch.prunable().iter().map(|s| s.name.clone()).collect();
    let weights = names.iter().map(|n| floats(file, n).iter().map(|&w| w as f32).collect());
    let weights = weights.collect();
    Network::initialise(arch, Init::default(), 0).unwrap().with_weights(weights).unwrap()
}

fn agree(found: f64, expected: f64, tolerance: f64, what: &str) {
    let difference = (found - expected).abs();
    assert!(difference <= tolerance * expected.abs(), "{what}: {found} instead of {expected}");
}

#[test]
fn objectives_trace_and_scores_of_the_mlp_are_the_authors() {
    let weights = reference("mlp.weights.safetensors");
    let expected = reference("mlp.expected.safetensors");
    let numbers = reference("mlp.expected.json");
    let network = mlp(&SafeTensors::deserialize(&weights).unwrap());
    let analysis = Analysis::new(&network, None).unwrap();
    let numbers: serde_json::Value = serde_json::from_slice(&numbers).unwrap();
    let number = |name: &str| numbers[name].as_f64().unwrap();
    let l1 = analysis.ln_objective(Objective::SynFlow).exp();
    let l2 = analysis.ln_objective(Objective::SynFlowL2).exp();
    agree(l1, number("synflow_objective"), 1e-10, "SynFlow");
    agree(l2, number("synflow_l2_objective"), 1e-10, "SynFlow-L2");
    agree(
        analysis.path_kernel_trace().unwrap().total(),
        number("path_kernel_trace"),
        1e-10,
        "trace",
    );
    let scores = SafeTensors::deserialize(&expected).unwrap();
    let weights = network.weights();
    for (t, spec) in network.arch().prunable().with_ids() {
        let synflow = floats(&scores, &format!("synflow.{}", spec.name));
        let squared = floats(&scores, &format!("synflow_l2.{}", spec.name));
        // Scores stored in f32 agree to half an ulp of f32 only.
        let tolerance = |name: &str| match scores.tensor(name).unwrap().dtype() {
            safetensors::Dtype::F32 => 1e-7,
            _ => 1e-10,
        };
        let precise = tolerance(&format!("synflow.{}", spec.name));
        for (share, e) in
            analysis.objective_shares(Objective::SynFlow).shares(t).iter().zip(synflow)
        {
            agree(share * l1, e, precise, &spec.name);
        }
        let shares = analysis.objective_shares(Objective::SynFlowL2).shares(t);
        for ((share, e), &w) in shares.iter().zip(squared).zip(weights[t]) {
            agree(share * l2 / f64::from(w.abs()), e, precise, &spec.name);
        }
    }
}
