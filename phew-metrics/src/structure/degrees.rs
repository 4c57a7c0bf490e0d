//! Kept weights into and out of each unit.

use phew_graph::{ByLayer, ByTensor, Direction, Edges, Ends, Mask, PathGraph, TensorId};
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

/// Kept weights of one prunable tensor at each unit of the layers that it joins, by each of its uses.
pub(super) struct Degree {
    /// Into each target unit.
    pub(super) into: Vec<usize>,
    /// Out of each source unit.
    pub(super) out: Vec<usize>,
}

/// The degrees at each prunable tensor.
pub(super) fn degrees(graph: &PathGraph, mask: Option<&Mask>) -> ByTensor<Degree> {
    let edges = Edges::structure().masked_by(mask);
    let of = |tensor: TensorId| {
        // Of several uses any: all have the tensor's shape.
        let shape = graph.shape(tensor);
        let connection = graph.uses(tensor).map(|ends| ends.connection).next();
        // Counts stay whole in f64 up to 2⁵³.
        let count = |direction, units: usize| match connection {
            Some(connection) => {
                let counts = graph.carry(connection, direction, &edges, &vec![1.0; units]);
                counts.into_iter().map(|n| n as usize).collect()
            }
            None => Vec::new(),
        };
        Degree {
            into: count(Direction::Forward, shape.groups * shape.inputs),
            out: count(Direction::Reverse, shape.outputs),
        }
    };
    graph.tensors().map(of).collect()
}

/// Kept weights into and out of each unit.
pub(super) fn by_layer(graph: &PathGraph, degrees: &ByTensor<Degree>) -> [ByLayer<Vec<usize>>; 2] {
    let zeros: ByLayer<Vec<usize>> = graph.layers().iter().map(|l| vec![0; l.units]).collect();
    let [mut into, mut out] = [zeros.clone(), zeros];
    let add = |units: &mut [usize], more: &[usize]| {
        units.iter_mut().zip(more).for_each(|(d, n)| *d += n);
    };
    for (tensor, degree) in degrees.with_ids() {
        for Ends { source, target, .. } in graph.uses(tensor) {
            add(&mut into[target], &degree.into);
            add(&mut out[source], &degree.out);
        }
    }
    [into, out]
}
