//! Path sums with a derivative: each edge has a value and a tangent, and the tangent of a path's product is
//! `Σ_i t_i Π_{j≠i} f_j`, a product with one factor replaced.
//!
//! phew-graph's engine sums products; this one carries the pair along, for expectations of Π(p, p).

use phew_graph::{Kind, PathGraph, Weighted};
use rayon::prelude::*;

use crate::scaled::ScaledVec;

/// Scalars of a block: enough to be worth a task.
const BLOCK: usize = 1 << 14;

/// A scalar weight between two units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub(crate) tensor: usize,
    pub(crate) index: usize,
    pub(crate) source: usize,
    pub(crate) target: usize,
}

/// What the edges are worth.
pub(crate) trait Dual: Sync {
    /// Value and tangent of a scalar weight.
    fn dual(&self, edge: Edge) -> (f64, f64);

    /// Value of the parameter-free edges of a connection; their tangent is 0.
    fn passage(&self, _connection: usize) -> f64 {
        1.0
    }
}

/// Value and tangent of each unit, layer by layer.
#[derive(Clone, Debug)]
pub(crate) struct DualSums {
    pub(crate) values: Vec<ScaledVec>,
    pub(crate) tangents: Vec<ScaledVec>,
}

/// What one connection carries: the values, and the two terms of the product rule.
type Carried = (ScaledVec, [ScaledVec; 2]);

/// From the input units, which have the values `start` and no tangent.
pub(crate) fn forward<D: Dual>(graph: &PathGraph, dual: &D, start: Vec<f64>) -> DualSums {
    let mut sums = DualSums::starting(graph, 0, start);
    for (l, layer) in graph.layers().iter().enumerate().skip(1) {
        let part = |&c: &usize| {
            let source = graph.connections()[c].source;
            let (x, dx) = (&sums.values[source], &sums.tangents[source]);
            match &graph.connections()[c].kind {
                Kind::Weighted(shape) => gather(shape, dual, x, dx),
                Kind::Identity => pass(dual.passage(c), x, dx, Vec::clone),
                Kind::Flatten { block } => pass(dual.passage(c), x, dx, |v| {
                    v.iter().flat_map(|&v| std::iter::repeat_n(v, *block)).collect()
                }),
            }
        };
        let parts = layer.incoming.iter().map(part).collect();
        sums.set(l, layer.units, parts);
    }
    sums
}

/// From the output units, against the edges.
pub(crate) fn backward<D: Dual>(graph: &PathGraph, dual: &D, start: Vec<f64>) -> DualSums {
    let last = graph.layers().len() - 1;
    let mut sums = DualSums::starting(graph, last, start);
    for (l, layer) in graph.layers().iter().enumerate().take(last).rev() {
        let part = |&c: &usize| {
            let target = graph.connections()[c].target;
            let (y, dy) = (&sums.values[target], &sums.tangents[target]);
            match &graph.connections()[c].kind {
                Kind::Weighted(shape) => scatter(shape, dual, y, dy),
                Kind::Identity => pass(dual.passage(c), y, dy, Vec::clone),
                Kind::Flatten { block } => pass(dual.passage(c), y, dy, |v| {
                    v.chunks(*block).map(|features| features.iter().sum()).collect()
                }),
            }
        };
        let parts = layer.outgoing.iter().map(part).collect();
        sums.set(l, layer.units, parts);
    }
    sums
}

impl DualSums {
    fn starting(graph: &PathGraph, layer: usize, start: Vec<f64>) -> Self {
        let zeros = || graph.layers().iter().map(|l| ScaledVec::zeros(l.units)).collect::<Vec<_>>();
        let mut sums = Self { values: zeros(), tangents: zeros() };
        let units = start.len();
        sums.values[layer] = ScaledVec::sum(units, &[ScaledVec { values: start, exponent: 0 }]);
        sums
    }

    fn set(&mut self, layer: usize, units: usize, parts: Vec<Carried>) {
        let (values, tangents): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        self.values[layer] = ScaledVec::sum(units, &values);
        self.tangents[layer] = ScaledVec::sum(units, &tangents.concat());
    }
}

fn pass(
    value: f64,
    x: &ScaledVec,
    dx: &ScaledVec,
    carry: impl Fn(&Vec<f64>) -> Vec<f64>,
) -> Carried {
    let scaled = |v: &ScaledVec| {
        let values = carry(&v.values).into_iter().map(|v| v * value).collect();
        ScaledVec { values, exponent: v.exponent }
    };
    let (y, dy) = (scaled(x), scaled(dx));
    let none = ScaledVec::zeros(y.values.len());
    (y, [dy, none])
}

fn gather<D: Dual>(shape: &Weighted, dual: &D, x: &ScaledVec, dx: &ScaledVec) -> Carried {
    let (row, kernel) = (shape.row(), shape.kernel);
    let sums = |j: usize| {
        let first = shape.first_source(j);
        let mut sum = [0.0; 3];
        for i in 0..shape.inputs {
            let (x, dx) = (x.values[first + i], dx.values[first + i]);
            let (tensor, source) = (shape.tensor, first + i);
            for k in i * kernel..(i + 1) * kernel {
                let (f, t) = dual.dual(Edge { tensor, index: j * row + k, source, target: j });
                add(&mut sum, f, t, x, dx);
            }
        }
        sum
    };
    let rows = (0..shape.outputs).into_par_iter().with_min_len((BLOCK / row).max(1));
    split(rows.map(sums).collect(), x.exponent, dx.exponent)
}

fn scatter<D: Dual>(shape: &Weighted, dual: &D, y: &ScaledVec, dy: &ScaledVec) -> Carried {
    let (row, kernel, outputs) = (shape.row(), shape.kernel, shape.outputs_per_group());
    // By source unit: each sum runs over the target units in order, whatever the threads.
    let sums = |source: usize| {
        let (group, i) = (source / shape.inputs, source % shape.inputs);
        let (tensor, mut sum) = (shape.tensor, [0.0; 3]);
        for j in group * outputs..(group + 1) * outputs {
            let (y, dy) = (y.values[j], dy.values[j]);
            for k in i * kernel..(i + 1) * kernel {
                let (f, t) = dual.dual(Edge { tensor, index: j * row + k, source, target: j });
                add(&mut sum, f, t, y, dy);
            }
        }
        sum
    };
    let units = (0..shape.groups * shape.inputs).into_par_iter();
    let units = units.with_min_len((BLOCK / shape.fan_out()).max(1));
    split(units.map(sums).collect(), y.exponent, dy.exponent)
}

#[inline]
fn add(sum: &mut [f64; 3], f: f64, t: f64, x: f64, dx: f64) {
    sum[0] += f * x;
    sum[1] += f * dx;
    sum[2] += t * x;
}

fn split(sums: Vec<[f64; 3]>, exponent: i64, tangent: i64) -> Carried {
    let column =
        |c: usize, exponent| ScaledVec { values: sums.iter().map(|s| s[c]).collect(), exponent };
    (column(0, exponent), [column(1, tangent), column(2, exponent)])
}
