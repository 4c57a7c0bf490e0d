//! The kernels onwards from a unit over a weighted connection, in one direction, and the draw of one of them.

use phew_graph::TensorId;

use crate::params::bias::Score;
use crate::rng::{Stream, below, unit_interval};
use crate::walk::sampling_table::{SamplingTable, UnitSampling};

/// A weighted connection: its tables, and where the kernels of a unit lie.
///
/// Of the `count` kernels onwards from a unit, number `c` is kernel `first + c · stride` of the tensor and leads
/// to unit `base + c`.
#[derive(Clone, Copy)]
pub(crate) struct OnwardKernels<'a> {
    pub(crate) tensor: TensorId,
    /// Scalars of a kernel.
    pub(crate) kernel: usize,
    pub(crate) weights: &'a [f32],
    /// Norms of the kernels `[outputs, inputs]`, or the weights where a kernel is one scalar.
    pub(crate) norms: &'a [f32],
    pub(crate) units: &'a UnitSampling,
    pub(crate) count: usize,
    pub(crate) stride: usize,
    pub(crate) forward: bool,
    pub(crate) groups: usize,
    /// Source units of a group, and target units.
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

impl<'a> OnwardKernels<'a> {
    pub(crate) fn new(table: &'a SamplingTable<'a>, forward: bool) -> Self {
        let shape = table.shape;
        let (inputs, outputs) = (shape.inputs, shape.outputs_per_group());
        Self {
            tensor: shape.tensor,
            kernel: shape.kernel,
            weights: table.weights,
            norms: table.kernels(),
            units: if forward { &table.forward } else { &table.reverse },
            count: if forward { outputs } else { inputs },
            stride: if forward { inputs } else { 1 },
            forward,
            groups: shape.groups,
            inputs,
            outputs,
        }
    }

    /// Units of a group from which the kernels lead.
    #[inline]
    pub(crate) fn near(&self) -> usize {
        if self.forward { self.inputs } else { self.outputs }
    }

    /// `first` and `base` of a unit.
    #[inline]
    pub(crate) fn fan(&self, unit: usize) -> (usize, usize) {
        let near = self.near();
        // Divisions are slow, and few networks have groups.
        let group = if self.groups == 1 { 0 } else { unit / near };
        if self.forward {
            let base = group * self.outputs;
            (base * self.inputs + (unit - group * near), base)
        } else {
            (unit * self.inputs, group * self.inputs)
        }
    }

    /// The norm of a kernel.
    #[inline]
    pub(crate) fn norm<S: Score>(&self, kernel: usize) -> f32 {
        if self.kernel == 1 { S::of(self.norms[kernel]) } else { self.norms[kernel] }
    }

    /// Draws the kernel where that takes no rejection: uneven units, and units with nothing to prefer.
    #[inline]
    pub(crate) fn draw_at_once(&self, unit: usize, stream: &mut Stream) -> Option<usize> {
        if let Some(cumulative) = self.units.cumulative(unit) {
            let total = cumulative.last().copied().unwrap_or(0.0);
            let point = unit_interval(stream.next()) * total;
            Some(cumulative.partition_point(|&c| c <= point).min(self.count - 1))
        } else if self.units.bound[unit] == 0.0 {
            Some(below(stream, self.count))
        } else {
            None
        }
    }
}
