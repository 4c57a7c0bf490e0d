//! Ablations and transformations do what they say, and nothing else.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use phew_baselines::{
    Inverted, Isometry, Magnitude, Plan, Random, Refill, Reinit, Saliency, Schedule, SynFlow,
    approximate_isometry, node_path, prune_by_scores, reinitialise, repair, shuffle, widen,
};
use phew_graph::{
    Arch, ArchBuilder, Conv2d, Init, LayerMask, Mask, Network, PathGraph, Reach, Shape, TensorId,
    zoo,
};
use proptest::prelude::*;

const FIRST: TensorId = TensorId::new(0);
const SECOND: TensorId = TensorId::new(1);

fn network(arch: Arch, seed: u64) -> Network {
    Network::initialise(arch, Init::default(), seed).unwrap()
}

fn mlp(widths: &[usize]) -> Network {
    network(zoo::mlp(widths).build().unwrap(), 4)
}

fn synflow(network: &Network, density: f64) -> Mask {
    let plan =
        Plan::new(density).unwrap().with_schedule(Schedule::exponential(50).unwrap()).unwrap();
    prune_by_scores(network, &mut SynFlow::new(Saliency::L1), &plan).unwrap()
}

fn kept(mask: &Mask) -> Vec<usize> {
    mask.layers().iter().map(LayerMask::kept).collect()
}

#[test]
fn shuffling_moves_weights_and_keeps_every_layers_number() {
    let network = mlp(&[30, 40, 20]);
    let mask = synflow(&network, 0.1);
    let shuffled = shuffle(&mask, 1);
    assert_eq!(kept(&shuffled), kept(&mask));
    assert_eq!(shuffled, shuffle(&mask, 1));
    assert_ne!(shuffled, shuffle(&mask, 2));
    // 10 % of the kept weights meet by chance; a shuffle that does nothing would give 1.
    assert!(shuffled.jaccard(&mask).unwrap() < 0.3, "{}", shuffled.jaccard(&mask).unwrap());
    let dense = Mask::dense(network.arch());
    assert_eq!(shuffle(&dense, 3), dense);
}

#[test]
fn every_place_is_shuffled_to_equally_often() {
    // χ² over 24 places, 3,000 seeds. Kept places of one mask exclude each other, so the statistic is at most
    // that of independent counts: 99.9 % quantile with 23 degrees of freedom is 49.7.
    for few in [5, 19] {
        let mask = Mask::from_layers(vec![LayerMask::from_fn("w", &[4, 6], |i| i < few)]);
        let mut counts = [0usize; 24];
        for seed in 0..3000 {
            shuffle(&mask, seed).layer(FIRST).iter().for_each(|i| counts[i] += 1);
        }
        let mean = 3000.0 * few as f64 / 24.0;
        let chi2: f64 = counts.iter().map(|&c| (c as f64 - mean).powi(2) / mean).sum();
        assert!(chi2 < 49.7 && chi2 > 1.0, "{few}: {chi2}");
    }
}

fn widths(mask: &Mask, graph: &PathGraph) -> Vec<usize> {
    let reach = Reach::of_mask(graph, mask);
    graph.layers().ids().map(|l| reach.units_alive(l)).collect()
}

#[test]
fn the_width_factor_sets_the_width_of_every_layer_and_keeps_every_tensors_number() {
    let vgg = zoo::by_name("vgg11").unwrap().build().unwrap();
    for (network, density) in [(mlp(&[60, 80, 70, 10]), 0.1), (network(vgg, 1), 0.02)] {
        let mask = synflow(&network, density);
        let graph = PathGraph::new(network.arch());
        let before = widths(&mask, &graph);
        for x in [0.0, 0.25, 0.5, 1.0] {
            let wide = widen(&mask, &graph, x, 7).unwrap();
            assert_eq!(kept(&wide), kept(&mask));
            let want: Vec<usize> = before
                .iter()
                .zip(graph.layers())
                .map(|(w, l)| w + (x * (l.units - w) as f64).round() as usize)
                .collect();
            assert_eq!(widths(&wide, &graph), want, "{} x = {x}", network.arch().name());
        }
        assert!(before.iter().zip(graph.layers()).any(|(w, l)| 2 * w < l.units), "{before:?}");
    }
}

