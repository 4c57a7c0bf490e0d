//! Scores that tell no weight from another: refused at the first step, counted at the later ones.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::ops::ControlFlow;

use phew_baselines::{
    BaselineError, Options, Plan, Saliency, Schedule, Scorer, Scores, State, SynFlow, methods,
    prune_by_scores, prune_by_scores_with,
};
use phew_graph::{Arch, ArchBuilder, Init, Network, Shape};
use support::mlp_oracle::MlpOracle;

fn arch(widths: &[usize]) -> Arch {
    let mut net = ArchBuilder::new("mlp", Shape::Features(widths[0]));
    for (l, &width) in widths[1..].iter().enumerate() {
        net = net.linear_unbiased(format!("fc{l}"), width);
        if l + 2 < widths.len() {
            net = net.relu(format!("relu{l}"));
        }
    }
    net.build().unwrap()
}

/// A network with its weights changed, each by its tensor and its value.
fn network(widths: &[usize], change: impl Fn(usize, f32) -> f32) -> Network {
    let network = Network::initialise(arch(widths), Init::default(), 1).unwrap();
    let changed =
        |(t, w): (phew_graph::TensorId, &&[f32])| w.iter().map(|&w| change(t.index(), w)).collect();
    network.with_weights(network.weights().with_ids().map(changed).collect()).unwrap()
}

/// What a method with all its defaults makes of a network.
fn pruned(name: &str, network: &Network) -> Result<f64, BaselineError> {
    let oracle = Box::new(MlpOracle::random(network.arch(), 9, 1));
    let entry = methods().find(name).unwrap();
    let mut method = entry.method(0.3, 0, &Options::default(), Some(oracle)).unwrap();
    method.prune(network).map(|mask| mask.density())
}

#[test]
fn no_method_that_looks_at_weights_chooses_among_zeros() {
    let zeros = network(&[6, 8, 5], |_, _| 0.0);
    let mut refused = Vec::new();
    for entry in methods().iter() {
        match pruned(entry.name, &zeros) {
            Err(BaselineError::SaysNothing { candidates: 88, score }) => {
                assert!(score == 0.0, "{}: {score}", entry.name);
                refused.push(entry.name);
            }
            // NTK-SAP draws weights of its own.
            Ok(_) => assert!(entry.name.contains("random") || entry.name == "ntk-sap"),
            Err(error) => panic!("{}: {error}", entry.name),
        }
    }
    for name in ["magnitude", "snip", "grasp", "force", "synflow", "synflow-l2"] {
        assert!(refused.contains(&name), "{name} is not among {refused:?}");
    }
}

#[test]
fn a_last_layer_of_zeros_leaves_paths_and_gradients_nothing_to_say() {
    let last = network(&[6, 8, 5], |tensor, w| if tensor == 1 { 0.0 } else { w });
    for name in ["snip", "force", "synflow", "synflow-l2"] {
        let error = pruned(name, &last).unwrap_err();
        assert!(matches!(error, BaselineError::SaysNothing { .. }), "{name}: {error}");
    }
    // The first layer's weights differ.
    assert!(pruned("magnitude", &last).is_ok());
}

#[test]
fn scores_of_deep_networks_do_not_vanish() {
    // 200 layers: the product of a path's weights is far below what any float holds.
    let deep = network(&[4; 201], |_, w| w * 1e-6);
    for name in ["synflow", "synflow-l2"] {
        assert!(pruned(name, &deep).is_ok(), "{name}");
    }
    // A layer whose weights are denormal, and squares that are 0 in f32.
    let faint = network(&[6, 8, 5], |tensor, w| if tensor == 0 { w * 1e-38 } else { w });
    for name in ["magnitude", "synflow", "synflow-l2"] {
        assert!(pruned(name, &faint).is_ok(), "{name}");
    }
}

#[test]
fn weights_that_are_all_the_same_are_refused_where_shares_of_paths_are_too() {
    let same = network(&[5, 5, 5], |_, w| 0.5_f32.copysign(w));
    for name in ["magnitude", "synflow", "synflow-l2"] {
        let error = pruned(name, &same).unwrap_err();
        assert!(matches!(error, BaselineError::SaysNothing { .. }), "{name}: {error}");
    }
    // Layers of different sizes have different shares.
    let wider = network(&[5, 7, 3], |_, w| 0.5_f32.copysign(w));
    assert!(pruned("synflow", &wider).is_ok());
}

/// Scores that say something at the first step alone.
struct OnceOnly;

impl Scorer for OnceOnly {
    fn score<'s>(&'s mut self, state: &'s State<'_>) -> Result<Scores<'s>, BaselineError> {
        let step = state.step;
        Ok(Scores::from_fn(move |_, i| if step == 0 { i as f64 } else { 0.0 }))
    }
}

#[test]
fn ties_of_later_steps_are_counted() {
    let network = network(&[6, 8, 5], |_, w| w);
    let plan = Plan::new(0.25).unwrap().with_schedule(Schedule::linear(3).unwrap()).unwrap();
    let mut steps = Vec::new();
    prune_by_scores_with(&network, &mut OnceOnly, &plan, &mut |p| {
        steps.push((p.kept, p.by_index));
        ControlFlow::Continue(())
    })
    .unwrap();
    // 88 weights: 66, 44, 22. At the second and third step the index chooses all.
    assert_eq!(steps.iter().map(|s| s.0).collect::<Vec<_>>(), [66, 44, 22]);
    assert!(steps[0].1 <= 1 && steps[1].1 == 44 && steps[2].1 == 22, "{steps:?}");
}

#[test]
fn ties_are_counted_alike_with_a_working_set_and_without() {
    // Many equal magnitudes: whole units have equal shares.
    let network = network(&[40, 50, 30, 10], |_, w| if w > 0.1 { 0.25 } else { 0.5 });
    let plan = Plan::new(0.1).unwrap().with_schedule(Schedule::exponential(10).unwrap()).unwrap();
    let by_index = |mut scorer: SynFlow| {
        let mut found = Vec::new();
        let mask = prune_by_scores_with(&network, &mut scorer, &plan, &mut |p| {
            found.push(p.by_index);
            ControlFlow::Continue(())
        });
        (mask.unwrap().fingerprint(), found)
    };
    let (compact, plain) =
        (by_index(SynFlow::new(Saliency::L1)), by_index(SynFlow::new(Saliency::L1).plain()));
    assert_eq!(compact, plain);
    assert!(plain.1.iter().any(|&ties| ties > 0), "{:?}", plain.1);
    assert!(prune_by_scores(&network, &mut SynFlow::new(Saliency::L1), &plan).is_ok());
}
