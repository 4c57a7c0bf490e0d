//! Path sums over dual numbers: each edge has a value and a tangent, and the tangent of a path's product is
//! `Σ_i t_i Π_{j≠i} f_j`, a product with one factor replaced.

use phew_graph::{
    ConnectionId, Direction, LayerSemiring, PathGraph, ScaledVec, Step, TensorId, Weighted, Wiring,
};
use rayon::prelude::*;

/// Scalars of a block: enough to be worth a task.
const BLOCK: usize = 1 << 14;

/// A scalar weight between two units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) connection: ConnectionId,
    pub(super) tensor: TensorId,
    pub(super) index: usize,
    pub(super) source: usize,
    pub(super) target: usize,
}

/// What the edges are worth.
pub(super) trait DualEdges: Sync {
    /// Value and tangent of a scalar weight.
    fn dual(&self, edge: Edge) -> (f64, f64);

    /// Value of the edges of a parameter-free connection, by near unit; their tangent is 0.
    fn passage(&self, connection: ConnectionId) -> &[f64];
}

/// Value and tangent of the units of a layer.
pub(super) struct Dual {
    pub(super) value: ScaledVec,
    /// The two terms of the product rule, which may lie on different scales; the first alone after a sum.
    tangents: [ScaledVec; 2],
}

impl Dual {
    fn tangent(&self) -> &ScaledVec {
        &self.tangents[0]
    }
}

/// The values and tangents of the last layer of a sweep: of the outputs (forward) or the inputs (in reverse), from
/// units that have the values `start` and no tangent.
pub(super) fn sweep<D: DualEdges>(
    graph: &PathGraph,
    edges: &D,
    direction: Direction,
    start: Vec<f64>,
) -> [ScaledVec; 2] {
    let none = ScaledVec::zeros(start.len());
    let start = Dual { value: start.into(), tangents: [none.clone(), none] };
    let layers = graph.sweep(direction, &mut DualSums(edges), start);
    let end = &layers[graph.start(direction.reversed())];
    [end.value.clone(), end.tangent().clone()]
}

struct DualSums<'a, D>(&'a D);

impl<D: DualEdges> LayerSemiring for DualSums<'_, D> {
    type Layer = Dual;

    fn weighted(&mut self, step: &Step, shape: &Weighted, near: &Dual) -> Dual {
        let edges = Edges { of: self.0, connection: step.connection, shape };
        match step.direction {
            Direction::Forward => gather(&edges, &near.value, near.tangent()),
            Direction::Reverse => scatter(&edges, &near.value, near.tangent()),
        }
    }

    fn free(&mut self, step: &Step, wiring: Wiring, near: &Dual) -> Dual {
        let passage = self.0.passage(step.connection);
        let add = |sum: &mut f64, more: &f64| *sum += more;
        let carried = |near: &ScaledVec| {
            let edges: Vec<f64> = near.values.iter().zip(passage).map(|(v, p)| v * p).collect();
            let values = match step.direction {
                Direction::Forward => wiring.onto_targets(&edges, step.units, 0.0, add),
                Direction::Reverse => wiring.onto_sources(&edges, step.units, 0.0, add),
            };
            ScaledVec { values, exponent: near.exponent }
        };
        let tangents = [carried(near.tangent()), ScaledVec::zeros(step.units)];
        Dual { value: carried(&near.value), tangents }
    }

    fn sum(&mut self, units: usize, parts: Vec<Dual>) -> Dual {
        let (values, tangents): (Vec<_>, Vec<_>) =
            parts.into_iter().map(|part| (part.value, part.tangents)).unzip();
        let tangent = ScaledVec::sum(units, &tangents.concat());
        let none = ScaledVec::zeros(units);
        Dual { value: ScaledVec::sum(units, &values), tangents: [tangent, none] }
    }
}

/// The edges of a weighted connection.
struct Edges<'a, D> {
    of: &'a D,
    connection: ConnectionId,
    shape: &'a Weighted,
}

impl<D: DualEdges> Edges<'_, D> {
    #[inline]
    fn dual(&self, index: usize, source: usize, target: usize) -> (f64, f64) {
        let Self { connection, shape: &Weighted { tensor, .. }, .. } = *self;
        self.of.dual(Edge { connection, tensor, index, source, target })
    }
}

fn gather<D: DualEdges>(edges: &Edges<'_, D>, x: &ScaledVec, dx: &ScaledVec) -> Dual {
    let shape = edges.shape;
    let (row, kernel) = (shape.row(), shape.kernel);
    let sums = |j: usize| {
        let first = shape.first_source(j);
        let mut sum = [0.0; 3];
        for i in 0..shape.inputs {
            let (x, dx) = (x.values[first + i], dx.values[first + i]);
            for k in i * kernel..(i + 1) * kernel {
                let (f, t) = edges.dual(j * row + k, first + i, j);
                add(&mut sum, f, t, x, dx);
            }
        }
        sum
    };
    let rows = (0..shape.outputs).into_par_iter().with_min_len((BLOCK / row).max(1));
    split(rows.map(sums).collect(), x.exponent, dx.exponent)
}

fn scatter<D: DualEdges>(edges: &Edges<'_, D>, y: &ScaledVec, dy: &ScaledVec) -> Dual {
    let shape = edges.shape;
    let (row, kernel, outputs) = (shape.row(), shape.kernel, shape.outputs_per_group());
    // By source unit: each sum runs over the target units in order, whatever the threads.
    let sums = |source: usize| {
        let (group, i) = (source / shape.inputs, source % shape.inputs);
        let mut sum = [0.0; 3];
        for j in group * outputs..(group + 1) * outputs {
            let (y, dy) = (y.values[j], dy.values[j]);
            for k in i * kernel..(i + 1) * kernel {
                let (f, t) = edges.dual(j * row + k, source, j);
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

fn split(sums: Vec<[f64; 3]>, exponent: i64, tangent: i64) -> Dual {
    let column =
        |c: usize, exponent| ScaledVec { values: sums.iter().map(|s| s[c]).collect(), exponent };
    Dual { value: column(0, exponent), tangents: [column(1, tangent), column(2, exponent)] }
}