#[test]
fn widening_works_with_groups_skips_and_flattened_maps() {
    let image = Shape::Image { channels: 4, height: 4, width: 4 };
    let arch = ArchBuilder::new("grouped", image)
        .conv("a", Conv2d::new(8, 3).padding(1).groups(2))
        .relu("r")
        .conv("b", Conv2d::new(8, 3).padding(1).groups(4))
        .add("sum", &["b", "r"])
        .flatten("f")
        .linear("c", 5)
        .build()
        .unwrap();
    let network = network(arch, 2);
    let graph = PathGraph::new(network.arch());
    let mask = synflow(&network, 0.2);
    for x in [0.0, 0.5, 1.0] {
        let wide = widen(&mask, &graph, x, 3).unwrap();
        assert_eq!(kept(&wide), kept(&mask));
        assert!(Reach::of_mask(&graph, &wide).connected());
    }
    for bad in [-0.1, 1.1, f64::NAN] {
        assert!(widen(&mask, &graph, bad, 3).is_err());
    }
}

/// Mean square of some values.
fn variance(values: impl Iterator<Item = f32>) -> f64 {
    let squares: Vec<f64> = values.map(|v| f64::from(v).powi(2)).collect();
    squares.iter().sum::<f64>() / squares.len() as f64
}

#[test]
fn reinitialised_weights_have_the_variances_of_the_formulas() {
    let network = mlp(&[400, 300, 10]);
    // Unit j of the first layer keeps 100 or 300 of its 400 weights: density 1/2.
    let keep = |i: usize| i % 400 < if (i / 400).is_multiple_of(2) { 100 } else { 300 };
    let mut mask = Mask::dense(network.arch());
    *mask.layer_mut(FIRST) = LayerMask::from_fn("fc1.weight", &[300, 400], keep);
    let weights = |reinit| {
        let fresh = reinitialise(&network, &mask, reinit, Init::default(), 9).unwrap();
        let first = fresh.weights()[FIRST].to_vec();
        (first, fresh.weights()[SECOND].to_vec())
    };
    let of_units = |w: &[f32], odd: usize| {
        let rows: Vec<f32> = w
            .chunks(400)
            .enumerate()
            .filter(|(j, _)| j % 2 == odd)
            .flat_map(|(_, r)| r.to_vec())
            .collect();
        variance(rows.into_iter())
    };
    // 60,000 normal draws: relative standard error of the variance √(2/n) = 0.6 %; five of these.
    let near = |found: f64, want: f64| assert!((found / want - 1.0).abs() < 0.03, "{found} {want}");
    let (dense, dense2) = weights(Reinit::Dense);
    near(variance(dense.iter().copied()), 2.0 / 400.0);
    let (layer, layer2) = weights(Reinit::LayerwiseSparse);
    near(variance(layer.iter().copied()), 2.0 / (400.0 * 0.5));
    let (unit, unit2) = weights(Reinit::NeuronwiseSparse);
    near(of_units(&unit, 0), 2.0 / 100.0);
    near(of_units(&unit, 1), 2.0 / 300.0);
    // The second layer is dense, so all three agree there; and other seeds draw other weights.
    assert!(dense2 == layer2 && layer2 == unit2);
    assert_ne!(dense, network.weights()[FIRST]);
    let normal =
        reinitialise(&network, &mask, Reinit::Dense, Init::Normal { std: 1.0 }, 9).unwrap();
    near(variance(normal.weights()[FIRST].iter().copied()), 1.0);
}

#[test]
fn a_unit_without_kept_weights_is_reinitialised_to_zeros() {
    let network = mlp(&[5, 4, 3]);
    let mut mask = Mask::dense(network.arch());
    (10..15).for_each(|i| assert!(mask.layer_mut(FIRST).remove(i)));
    let fresh =
        reinitialise(&network, &mask, Reinit::NeuronwiseSparse, Init::default(), 0).unwrap();
    assert_eq!(fresh.weights()[FIRST][10..15], [0.0; 5]);
    assert!(fresh.weights()[FIRST][..10].iter().all(|&w| w != 0.0));
}

