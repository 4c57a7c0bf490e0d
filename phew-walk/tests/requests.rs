//! Requests that cannot be met are refused with the reason, and the caller hears of progress and may stop it.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::ops::ControlFlow;

use phew_graph::{Init, Network, SkipPolicy, zoo};
use phew_walk::{WalkError, WalkParams, prune, prune_nested};

fn network(name: &str) -> Network {
    let arch = zoo::by_name(name).unwrap().build().unwrap();
    Network::initialise(arch, Init::default(), 0).unwrap()
}

fn params(density: f64) -> WalkParams {
    WalkParams::new(density).unwrap()
}

#[test]
fn impossible_requests_are_refused_with_the_reason() {
    for density in [0.0, -1.0, 1.5, f64::NAN] {
        assert!(WalkParams::new(density).is_err());
    }
    let resnet = network("resnet20");
    let all = prune(&resnet, &params(1.0).skips(SkipPolicy::Main)).unwrap_err().to_string();
    // 512 and 2,048 weights of projections are left out.
    assert!(
        all.contains("270896") && all.contains("268336") && all.contains("skip policy"),
        "{all}"
    );
    let none = prune(&resnet, &params(1e-9)).unwrap_err().to_string();
    assert!(none.contains("keeps none of 270896"), "{none}");

    let mlp = network("mlp-4-3-2");
    let zeros = |tensor: usize| {
        let mut weights: Vec<Vec<f32>> = mlp.weights().iter().map(|w| w.to_vec()).collect();
        weights[tensor].fill(0.0);
        mlp.with_weights(weights).unwrap()
    };
    let cut = prune(&zeros(1), &params(0.5)).unwrap_err();
    assert!(matches!(&cut, WalkError::NoPath { layer } if layer == "fc2"), "{cut}");
    let mut weights: Vec<Vec<f32>> = mlp.weights().iter().map(|w| w.to_vec()).collect();
    weights[0][0] = 0.0;
    let full = prune(&mlp.with_weights(weights).unwrap(), &params(1.0)).unwrap_err();
    assert!(matches!(full, WalkError::Unreachable { reachable: 17, target: 18, .. }), "{full}");
}

#[test]
fn progress_reports_and_can_stop() {
    let network = network("resnet20");
    let mut last = 0;
    let stopped = prune_nested(&network, &params(0.9), |p| {
        assert!(p.kept >= last && p.kept < p.target);
        last = p.kept;
        if p.walks > 1000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(stopped, Err(WalkError::Stopped { walks }) if walks > 1000));
}
