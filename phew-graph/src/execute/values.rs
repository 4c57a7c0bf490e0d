//! Where the values of a plan lie.

use std::collections::BTreeMap;

use super::against_stride::reach;
use super::geometry::{Geometry, Layout};
use crate::arch::op::Window;
use crate::arch::{Arch, Op};

/// The window and the groups of a layer with weights; for a linear layer a window of one position.
pub(super) fn window(op: &Op) -> Option<(Window, usize)> {
    match op {
        Op::Conv2d(conv) => Some((conv.window(), conv.groups)),
        Op::Conv1d(conv) => Some((conv.over_a_row().window(), conv.groups)),
        Op::Linear(_) => {
            let (kernel, stride, dilation) = ([1; 2], [1; 2], [1; 2]);
            Some((Window { kernel, stride, padding: [0; 2], dilation, ceil: false }, 1))
        }
        _ => None,
    }
}

/// The window and the groups of a transposed convolution, which looks at its output through it.
pub(super) fn transposed(op: &Op) -> Option<(Window, usize)> {
    match op {
        Op::ConvTranspose2d(conv) => Some((conv.window(), conv.groups)),
        Op::ConvTranspose1d(conv) => Some((conv.over_a_row().window(), conv.groups)),
        _ => None,
    }
}

/// The values of a plan: the results of the nodes, and then those that lie in parts, one for each remainder by a stride: what is
/// read with it, and what a transposed convolution computes.
#[derive(Debug)]
pub(super) struct Values {
    pub(super) geometries: Vec<Geometry>,
    /// The parted values, by the value that is parted and the stride.
    parted: BTreeMap<(usize, [usize; 2]), usize>,
    /// The parts of transposed convolutions, by their node.
    joined: BTreeMap<usize, usize>,
}

impl Values {
    /// Each value has a border as wide as the padding of what reads it.
    ///
    /// Where positions lie innermost, a convolution of a greater stride than 1 reads what has been parted by it, so that
    /// all convolutions have a stride of 1, and rows of what it reads and writes are made equally long.
    pub(super) fn new(arch: &Arch, layout: Layout) -> Self {
        let nodes = arch.nodes();
        let mut border = vec![[0; 2]; nodes.len()];
        for node in nodes {
            if let Some((window, _)) = window(&node.op) {
                let own = &mut border[node.inputs[0]];
                *own = [0, 1].map(|axis| own[axis].max(window.padding[axis]));
            }
            if let Some((window, _)) = transposed(&node.op) {
                let [windows, map] = [nodes[node.inputs[0]].shape, node.shape]
                    .map(|shape| Geometry::of(shape, [0; 2], layout).size);
                // All parts are as long as the longest.
                let map = [0, 1].map(|axis| map[axis].next_multiple_of(window.stride[axis]));
                let (own, reach) = (&mut border[node.inputs[0]], reach(window, map, windows));
                *own = [0, 1].map(|axis| own[axis].max(reach[axis]));
            }
        }
        let geometries = nodes
            .iter()
            .zip(&border)
            .map(|(node, &border)| Geometry::of(node.shape, border, layout));
        let geometries = geometries.collect();
        let mut values = Self { geometries, parted: BTreeMap::new(), joined: BTreeMap::new() };
        values.part_transposed(arch);
        if layout == Layout::Positions {
            values.part(arch);
            values.align(arch);
        }
        values
    }

    /// The parted value that a node reads, and the stride, if it reads one.
    pub(super) fn parted(&self, arch: &Arch, node: usize) -> Option<(usize, [usize; 2])> {
        let (Window { stride, .. }, _) = window(&arch.nodes()[node].op)?;
        let key = (arch.nodes()[node].inputs[0], stride);
        self.parted.get(&key).map(|&value| (value, stride))
    }

    /// The parts of a transposed convolution and its stride, if it is computed in parts: all units of the first part, then all of
    /// the next.
    pub(super) fn joined(&self, arch: &Arch, node: usize) -> Option<(usize, [usize; 2])> {
        let (Window { stride, .. }, _) = transposed(&arch.nodes()[node].op)?;
        self.joined.get(&node).map(|&value| (value, stride))
    }

    fn part_transposed(&mut self, arch: &Arch) {
        for (number, node) in arch.nodes().iter().enumerate() {
            if let Some((Window { stride, .. }, _)) = transposed(&node.op)
                && stride != [1; 2]
            {
                let whole = Geometry { border: [0; 2], ..self.geometries[number] };
                self.joined.insert(number, self.geometries.len());
                self.geometries.push(whole.strided(stride));
            }
        }
    }

    fn part(&mut self, arch: &Arch) {
        for node in arch.nodes() {
            if let Some((Window { stride, .. }, _)) = window(&node.op)
                && stride != [1; 2]
                && !self.parted.contains_key(&(node.inputs[0], stride))
            {
                let parted = self.geometries[node.inputs[0]].strided(stride);
                self.parted.insert((node.inputs[0], stride), self.geometries.len());
                self.geometries.push(parted);
            }
        }
    }

    /// Makes rows as long as those that they go with.
    fn align(&mut self, arch: &Arch) {
        let mut pairs = Vec::new();
        for (number, node) in arch.nodes().iter().enumerate() {
            match &node.op {
                Op::Conv2d(_) | Op::Conv1d(_) | Op::Linear(_) => {
                    let parted = self.parted(arch, number).map(|(value, _)| value);
                    pairs.push((parted.unwrap_or(node.inputs[0]), number));
                }
                Op::ConvTranspose2d(_) | Op::ConvTranspose1d(_) => {
                    let parts = self.joined(arch, number).map(|(value, _)| value);
                    pairs.push((node.inputs[0], parts.unwrap_or(number)));
                }
                Op::Add(_) | Op::BatchNorm(_) | Op::Activation(_) => {
                    pairs.extend(node.inputs.iter().map(|&input| (input, number)));
                }
                _ => {}
            }
        }
        let mut again = true;
        while again {
            again = false;
            for &(one, other) in &pairs {
                let [a, b] = [one, other].map(|value| self.geometries[value].row);
                again |= a != b;
                for value in [one, other] {
                    self.geometries[value].row = a.max(b);
                }
            }
        }
    }
}