#[test]
fn inverted_scores_keep_what_the_plain_ones_prune_first() {
    let network = mlp(&[10, 12, 8]);
    let plain = prune_by_scores(&network, &mut Magnitude, &Plan::new(0.75).unwrap()).unwrap();
    let inverted =
        prune_by_scores(&network, &mut Inverted(Magnitude), &Plan::new(0.25).unwrap()).unwrap();
    assert_eq!(inverted, plain.not());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_repaired_mask_has_every_weight_on_a_path(seed in any::<u64>(), density in 0.05f64..0.5) {
        let network = mlp(&[6, 9, 8, 5]);
        let graph = PathGraph::new(network.arch());
        let mask = prune_by_scores(&network, &mut Random { seed }, &Plan::new(density).unwrap()).unwrap();
        let effective = Reach::of_mask(&graph, &mask).effective(&graph, &mask);
        let dropped = repair(&mask, &graph, Refill::No);
        prop_assert!(dropped.mask == effective);
        prop_assert_eq!(dropped.dropped, mask.kept() - effective.kept());
        let refilled = repair(&mask, &graph, Refill::Uniform { seed: 1 });
        prop_assert_eq!(refilled.mask.kept(), effective.kept() + refilled.refilled);
        prop_assert!(effective.is_subset(&refilled.mask).unwrap());
        let again = repair(&refilled.mask, &graph, Refill::No);
        prop_assert_eq!(again.dropped, 0);
        prop_assert!(again.mask == refilled.mask);
        let widths = |m: &Mask| widths(m, &graph);
        prop_assert_eq!(widths(&refilled.mask), widths(&effective));
    }
}

#[test]
fn a_refill_replaces_all_that_was_dropped_where_there_is_room() {
    let network = mlp(&[20, 30, 30, 10]);
    let graph = PathGraph::new(network.arch());
    let mask =
        prune_by_scores(&network, &mut Random { seed: 3 }, &Plan::new(0.06).unwrap()).unwrap();
    let repaired = repair(&mask, &graph, Refill::Uniform { seed: 5 });
    assert!(repaired.dropped > 0);
    assert_eq!(repaired.refilled, repaired.dropped);
    assert_eq!(kept(&repaired.mask), kept(&mask));
    let none = repair(&Mask::empty(network.arch()), &graph, Refill::Uniform { seed: 5 });
    assert_eq!((none.dropped, none.refilled, none.mask.kept()), (0, 0, 0));
}

/// `‖A Aᵀ − I‖` of the masked tensor on its shorter side, computed plainly.
fn distance(weights: &[f32], layer: &LayerMask) -> f64 {
    let rows = layer.shape()[0];
    let columns = layer.len() / rows;
    let at = |i: usize| if layer.get(i) { f64::from(weights[i]) } else { 0.0 };
    let wide = rows <= columns;
    let entry = |s: usize, k: usize| if wide { at(s * columns + k) } else { at(k * columns + s) };
    let (short, long) = (rows.min(columns), rows.max(columns));
    let mut sum = 0.0;
    for a in 0..short {
        for b in 0..short {
            let product: f64 = (0..long).map(|k| entry(a, k) * entry(b, k)).sum();
            sum += (product - f64::from(u8::from(a == b))).powi(2);
        }
    }
    sum.sqrt()
}

#[test]
fn approximate_isometry_makes_dense_layers_orthogonal_and_masked_ones_as_near_as_can_be() {
    let arch = ArchBuilder::new("net", Shape::Image { channels: 3, height: 6, width: 6 })
        .conv("conv", Conv2d::new(8, 3).padding(1))
        .flatten("f")
        .linear_unbiased("fc", 10)
        .build()
        .unwrap();
    let network = network(arch, 3);
    for density in [1.0, 0.4, 0.15] {
        let mask = prune_by_scores(&network, &mut Random { seed: 1 }, &Plan::new(density).unwrap())
            .unwrap();
        let (moved, reports) = approximate_isometry(&network, &mask, Isometry::default()).unwrap();
        for ((t, layer), report) in mask.layers().with_ids().zip(&reports) {
            let (old, new) = (network.weights()[t], moved.weights()[t]);
            assert!(report.converged && report.gradient <= 1e-6, "{report:?}");
            assert!((distance(old, layer) - report.before).abs() < 1e-9 * report.before);
            // The weights are rounded to f32 at the end.
            assert!((distance(new, layer) - report.after).abs() < 1e-4, "{report:?}");
            assert!(report.after < 0.5 * report.before, "{report:?}");
            if density >= 1.0 {
                assert!(report.after < 1e-4, "{report:?}");
            }
            assert!((0..layer.len()).all(|i| layer.get(i) || new[i] == 0.0));
            // No single weight can be moved to come nearer.
            for i in layer.iter().step_by(37) {
                for by in [1e-2f32, -1e-2] {
                    let mut other = new.to_vec();
                    other[i] += by;
                    assert!(distance(&other, layer) >= distance(new, layer) - 1e-5, "{t} {i}");
                }
            }
        }
    }
    let rough = Isometry { iterations: 2, tolerance: 1e-9 };
    let (_, reports) = approximate_isometry(&network, &Mask::dense(network.arch()), rough).unwrap();
    assert!(reports.iter().all(|r| !r.converged && r.iterations == 2));
}

