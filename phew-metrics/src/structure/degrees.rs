//! Kept weights into and out of each unit.

use phew_graph::{Edges, Mask, PathGraph};
use serde::Serialize;

/// A distribution of degrees over the units of a layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Degrees {
    /// Least degree.
    pub min: usize,
    /// Mean degree.
    pub mean: f64,
    /// Standard deviation over the units.
    pub std: f64,
    /// Greatest degree.
    pub max: usize,
    /// Degree of each unit.
    pub units: Vec<usize>,
}

impl Degrees {
    pub(super) fn new(units: Vec<usize>) -> Self {
        let count = units.len() as f64;
        let mean = units.iter().sum::<usize>() as f64 / count;
        let variance = units.iter().map(|&d| (d as f64 - mean).powi(2)).sum::<f64>() / count;
        let min = units.iter().copied().min().unwrap_or(0);
        let max = units.iter().copied().max().unwrap_or(0);
        Self { min, mean, std: variance.sqrt(), max, units }
    }
}

/// Kept weights into and out of each unit, by layer.
pub(super) fn degrees(
    graph: &PathGraph,
    mask: Option<&Mask>,
) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
    let zeros: Vec<Vec<usize>> = graph.layers().iter().map(|l| vec![0; l.units]).collect();
    let (mut into, mut out) = (zeros.clone(), zeros);
    let edges = Edges::structure().masked_by(mask);
    // Counts stay whole in f64 up to 2⁵³.
    let add = |degrees: &mut [usize], counts: Vec<f64>| {
        degrees.iter_mut().zip(counts).for_each(|(d, n)| *d += n as usize);
    };
    for tensor in 0..graph.tensors() {
        let connection = &graph.connections()[graph.weighted(tensor).0];
        let ones = |layer: usize| vec![1.0; graph.layers()[layer].units];
        let (source, target) = (connection.source, connection.target);
        add(&mut into[target], graph.onto_targets(tensor, &edges, &ones(source)));
        add(&mut out[source], graph.onto_sources(tensor, &edges, &ones(target)));
    }
    (into, out)
}
