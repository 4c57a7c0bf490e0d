//! Layers with a share of their own, and patterns, in steps too.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use phew_baselines::{
    Allocation, Magnitude, Pattern, Plan, Schedule, Scorer, Scores, State, StepProgress, methods,
    prune_by_scores, prune_by_scores_with,
};
use phew_graph::{ArchBuilder, Init, LayerShares, Mask, Network, Shape, zoo};

fn network() -> Network {
    let arch = zoo::mlp(&[30, 40, 20, 10]).build().unwrap();
    Network::initialise(arch, Init::default(), 2).unwrap()
}

fn kept(mask: &Mask) -> Vec<usize> {
    mask.layers().iter().map(|layer| layer.kept()).collect()
}

#[test]
fn shares_are_exact_and_the_others_share_the_rest_by_any_allocation() {
    let network = network();
    let shares = LayerShares::default().keep_whole("fc3").unwrap().share("fc1", 0.05).unwrap();
    for allocation in [Allocation::Global, Allocation::Uniform, Allocation::ErdosRenyi] {
        for schedule in [Schedule::one_shot(), Schedule::exponential(7).unwrap()] {
            let plan = Plan::new(0.2).unwrap().with_allocation(allocation.clone());
            let plan = plan.with_schedule(schedule).unwrap().with_layers(shares.clone());
            let mask = prune_by_scores(&network, &mut Magnitude, &plan).unwrap();
            assert_eq!(kept(&mask), [60, 180, 200], "{allocation:?}");
        }
    }
    // What is free competes by its scores alone: the mask of each layer is that of the greatest |w|.
    let plan = Plan::new(0.2).unwrap().with_layers(shares);
    let mask = prune_by_scores(&network, &mut Magnitude, &plan).unwrap();
    for (layer, weights) in mask.layers().iter().zip(network.weights()) {
        let least = layer.iter().map(|i| weights[i].abs()).fold(f32::INFINITY, f32::min);
        let gone = (0..layer.len()).filter(|&i| !layer.get(i)).map(|i| weights[i].abs());
        assert!(gone.fold(0.0, f32::max) <= least, "{}", layer.name());
    }
}

#[test]
fn every_step_keeps_its_number_and_shares_shrink_with_the_steps() {
    /// Scores that notice what each step is given.
    struct Noticing(Vec<Vec<usize>>);
    impl Scorer for Noticing {
        fn score<'s>(
            &'s mut self,
            state: &'s State<'_>,
        ) -> Result<Scores<'s>, phew_baselines::BaselineError> {
            self.0.push(kept(state.mask));
            let weights = state.weights;
            Ok(Scores::from_fn(move |t, i| f64::from(weights[t][i].abs())))
        }
    }
    let network = network();
    let shares = LayerShares::default().keep_whole("fc3").unwrap().share("fc1", 0.05).unwrap();
    let plan = Plan::new(0.2).unwrap().with_schedule(Schedule::linear(4).unwrap()).unwrap();
    let plan = plan.with_layers(shares);
    let mut seen = Noticing(Vec::new());
    let mut totals = Vec::new();
    let watch = &mut |p: StepProgress| {
        totals.push(p.kept);
        std::ops::ControlFlow::Continue(())
    };
    prune_by_scores_with(&network, &mut seen, &plan, watch).unwrap();
    let steps: Vec<usize> = seen.0.iter().map(|layers| layers.iter().sum()).collect();
    assert_eq!(steps, [vec![2200], totals[..3].to_vec()].concat());
    assert!(seen.0.iter().all(|layers| layers[2] == 200), "{:?}", seen.0);
    let first: Vec<usize> = seen.0.iter().map(|layers| layers[0]).collect();
    // From 1200 to 60 as all go from 2200 to 440.
    assert!(first.is_sorted_by(|a, b| a > b) && first[1] > 800, "{first:?}");
}

#[test]
fn a_pattern_keeps_the_best_of_each_group_along_the_input() {
    // One output from five inputs, kernels of two: groups of inputs 0 to 3 and of input 4, at each place.
    let image = Shape::Image { channels: 5, height: 1, width: 2 };
    let conv = phew_graph::Conv2d { kernel: [1, 2], ..phew_graph::Conv2d::new(1, 1) };
    let arch = ArchBuilder::new("one", image).conv("conv", conv).build().unwrap();
    let weights = vec![vec![1.0, 8.0, -3.0, 7.0, 2.0, 6.0, -4.0, -5.0, 0.5, 0.25]];
    let network = Network::new(arch, weights, Vec::new()).unwrap();
    let plan = Plan::new(1.0).unwrap().with_pattern(Pattern::new(2, 4).unwrap()).unwrap();
    let mask = prune_by_scores(&network, &mut Magnitude, &plan).unwrap();
    // Place 0 has 1, 3, 2, 4 and 0.5; place 1 has 8, 7, 6, 5 and 0.25.
    let kept: Vec<usize> = mask.layers().iter().next().unwrap().iter().collect();
    assert_eq!(kept, [1, 2, 3, 6, 8, 9]);
}

#[test]
fn patterns_and_shares_stand_in_the_parameters_of_every_method_that_scores() {
    let layers = LayerShares::default().keep_whole("fc1").unwrap();
    let pattern = Some(Pattern::new(1, 4).unwrap());
    let options = phew_baselines::Options { layers, pattern, ..Default::default() };
    for entry in methods().iter().filter(|entry| !entry.needs.oracle()) {
        let options =
            phew_baselines::Options { allocation: Some(Allocation::Global), ..options.clone() };
        let mut method = entry.method(0.25, 0, &options, None).unwrap();
        let said = |name| method.parameters.iter().find(|(n, _)| *n == name).unwrap().1.clone();
        assert_eq!((said("layers"), said("pattern")), ("fc1=1".to_owned(), "1:4".to_owned()));
        let mask = method.prune(&network()).unwrap();
        // Groups of 40 and of 20 inputs in fours; the first layer is whole.
        assert_eq!(kept(&mask), [1200, 200, 50], "{}", entry.name);
        let scores = method.scores(&network()).unwrap();
        assert_eq!(scores.iter().map(Vec::len).collect::<Vec<_>>(), [1200, 800, 200]);
    }
}