#[test]
fn units_of_different_groups_need_not_be_orthogonal() {
    // Six units in three groups of two, two by two weights each: as one matrix the rows of different groups would
    // overlap, and could not all be orthonormal.
    let arch = ArchBuilder::new("net", Shape::Image { channels: 6, height: 3, width: 3 })
        .conv("grouped", Conv2d::new(6, 1).groups(3))
        .conv("depthwise", Conv2d::new(6, 3).groups(6))
        .flatten("f")
        .linear_unbiased("fc", 2)
        .build()
        .unwrap();
    let network = network(arch, 3);
    let dense = Mask::dense(network.arch());
    let (moved, reports) = approximate_isometry(&network, &dense, Isometry::default()).unwrap();
    let convolutions = [(FIRST, 3, 2), (SECOND, 6, 9)];
    for ((t, groups, columns), report) in convolutions.into_iter().zip(&reports) {
        assert!(report.converged && report.after < 1e-5, "{report:?}");
        let apart = |w: &[f32]| -> f64 {
            let group = |w: &[f32]| {
                let layer = LayerMask::from_fn("w", &[w.len() / columns, columns], |_| true);
                distance(w, &layer).powi(2)
            };
            w.chunks(w.len() / groups).map(group).sum::<f64>().sqrt()
        };
        assert!((apart(network.weights()[t]) - report.before).abs() < 1e-9);
        assert!(apart(moved.weights()[t]) < 1e-5);
    }
}

#[test]
fn weights_of_0_that_no_gradient_moves_are_counted_and_not_called_converged() {
    // Rows (1, 0, 0), (0, 0, 0) and (0, 0, 2): the second could be orthogonal to both, but stays.
    let arch = zoo::mlp(&[3, 3]).build().unwrap();
    let start = network(arch, 0);
    let of = |weights: [f32; 9], kept: &[usize]| {
        let mut mask = Mask::empty(start.arch());
        for &i in kept {
            mask.layer_mut(FIRST).insert(i);
        }
        let network = start.with_weights(vec![weights.to_vec()]).unwrap();
        let (moved, reports) = approximate_isometry(&network, &mask, Isometry::default()).unwrap();
        (moved.weights()[FIRST].to_vec(), reports[0].clone())
    };
    let weights = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0];
    let all: Vec<usize> = (0..9).collect();
    let (moved, report) = of(weights, &all);
    // The middle weight alone comes nearer to second order: those beside it lie in columns of norm 1.
    assert_eq!((report.stuck, report.converged), (1, false), "{report:?}");
    assert!((report.after - 1.0).abs() < 1e-6 && moved[3..6] == [0.0; 3], "{report:?}");
    // A weight that is not exactly 0 is free to grow, and weights of 0 without it are where they should be.
    let (_, free) = of([1.0, 0.0, 0.0, 0.0, 1e-3, 0.0, 0.0, 0.0, 2.0], &all);
    assert!(free.converged && free.stuck == 0 && free.after < 1e-6, "{free:?}");
    // Nothing is kept of the second row: it has nothing to move.
    let (_, pruned) = of(weights, &[0, 1, 2, 6, 7, 8]);
    assert!(pruned.converged && pruned.stuck == 0, "{pruned:?}");
    // Without a start nothing moves.
    let (_, none) = of([0.0; 9], &all);
    assert_eq!((none.stuck, none.iterations, none.converged), (9, 0, false));
}

