//! The scorers that need data, over an oracle that is worked out by hand.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test stops at the first surprise")]

mod support;

use std::num::NonZeroUsize;

use phew_baselines::{
    BaselineError, Grasp, GraspOrder, NtkSap, Oracle, Plan, Point, Px, PxSaliency, Saliency,
    Schedule, Scorer, Snip, SpatialSynFlow, State, SynFlow, prune_by_scores,
};
use phew_graph::{ArchBuilder, Init, Mask, Network, PathGraph, Shape, TensorId};
use support::mlp_oracle::MlpOracle;
use support::reference::{differences, mlp, mlp_arch};

const FIRST: TensorId = TensorId::new(0);
const SECOND: TensorId = TensorId::new(1);

fn network(widths: &[usize], seed: u64) -> Network {
    let mut net = ArchBuilder::new("mlp", Shape::Features(widths[0]));
    for (l, &width) in widths[1..].iter().enumerate() {
        net = net.linear_unbiased(format!("fc{l}"), width);
        if l + 2 < widths.len() {
            net = net.relu(format!("relu{l}"));
        }
    }
    Network::initialise(net.build().unwrap(), Init::default(), seed).unwrap()
}

fn scores(
    network: &Network,
    scorer: &mut dyn Scorer,
    mask: &Mask,
) -> Result<Vec<Vec<f64>>, BaselineError> {
    let (graph, weights) = (PathGraph::new(network.arch()), network.weights());
    let state = State { network, weights: &weights, graph: &graph, mask, step: 0, steps: 1 };
    let scores = scorer.score(&state)?;
    Ok(weights.with_ids().map(|(t, w)| scores.tensor(t, w.len())).collect())
}

fn f64s(network: &Network) -> Vec<Vec<f64>> {
    network.weights().iter().map(|w| w.iter().map(|&x| f64::from(x)).collect()).collect()
}

#[test]
fn the_oracle_agrees_with_finite_differences() {
    let network = network(&[5, 7, 6, 4], 3);
    let oracle = MlpOracle::random(network.arch(), 9, 1);
    let w = f64s(&network);
    let h = 1e-6;
    for temperature in [1.0, 3.0] {
        let g = oracle.loss_gradient(&w, temperature);
        let hg = oracle.hessian_product(&w, &g, temperature);
        let moved = |sign: f64| {
            let pairs = w.iter().zip(&g);
            pairs.map(|(w, g)| w.iter().zip(g).map(|(w, g)| w + sign * h * g).collect()).collect()
        };
        let (up, down) = (
            oracle.loss_gradient(&moved(1.0), temperature),
            oracle.loss_gradient(&moved(-1.0), temperature),
        );
        for t in 0..w.len() {
            for i in 0..w[t].len() {
                let mut other = w.clone();
                other[t][i] = w[t][i] + h;
                let above = oracle.loss(&other, temperature);
                other[t][i] = w[t][i] - h;
                let slope = (above - oracle.loss(&other, temperature)) / (2.0 * h);
                // Central differences: error h² · third derivative + eps / h.
                assert!((slope - g[t][i]).abs() < 1e-8, "{t} {i}: {slope} {}", g[t][i]);
                let curve = (up[t][i] - down[t][i]) / (2.0 * h);
                assert!((curve - hg[t][i]).abs() < 1e-8, "{t} {i}: {curve} {}", hg[t][i]);
            }
        }
    }
}

#[test]
fn snip_and_grasp_are_the_programs_on_the_reference_mlp() {
    let reference = mlp();
    let network = &reference.network;
    let (x, y) = reference.batch();
    let oracle = || MlpOracle::new(&mlp_arch(), &x, &y);
    let dense = Mask::dense(network.arch());
    let found = scores(network, &mut Snip(oracle()), &dense).unwrap();
    let (absolute, relative) = differences(&found, &reference.scores("snip"));
    println!("snip: {absolute:e} of the greatest, {relative:e} of each");
    // The oracle answers in f32: half a unit of its last place is 6e-8.
    assert!(absolute < 1e-7 && relative < 1e-6, "{absolute:e} {relative:e}");
    let mut grasp = Grasp::new(oracle(), GraspOrder::Highest);
    let found = scores(network, &mut grasp, &dense).unwrap();
    // No normalisation and no biases: both of the program's ways are the same.
    for key in ["grasp_weights", "grasp_all"] {
        let (absolute, relative) = differences(&found, &reference.scores(key));
        println!("{key}: {absolute:e} of the greatest, {relative:e} of each");
        assert!(absolute < 1e-7 && relative < 1e-6, "{key}: {absolute:e} {relative:e}");
    }
}

