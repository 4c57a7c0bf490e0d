//! The part of the path kernel's spectrum that needs no iteration, and what is left.
//!
//! Weights enter each other's rows of `G = JᵀJ` only through sums `Σ θ_e v_e` over edges that no path can tell
//! apart by what lies before or behind them. Such edges form a bundle: the scalars of a kernel; all edges from
//! the inputs into one unit (nothing moves the inputs); all edges of one unit to the outputs. Every edge of a
//! bundle has the same diagonal entry `F_a B_b`, and on the directions orthogonal to the bundle's θ that is all
//! there is: a bundle of n weights has the eigenvalue `F_a B_b` n − 1 times. The direction of θ itself acts like
//! one edge of weight `|θ|`. So G falls apart into known eigenvalues and the G of a network with one edge for
//! each bundle: nine times smaller for 3×3 kernels, and free of the exact multiplicities that Krylov methods
//! cannot see.

use phew_graph::{Direction, Ends, TensorId, Weighted};
use rayon::prelude::*;

use crate::analysis::Analysis;

/// The bundles of one prunable tensor, as a tensor with one edge for each.
pub(crate) struct Bundles {
    /// What the bundles run between.
    pub(crate) span: Span,
    /// Shape of the tensor of bundles.
    pub(crate) shape: Weighted,
    /// Norms of the bundles' kept weights.
    pub(crate) norms: Vec<f64>,
    /// Number of kept weights in each bundle; 0: there is no such edge.
    pub(crate) sizes: Vec<u32>,
}

/// What a bundle runs between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// From the inputs into one unit: as if each unit had an input of its own.
    FromInputs,
    /// From one unit to another.
    Units,
    /// From one unit to the outputs: as if each unit had an output of its own.
    ToOutputs,
}

impl Bundles {
    pub(crate) fn new(analysis: &Analysis<'_>, tensor: TensorId) -> Self {
        let Ends { shape, source, target, .. } = analysis.only_use(tensor);
        let [inputs, outputs] = Direction::BOTH.map(|direction| analysis.graph.start(direction));
        let kernel = |pair: usize| {
            let scalars = pair * shape.kernel..(pair + 1) * shape.kernel;
            let kept = scalars.filter(|&i| analysis.keeps(tensor, i));
            kept.fold((0.0, 0), |(square, size), i| {
                let w = f64::from(analysis.weights[tensor][i]);
                (square + w * w, size + 1)
            })
        };
        let span = if source == inputs {
            Span::FromInputs
        } else if target == outputs {
            Span::ToOutputs
        } else {
            Span::Units
        };
        // A unit's bundles as one: `pairs` lists them.
        let merge = |pairs: &mut dyn Iterator<Item = usize>| {
            pairs.map(kernel).fold((0.0, 0), |sum, k| (sum.0 + k.0, sum.1 + k.1))
        };
        let (inputs, rows) = (shape.inputs, shape.outputs_per_group());
        let single =
            |units: usize| Weighted { tensor, outputs: units, inputs: 1, kernel: 1, groups: units };
        let (shape, bundles): (Weighted, Vec<(f64, u32)>) = match span {
            Span::FromInputs => {
                let unit = |j: usize| merge(&mut (j * inputs..(j + 1) * inputs));
                (single(shape.outputs), (0..shape.outputs).into_par_iter().map(unit).collect())
            }
            Span::ToOutputs => {
                let unit = |i: usize| {
                    let (group, place) = (i / inputs, i % inputs);
                    merge(&mut (group * rows..(group + 1) * rows).map(|j| j * inputs + place))
                };
                let units = shape.groups * inputs;
                (single(units), (0..units).into_par_iter().map(unit).collect())
            }
            Span::Units => {
                let pairs = (0..shape.outputs * inputs).into_par_iter().map(kernel);
                (Weighted { kernel: 1, ..shape }, pairs.collect())
            }
        };
        let norms = bundles.iter().map(|b| b.0.sqrt()).collect();
        Self { span, shape, norms, sizes: bundles.iter().map(|b| b.1).collect() }
    }
}