/// Mean and spread of the squared singular values of the input-output map of a linear network.
fn gain(network: &Network, mask: &Mask, width: usize) -> (f64, f64) {
    let mut map: Vec<f64> =
        (0..width * width).map(|i| f64::from(u8::from(i % (width + 1) == 0))).collect();
    for (w, layer) in network.weights().iter().zip(mask.layers()) {
        let at = |i: usize| if layer.get(i) { f64::from(w[i]) } else { 0.0 };
        map = (0..width * width)
            .map(|i| {
                (0..width).map(|k| at(i / width * width + k) * map[k * width + i % width]).sum()
            })
            .collect();
    }
    let gram = |a: usize, b: usize| -> f64 {
        (0..width).map(|k| map[k * width + a] * map[k * width + b]).sum()
    };
    let mean = (0..width).map(|a| gram(a, a)).sum::<f64>() / width as f64;
    let squares: f64 = (0..width * width).map(|i| gram(i / width, i % width).powi(2)).sum();
    (mean, (squares / width as f64 - mean * mean).max(0.0).sqrt())
}

#[test]
fn orthogonal_layers_preserve_every_direction_and_approximate_isometry_restores_what_a_mask_takes()
{
    // Lee et al. 2020, figure 4: seven linear layers.
    let (width, widths) = (24, [24; 8]);
    let start = mlp(&widths);
    let dense = Mask::dense(start.arch());
    let ldi = reinitialise(&start, &dense, Reinit::Dense, Init::Orthogonal, 1).unwrap();
    let (mean, spread) = gain(&ldi, &dense, width);
    assert!((mean - 1.0).abs() < 1e-5 && spread < 1e-2, "{mean} {spread}");
    let mask = prune_by_scores(&ldi, &mut Random { seed: 2 }, &Plan::new(0.5).unwrap()).unwrap();
    let (pruned, _) = gain(&ldi, &mask, width);
    assert!(pruned < 0.05, "half of each layer's gain is left seven times: {pruned}");
    let (moved, reports) = approximate_isometry(&ldi, &mask, Isometry::default()).unwrap();
    assert!(reports.iter().all(|r| r.after < r.before));
    let (restored, _) = gain(&moved, &mask, width);
    assert!((restored - 1.0).abs() < 0.2, "{restored}");
}

#[test]
fn nodes_and_paths_are_those_worked_by_hand() {
    // 2 inputs, 3 hidden units, 2 outputs; kept: inputs 0, 1 to hidden 0; hidden 0 and 1 to output 0.
    let arch = zoo::mlp(&[2, 3, 2]).build().unwrap();
    let mut mask = Mask::empty(&arch);
    for (t, i) in [(FIRST, 0), (FIRST, 1), (SECOND, 0), (SECOND, 1)] {
        mask.layer_mut(t).insert(i);
    }
    let found = node_path(&mask, &PathGraph::new(&arch)).unwrap();
    // First tensor: units 0, 1 in and 0 out of 5; two paths, as many as two weights can carry.
    assert!((found[0].nodes - 3.0 / 5.0).abs() < 1e-15 && (found[0].paths - 1.0).abs() < 1e-15);
    // Second: two hidden units and one output of 5; 2 + 0 paths where 2 + 2 were possible.
    assert!((found[1].nodes - 3.0 / 5.0).abs() < 1e-15 && (found[1].paths - 0.5).abs() < 1e-15);
    assert!((found[1].objective(0.7) - (0.7 * 0.6 + 0.3 * 0.5)).abs() < 1e-15);
}

#[test]
fn random_masks_have_more_nodes_and_synflow_masks_more_paths() {
    let network = mlp(&[100, 120, 110, 10]);
    let graph = PathGraph::new(network.arch());
    let mean = |mask: &Mask| {
        let all = node_path(mask, &graph).unwrap();
        let n = all.len() as f64;
        (all.iter().map(|m| m.nodes).sum::<f64>() / n, all.iter().map(|m| m.paths).sum::<f64>() / n)
    };
    let random = mean(
        &prune_by_scores(&network, &mut Random { seed: 1 }, &Plan::new(0.05).unwrap()).unwrap(),
    );
    let flow = mean(&synflow(&network, 0.05));
    assert!(random.0 > flow.0 && random.1 < flow.1, "{random:?} {flow:?}");
}
