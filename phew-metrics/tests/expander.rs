//! Spectral gaps of graphs whose spectra are known.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::tiny;
use faer::{Mat, Side};
use phew_graph::{ByLayer, Init, Kind, LayerMask, Mask, Network, PathGraph, zoo};
use phew_metrics::Analysis;
use proptest::prelude::*;

fn network(widths: &[usize]) -> Network {
    Network::initialise(zoo::mlp(widths).build().unwrap(), Init::default(), 0).unwrap()
}

fn masked(network: &Network, keep: impl Fn(usize, usize) -> bool) -> Mask {
    let layers = network.arch().prunable().iter().enumerate();
    let layer = |(t, s): (usize, &phew_graph::TensorSpec)| {
        LayerMask::from_fn(&s.name, &s.shape, |i| keep(t, i))
    };
    Mask::from_layers(layers.map(layer).collect())
}

/// The complete bipartite graph has one singular value, √(n·m); its normalised adjacency matrix has 1, 0 and −1.
#[test]
fn complete_layers_have_the_widest_gap() {
    for [n, m] in [[6, 9], [80, 100]] {
        let network = network(&[n, m]);
        let analysis = Analysis::new(&network, None).unwrap();
        let gap = &analysis.layer_gaps().unwrap()[0];
        assert!((gap.first - ((n * m) as f64).sqrt()).abs() < 1e-9 && gap.second < 1e-6);
        let expected = ((n - 1) as f64).sqrt() + ((m - 1) as f64).sqrt();
        assert!((gap.ramanujan - expected).abs() < 1e-12 && gap.is_ramanujan());
        assert!((analysis.network_gap().unwrap() - 1.0).abs() < 1e-9);
    }
}

/// Edges i → i and i → i + 1 around a circle: singular values 2·cos(πk/n), and the cycle of 2n units has the
/// eigenvalues cos(2πk/2n).
#[test]
fn a_ring_has_the_spectrum_of_a_cycle() {
    for n in [8, 70] {
        let network = network(&[n, n]);
        let mask = masked(&network, |_, i| [i % n, (i + 1) % n].contains(&(i / n)));
        let analysis = Analysis::new(&network, Some(&mask)).unwrap();
        let gap = &analysis.layer_gaps().unwrap()[0];
        let angle = std::f64::consts::PI / n as f64;
        assert!((gap.first - 2.0).abs() < 1e-9);
        assert!((gap.second - 2.0 * angle.cos()).abs() < 1e-9, "{gap:?}");
        assert!((gap.gap() - 2.0 * (1.0 - angle.cos())).abs() < 1e-9 && gap.is_ramanujan());
        assert!((analysis.network_gap().unwrap() - (1.0 - angle.cos())).abs() < 1e-9);
    }
}

#[test]
fn a_network_in_two_parts_has_no_gap() {
    for n in [4, 150] {
        let network = network(&[n, n, n]);
        let mask = masked(&network, |_, i| (i / n < n / 2) == (i % n < n / 2));
        let analysis = Analysis::new(&network, Some(&mask)).unwrap();
        assert!(analysis.network_gap().unwrap().abs() < 1e-15);
        let gap = &analysis.layer_gaps().unwrap()[0];
        assert!((gap.first - (n / 2) as f64).abs() < 1e-9 && gap.gap() < 1e-9, "{gap:?}");
    }
}

/// Singular values, greatest first.
fn singular_values(matrix: &Mat<f64>) -> Vec<f64> {
    matrix.singular_values().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn gaps_are_those_of_the_matrices_themselves(seed: u64) {
        let tiny = tiny(seed);
        let graph = PathGraph::new(tiny.network.arch());
        let analysis = Analysis::new(&tiny.network, Some(&tiny.mask)).unwrap();
        let gaps = analysis.layer_gaps().unwrap();
        let mut units = 0;
        let first: ByLayer<usize> = graph.layers().iter().map(|layer| {
            units += layer.units;
            units - layer.units
        }).collect();
        let mut adjacency: Mat<f64> = Mat::zeros(units, units);
        for c in graph.connections() {
            let (rows, columns) = (graph[c.target].units, graph[c.source].units);
            let mut counts: Mat<f64> = Mat::zeros(rows, columns);
            match c.kind {
                Kind::Weighted(shape) => {
                    let layer = tiny.mask.layer(shape.tensor);
                    layer.iter().for_each(|index| {
                        let (i, j) = shape.ends(index);
                        counts[(j, i)] += 1.0;
                    });
                    let gap = &gaps[shape.tensor.index()];
                    let values = singular_values(&counts);
                    prop_assert!((gap.first - values[0]).abs() < 1e-9);
                    prop_assert!((gap.second - values.get(1).copied().unwrap_or(0.0)).abs() < 1e-9);
                    let mean = |degrees: Vec<f64>| {
                        let used = degrees.iter().filter(|&&d| d > 0.0).count().max(1);
                        degrees.iter().sum::<f64>() / used as f64
                    };
                    let into = (0..rows).map(|j| (0..columns).map(|i| counts[(j, i)]).sum());
                    let out = (0..columns).map(|i| (0..rows).map(|j| counts[(j, i)]).sum());
                    let root = |d: f64| (d - 1.0).max(0.0).sqrt();
                    let bound = root(mean(into.collect())) + root(mean(out.collect()));
                    prop_assert!((gap.ramanujan - bound).abs() < 1e-12);
                }
                Kind::Free(wiring) => wiring.pairs(rows).for_each(|(i, j)| counts[(j, i)] = 1.0),
            }
            for j in 0..rows {
                for i in 0..columns {
                    let (a, b) = (first[c.target] + j, first[c.source] + i);
                    adjacency[(a, b)] += counts[(j, i)];
                    adjacency[(b, a)] += counts[(j, i)];
                }
            }
        }
        let degrees: Vec<f64> =
            (0..units).map(|a| (0..units).map(|b| adjacency[(a, b)]).sum()).collect();
        let used: Vec<usize> = (0..units).filter(|&u| degrees[u] > 0.0).collect();
        let normal = Mat::from_fn(used.len(), used.len(), |a, b| {
            let (a, b) = (used[a], used[b]);
            adjacency[(a, b)] / (degrees[a] * degrees[b]).sqrt()
        });
        let gap = match used.len() {
            0 | 1 => 0.0,
            n => 1.0 - normal.self_adjoint_eigenvalues(Side::Lower).unwrap()[n - 2],
        };
        prop_assert!((analysis.network_gap().unwrap() - gap).abs() < 1e-9);
    }
}