#[test]
fn grasp_keeps_the_highest_the_lowest_or_the_largest() {
    let network = network(&[6, 8, 5], 1);
    let keep = |order| {
        let mut scorer = Grasp::new(MlpOracle::random(network.arch(), 12, 4), order);
        prune_by_scores(&network, &mut scorer, &Plan::new(0.25).unwrap()).unwrap()
    };
    let mut plain = Grasp::new(MlpOracle::random(network.arch(), 12, 4), GraspOrder::Highest);
    let values = scores(&network, &mut plain, &Mask::dense(network.arch())).unwrap().concat();
    let mut sorted: Vec<usize> = (0..values.len()).collect();
    sorted.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let kept = |mask: &Mask| -> Vec<usize> {
        mask.layer(FIRST).iter().chain(mask.layer(SECOND).iter().map(|i| i + 48)).collect()
    };
    let n = values.len() / 4;
    let mut highest = sorted[..n].to_vec();
    highest.sort_unstable();
    assert_eq!(kept(&keep(GraspOrder::Highest)), highest);
    let mut lowest = sorted[values.len() - n..].to_vec();
    lowest.sort_unstable();
    assert_eq!(kept(&keep(GraspOrder::Lowest)), lowest);
    sorted.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()));
    let mut largest = sorted[..n].to_vec();
    largest.sort_unstable();
    assert_eq!(kept(&keep(GraspOrder::Largest)), largest);
}

/// Gradients that make the last weight worthless until most others are gone.
struct LateBloomer {
    seen: Vec<usize>,
}

impl Oracle for LateBloomer {
    fn gradient(&mut self, at: &Point<'_>) -> Result<Vec<Vec<f32>>, BaselineError> {
        self.seen.push(at.mask.kept());
        let len = at.mask.layer(FIRST).len();
        let mut gradient: Vec<f32> =
            (0..len).map(|i| (len - i) as f32 / at.weights[0][i].abs()).collect();
        if at.mask.kept() <= 6 {
            gradient[len - 1] = 100.0 / at.weights[0][len - 1].abs();
        }
        Ok(vec![gradient])
    }
}

#[test]
fn force_brings_a_pruned_weight_back_and_iterative_snip_does_not() {
    let network = network(&[3, 4], 0);
    let run = |schedule: Schedule| {
        let mut scorer = Snip(LateBloomer { seen: Vec::new() });
        let mask = prune_by_scores(
            &network,
            &mut scorer,
            &Plan::new(0.25).unwrap().with_schedule(schedule).unwrap(),
        )
        .unwrap();
        (mask.layer(FIRST).iter().collect::<Vec<usize>>(), scorer.0.seen)
    };
    let given = || Schedule::given(vec![0.5, 0.25]).unwrap();
    assert_eq!(run(given()), (vec![0, 1, 2], vec![12, 6]));
    assert_eq!(run(given().reviving()), (vec![0, 1, 11], vec![12, 6]));
    assert_eq!(run(Schedule::one_shot()), (vec![0, 1, 2], vec![12]));
}

#[test]
fn an_oracle_that_cannot_or_answers_too_little_is_named() {
    let network = network(&[3, 4], 0);
    let mut grasp = Grasp::new(LateBloomer { seen: vec![] }, GraspOrder::Highest);
    let error = prune_by_scores(&network, &mut grasp, &Plan::new(0.5).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "this oracle does not provide Hessian-gradient products");
    struct Short;
    impl Oracle for Short {
        fn gradient(&mut self, _: &Point<'_>) -> Result<Vec<Vec<f32>>, BaselineError> {
            Ok(vec![vec![0.0; 11]])
        }
    }
    let error = prune_by_scores(&network, &mut Snip(Short), &Plan::new(0.5).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "the gradient: found 11 values for `fc0.weight`, expected 12");
}

