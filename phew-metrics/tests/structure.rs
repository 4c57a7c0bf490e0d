//! Structure, cost and likeness of masks against counts scalar by scalar.

mod common;

use common::{Tiny, kept_chains, tiny, tiny_with};
use phew_graph::{ByLayer, ConnectionId, Direction, Kind, LayerId, LayerMask, Mask, Op, PathGraph};
use phew_metrics::{Analysis, similarity};
use proptest::prelude::*;

/// The kept edges of a connection with the units they join, by arithmetic on the tensor's shape; parameter-free
/// edges have no weight.
fn edges(tiny: &Tiny, graph: &PathGraph, c: ConnectionId) -> Vec<(usize, usize, bool)> {
    let connection = &graph[c];
    match connection.kind {
        Kind::Weighted(shape) => {
            let layer = tiny.mask.layer(shape.tensor);
            let dims = layer.shape();
            let kernel: usize = dims[2..].iter().product();
            let (outputs, inputs) = (dims[0], dims[1]);
            let groups = graph[connection.source].units / inputs;
            let mut edges = Vec::new();
            for j in 0..outputs {
                for i in 0..inputs {
                    for k in 0..kernel {
                        if layer.get((j * inputs + i) * kernel + k) {
                            edges.push((j / (outputs / groups) * inputs + i, j, true));
                        }
                    }
                }
            }
            edges
        }
        Kind::Free(wiring) => {
            let targets = graph[connection.target].units;
            wiring.pairs(targets).map(|(source, target)| (source, target, false)).collect()
        }
    }
}

/// Whether weights enter a unit, through parameter-free edges too; the inputs are always fed.
fn fed(tiny: &Tiny, graph: &PathGraph, layer: LayerId, unit: usize) -> bool {
    layer == graph.start(Direction::Forward)
        || graph[layer].incoming.iter().any(|&c| {
            let source = graph[c].source;
            edges(tiny, graph, c)
                .into_iter()
                .any(|(i, j, weight)| j == unit && (weight || fed(tiny, graph, source, i)))
        })
}

/// Whether weights leave a unit, through parameter-free edges too; the outputs always feed.
fn feeds(tiny: &Tiny, graph: &PathGraph, layer: LayerId, unit: usize) -> bool {
    layer == graph.start(Direction::Reverse)
        || graph[layer].outgoing.iter().any(|&c| {
            let target = graph[c].target;
            edges(tiny, graph, c)
                .into_iter()
                .any(|(i, j, weight)| i == unit && (weight || feeds(tiny, graph, target, j)))
        })
}

