//! Spectral gaps of graphs whose spectra are known.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use phew_graph::{Init, LayerMask, Mask, Network, zoo};
use phew_metrics::Analysis;

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