#[test]
fn ntk_sap_is_the_slope_of_the_gap_by_each_mask_entry() {
    let network = network(&[4, 6, 3], 2);
    let oracle = MlpOracle::random(network.arch(), 1, 1);
    let dense = Mask::dense(network.arch());
    let weights = network.weights();
    let other: Vec<Vec<f32>> =
        weights.iter().map(|w| w.iter().map(|x| x * 1.01 + 0.003).collect()).collect();
    let perturbed: Vec<&[f32]> = other.iter().map(Vec::as_slice).collect();
    let at = Point { weights: &weights, mask: &dense };
    let found = MlpOracle::random(network.arch(), 1, 1).perturbation(&at, &perturbed, 5).unwrap();
    let (w, v) = (f64s(&network), {
        other.iter().map(|w| w.iter().map(|&x| f64::from(x)).collect()).collect::<Vec<Vec<f64>>>()
    });
    let inputs = oracle.drawn(5);
    let h = 1e-6;
    for t in 0..w.len() {
        for i in 0..w[t].len() {
            let gap = |m: f64| {
                let (mut w, mut v) = (w.clone(), v.clone());
                (w[t][i], v[t][i]) = (w[t][i] * m, v[t][i] * m);
                oracle.gap(&w, &v, &inputs).0
            };
            let slope = (gap(1.0 + h) - gap(1.0 - h)) / (2.0 * h);
            assert!((slope - f64::from(found[t][i])).abs() < 1e-7, "{t} {i}: {slope}");
        }
    }
}

#[test]
fn ntk_sap_adds_its_draws_before_the_absolute_value_and_repeats_itself() {
    let network = network(&[4, 6, 3], 2);
    let dense = Mask::dense(network.arch());
    let run = |seed, draws| {
        let oracle = MlpOracle::random(network.arch(), 1, 1);
        scores(
            &network,
            &mut NtkSap::new(oracle, seed).draws(NonZeroUsize::new(draws).unwrap()),
            &dense,
        )
        .unwrap()
    };
    assert_eq!(run(7, 3), run(7, 3));
    assert_ne!(run(7, 3), run(8, 3));
    // |a + b| ≤ |a| + |b|, and somewhere the signs differ.
    let (one, two) = (run(7, 1).concat(), run(7, 2).concat());
    assert!(one.iter().zip(&two).any(|(a, b)| b < a), "no sign differs");
    let plan = Plan::new(0.3).unwrap().with_schedule(Schedule::exponential(5).unwrap()).unwrap();
    let mut scorer = NtkSap::new(MlpOracle::random(network.arch(), 1, 1), 0);
    assert_eq!(prune_by_scores(&network, &mut scorer, &plan).unwrap().kept(), 12);
}

#[test]
fn px_is_the_sum_over_enumerated_paths_weighed_by_active_ones() {
    let network = network(&[3, 4, 2], 6);
    let weights = network.weights();
    let (w1, w2) = (weights[FIRST], weights[SECOND]);
    let mut mask = Mask::dense(network.arch());
    mask.layer_mut(FIRST).remove(5);
    mask.layer_mut(SECOND).remove(2);
    let inputs = [[1.0, -0.5, 2.0], [-1.5, 0.25, 0.5]];
    let kept = |t: TensorId, i: usize| mask.layer(t).get(i);
    // By hand: path (i, j, k) is active where hidden unit j is.
    let mut activity = [0.0; 2];
    for x in inputs {
        for j in 0..4 {
            let z: f64 = (0..3)
                .filter(|i| kept(FIRST, 3 * j + i))
                .map(|i| f64::from(w1[3 * j + i]) * x[i])
                .sum();
            for (i, xi) in x.iter().enumerate() {
                for (k, a) in activity.iter_mut().enumerate() {
                    if z > 0.0 && kept(FIRST, 3 * j + i) && kept(SECOND, 4 * k + j) {
                        *a += xi * xi;
                    }
                }
            }
        }
    }
    let mut oracle = MlpOracle::new(network.arch(), &inputs.concat(), &[0, 1]);
    let at = Point { weights: &weights, mask: &mask };
    assert_eq!(oracle.path_activation(&at).unwrap(), activity);
    let mut derivative = [vec![0.0; 12], vec![0.0; 8]];
    let mut total = 0.0;
    for i in 0..3 {
        for j in 0..4 {
            for (k, a) in activity.iter().enumerate() {
                let (e1, e2) = (3 * j + i, 4 * k + j);
                if kept(FIRST, e1) && kept(SECOND, e2) {
                    let (s1, s2) = (f64::from(w1[e1]).powi(2), f64::from(w2[e2]).powi(2));
                    derivative[0][e1] += a * s2;
                    derivative[1][e2] += a * s1;
                    total += a * s1 * s2;
                }
            }
        }
    }
    for saliency in [PxSaliency::Conserved, PxSaliency::Program] {
        let oracle = MlpOracle::new(network.arch(), &inputs.concat(), &[0, 1]);
        let found = scores(&network, &mut Px::new(oracle, saliency), &mask).unwrap();
        for ((t, weights), (derivative, found)) in
            weights.with_ids().zip(derivative.iter().zip(&found))
        {
            for i in (0..weights.len()).filter(|&i| kept(t, i)) {
                let d = derivative[i] / total;
                let square = f64::from(weights[i]).powi(2);
                let want =
                    if saliency == PxSaliency::Program { square * d * d } else { square * d };
                assert!((found[i] - want).abs() <= 1e-9 * want, "{t} {i}: {} {want}", found[i]);
            }
        }
    }
}