/// For each unit whether a kept path passes it: forward from the inputs and backward from the outputs.
fn alive(tiny: &Tiny, graph: &PathGraph) -> ByLayer<Vec<bool>> {
    fn reaches(tiny: &Tiny, graph: &PathGraph, at: (LayerId, usize), end: LayerId) -> bool {
        let (layer, unit) = at;
        if layer == end {
            return true;
        }
        let ahead = end == graph.start(Direction::Reverse);
        let onward = &graph[layer];
        let onward = if ahead { &onward.outgoing } else { &onward.incoming };
        onward.iter().any(|&c| {
            let connection = &graph[c];
            edges(tiny, graph, c).into_iter().any(|(i, j, _)| match ahead {
                true => i == unit && reaches(tiny, graph, (connection.target, j), end),
                false => j == unit && reaches(tiny, graph, (connection.source, i), end),
            })
        })
    }
    let ends = Direction::BOTH.map(|direction| graph.start(direction));
    let passed = |l, u| ends.iter().all(|&end| reaches(tiny, graph, (l, u), end));
    let layers = graph.layers().with_ids();
    layers.map(|(l, layer)| (0..layer.units).map(|u| passed(l, u)).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn degrees_widths_and_wasted_units_are_counted_unit_by_unit(seed: u64, ties: bool) {
        let tiny = tiny_with(seed, ties);
        let graph = PathGraph::new(tiny.network.arch());
        let analysis = Analysis::new(&tiny.network, Some(&tiny.mask)).unwrap();
        let structure = analysis.structure();
        let alive = alive(&tiny, &graph);
        let whole = Mask::dense(tiny.network.arch());
        let [dense, unmasked] = [Some(&whole), None]
            .map(|mask| Analysis::new(&tiny.network, mask).unwrap().structure());
        prop_assert_eq!(dense, unmasked);
        let (mut hidden, mut dead, mut hidden_stubs) = (0, 0, 0);
        let ends = Direction::BOTH.map(|direction| graph.start(direction));
        for ((l, layer), found) in graph.layers().with_ids().zip(&structure.layers) {
            let end = ends.contains(&l);
            let degree = |connections: &[ConnectionId], end: fn(&(usize, usize, bool)) -> usize| {
                let mut degrees = vec![0; layer.units];
                for &c in connections {
                    for edge in edges(&tiny, &graph, c).iter().filter(|e| e.2) {
                        degrees[end(edge)] += 1;
                    }
                }
                degrees
            };
            let (into, out) = (degree(&layer.incoming, |e| e.1), degree(&layer.outgoing, |e| e.0));
            let (mut stubs, mut isolated) = (0, 0);
            for u in 0..layer.units {
                let (fed, feeds) = (fed(&tiny, &graph, l, u), feeds(&tiny, &graph, l, u));
                let wasted = |weights: usize, other: bool| (weights > 0 || end) && !other;
                stubs += usize::from(wasted(into[u], feeds) || wasted(out[u], fed));
                isolated += usize::from(!fed && !feeds);
            }
            let living = alive[l].iter().filter(|&&a| a).count();
            prop_assert_eq!((found.alive, found.stubs, found.isolated), (living, stubs, isolated));
            for (degrees, expected) in [(&found.in_degree, &into), (&found.out_degree, &out)] {
                prop_assert_eq!(&degrees.units, expected);
                prop_assert_eq!(degrees.min, *expected.iter().min().unwrap());
                prop_assert_eq!(degrees.max, *expected.iter().max().unwrap());
                let n = expected.len() as f64;
                let mean = expected.iter().sum::<usize>() as f64 / n;
                let square = expected.iter().map(|&d| (d * d) as f64).sum::<f64>() / n;
                prop_assert!((degrees.mean - mean).abs() < 1e-12);
                prop_assert!((degrees.std.powi(2) - (square - mean * mean)).abs() < 1e-9);
            }
            if !end {
                hidden += layer.units;
                dead += layer.units - living;
                hidden_stubs += stubs;
            }
        }
        prop_assert_eq!(structure.hidden_stubs(), hidden_stubs);
        let collapse = if hidden > 0 { dead as f64 / hidden as f64 } else { 0.0 };
        prop_assert!((structure.neuron_collapse() - collapse).abs() < 1e-15);
        let nothing = |l: &&LayerMask| l.iter().next().is_none();
        let expected: Vec<&str> = match tiny.mask.kept() {
            0 => Vec::new(),
            _ => tiny.mask.layers().iter().filter(nothing).map(LayerMask::name).collect(),
        };
        prop_assert_eq!(structure.collapsed(), expected);
    }

    #[test]
    fn effective_density_counts_the_weights_of_surviving_paths(seed: u64, ties: bool) {
        let tiny = tiny_with(seed, ties);
        let analysis = Analysis::new(&tiny.network, Some(&tiny.mask)).unwrap();
        let kept = kept_chains(&tiny);
        let structure = analysis.structure();
        let mut on_path: Vec<_> = kept.iter().flatten().copied().collect();
        on_path.sort_unstable();
        on_path.dedup();
        prop_assert_eq!(structure.effective, on_path.len());
        prop_assert_eq!(structure.kept, tiny.mask.kept());
        prop_assert_eq!(structure.connected, !kept.is_empty());
        for ((t, layer), tensor) in tiny.mask.layers().with_ids().zip(&structure.tensors) {
            let on_path = on_path.iter().filter(|&&(u, _)| u == t).count();
            prop_assert_eq!((tensor.effective, tensor.kept), (on_path, layer.kept()));
        }
    }

    #[test]
    fn operations_are_counted_window_by_window(seed: u64, ties: bool) {
        let tiny = tiny_with(seed, ties);
        let cost = Analysis::new(&tiny.network, Some(&tiny.mask)).unwrap().cost();
        let arch = tiny.network.arch();
        for ((t, spec), layer) in arch.prunable().with_ids().zip(&cost.layers) {
            // Windows that fit into the padded input, one for each step of the stride, of each layer that uses the weight.
            let of_layer = |&node: &usize| match &arch.nodes()[node].op {
                Op::Conv2d(conv) => {
                    let from = arch.nodes()[arch.nodes()[node].inputs[0]].shape.sizes();
                    let along = |axis: usize| {
                        let padded = from[1 + axis] + 2 * conv.padding[axis];
                        (0..padded)
                            .step_by(conv.stride[axis])
                            .filter(|at| at + conv.kernel[axis] <= padded)
                            .count()
                    };
                    along(0) * along(1)
                }
                _ => 1,
            };
            let windows: usize = spec.nodes.iter().map(of_layer).sum();
            let kept = (0..spec.len()).filter(|&i| tiny.mask.layer(t).get(i)).count();
            prop_assert_eq!((layer.parameters, layer.sparse_parameters), (spec.len(), kept));
            prop_assert_eq!(layer.flops, 2 * (windows * spec.len()) as u64);
            prop_assert_eq!(layer.sparse_flops, 2 * (windows * kept) as u64);
        }
        prop_assert_eq!(cost.flops(), cost.layers.iter().map(|l| l.flops).sum::<u64>());
        prop_assert_eq!(cost.sparse_flops(), cost.layers.iter().map(|l| l.sparse_flops).sum::<u64>());
    }

    #[test]
    fn overlaps_are_counted_scalar_by_scalar(seed: u64, other: u64) {
        let tiny = tiny(seed);
        let a = &tiny.mask;
        let mut state = other;
        let layers = a.layers().iter().map(|l| {
            let keep: Vec<bool> = (0..l.len())
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    state >> 62 == 0
                })
                .collect();
            LayerMask::from_fn(l.name(), l.shape(), |i| keep[i])
        });
        let b = Mask::from_layers(layers.collect());
        let found = similarity(a, &b).unwrap();
        let index = |both: usize, either: usize| match either {
            0 => 1.0,
            n => both as f64 / n as f64,
        };
        let (mut all_both, mut all_either) = (0, 0);
        for ((a, b), layer) in a.layers().iter().zip(b.layers()).zip(&found.layers) {
            let both = (0..a.len()).filter(|&i| a.get(i) && b.get(i)).count();
            let either = (0..a.len()).filter(|&i| a.get(i) || b.get(i)).count();
            prop_assert_eq!((layer.common, layer.total), (both, a.len()));
            prop_assert!((layer.jaccard - index(both, either)).abs() < 1e-15);
            prop_assert!((0.0..=1.0).contains(&layer.by_chance));
            all_both += both;
            all_either += either;
        }
        prop_assert_eq!(found.overall.common, all_both);
        prop_assert!((found.overall.jaccard - index(all_both, all_either)).abs() < 1e-15);
    }
}