#[test]
fn px_with_one_output_is_synflow_l2_of_the_conserved_kind() {
    let network = network(&[6, 9, 7, 1], 8);
    let plan = Plan::new(0.2).unwrap().with_schedule(Schedule::exponential(20).unwrap()).unwrap();
    let oracle = MlpOracle::random(network.arch(), 5, 3);
    let px = prune_by_scores(&network, &mut Px::new(oracle, PxSaliency::Conserved), &plan).unwrap();
    let flow = prune_by_scores(&network, &mut SynFlow::new(Saliency::L2Conserved), &plan).unwrap();
    assert!(px == flow);
}

/// PX with given activities of the outputs.
struct Activity(Vec<f64>);

impl Oracle for Activity {
    fn gradient(&mut self, _: &Point<'_>) -> Result<Vec<Vec<f32>>, BaselineError> {
        unreachable!("PX asks for no gradient")
    }

    fn path_activation(&mut self, _: &Point<'_>) -> Result<Vec<f64>, BaselineError> {
        Ok(self.0.clone())
    }
}

#[test]
fn px_and_synflow_score_a_network_without_paths_0() {
    let network = network(&[3, 4, 2], 6);
    let dense = Mask::dense(network.arch());
    let mut weights: Vec<Vec<f32>> = network.weights().iter().map(|w| w.to_vec()).collect();
    weights[1].fill(0.0);
    let cut = network.with_weights(weights).unwrap();
    let zeros = [vec![0.0; 12], vec![0.0; 8]];
    let flow = scores(&cut, &mut SynFlow::new(Saliency::L2Conserved), &dense).unwrap();
    assert_eq!(flow, zeros);
    for saliency in [PxSaliency::Conserved, PxSaliency::Program] {
        let px = |network, activity: [f64; 2]| {
            scores(network, &mut Px::new(Activity(activity.to_vec()), saliency), &dense).unwrap()
        };
        assert_eq!(px(&cut, [1.0, 2.0]), zeros, "no path");
        assert_eq!(px(&network, [0.0, 0.0]), zeros, "no active path");
    }
}

#[test]
fn ones_through_the_layers_and_the_path_graph_are_the_same_on_an_mlp() {
    let network = network(&[9, 12, 10, 6], 8);
    let plan = Plan::new(0.1).unwrap().with_schedule(Schedule::exponential(30).unwrap()).unwrap();
    for saliency in [Saliency::L1, Saliency::L2, Saliency::L2Conserved] {
        let oracle = MlpOracle::random(network.arch(), 1, 3);
        let spatial =
            prune_by_scores(&network, &mut SpatialSynFlow::new(oracle, saliency), &plan).unwrap();
        let graph = prune_by_scores(&network, &mut SynFlow::new(saliency), &plan).unwrap();
        assert!(spatial == graph, "{saliency:?}");
    }
}
