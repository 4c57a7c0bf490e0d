//! Units that stay or go together.

use super::constants::{Constants, Weights, pads};
use crate::arch::{Arch, Op};
use crate::mask::Mask;

/// All units of all nodes, in groups that stay or go together.
pub(super) struct Ties {
    /// The number of each node's first unit.
    first: Vec<usize>,
    /// The group of each unit: the least of its members.
    group: Vec<usize>,
}

/// Whether a node is a convolution of each channel by itself.
pub(super) fn is_depthwise(arch: &Arch, node: usize) -> bool {
    let node = &arch.nodes()[node];
    let Op::Conv2d(conv) = &node.op else { return false };
    let channels = arch.nodes()[node.inputs[0]].shape.units();
    conv.groups > 1 && conv.groups == channels && conv.out == channels
}

/// How the units of a node belong to those that it reads.
enum Join {
    /// They are its own.
    None,
    /// Each is that of the same number in every input.
    Same,
    /// Those of each input stand one after the other.
    Concat,
    /// A channel is a block of them.
    Flatten,
    /// What the operator does to them is not looked into: all of them stay, and all that it reads.
    Whole,
}

fn join(arch: &Arch, node: usize) -> Join {
    // What is cut for one use of a tensor would be cut for all.
    if arch.shares_tensors(node) {
        return Join::Whole;
    }
    match &arch.nodes()[node].op {
        Op::Input(_) | Op::Linear(_) => Join::None,
        Op::Conv2d(_) if !is_depthwise(arch, node) => Join::None,
        Op::Conv2d(_)
        | Op::BatchNorm(_)
        | Op::Activation(_)
        | Op::MaxPool(_)
        | Op::AvgPool(_)
        | Op::Add(_) => Join::Same,
        Op::Concat(_) => Join::Concat,
        Op::Flatten(_) => Join::Flatten,
        Op::Conv1d(_)
        | Op::ConvTranspose2d(_)
        | Op::ConvTranspose1d(_)
        | Op::LayerNorm(_)
        | Op::Scale(_)
        | Op::Shift(_)
        | Op::Affine(_)
        | Op::Softmax(_)
        | Op::AdaptiveAvgPool(_)
        | Op::Pad(_)
        | Op::Multiply(_)
        | Op::Attention(_)
        | Op::ChannelMean(_)
        | Op::Tokens(_)
        | Op::Crop(_)
        | Op::PositionsAsUnits(_)
        | Op::Slice(_)
        | Op::Shuffle(_) => Join::Whole,
    }
}

impl Ties {
    pub(super) fn new(arch: &Arch) -> Self {
        let mut first = Vec::with_capacity(arch.nodes().len());
        let mut count = 0;
        for node in arch.nodes() {
            first.push(count);
            count += node.shape.units();
        }
        let mut ties = Self { first, group: (0..count).collect() };
        for (index, node) in arch.nodes().iter().enumerate() {
            let units = node.shape.units();
            match join(arch, index) {
                Join::None | Join::Whole => {}
                Join::Concat => {
                    let mut place = 0;
                    for &input in &node.inputs {
                        let of = arch.nodes()[input].shape.units();
                        (0..of).for_each(|u| ties.tie((index, place + u), (input, u)));
                        place += of;
                    }
                }
                Join::Flatten => {
                    let input = node.inputs[0];
                    let area = units / arch.nodes()[input].shape.units();
                    (0..units).for_each(|u| ties.tie((index, u), (input, u / area)));
                }
                Join::Same => {
                    for &input in &node.inputs {
                        (0..units).for_each(|u| ties.tie((index, u), (input, u)));
                    }
                }
            }
        }
        (0..count).for_each(|unit| ties.group[unit] = ties.root(unit));
        ties
    }

    fn root(&self, mut unit: usize) -> usize {
        while self.group[unit] != unit {
            unit = self.group[unit];
        }
        unit
    }

    fn tie(&mut self, a: (usize, usize), b: (usize, usize)) {
        let [a, b] = [a, b].map(|(node, unit)| self.root(self.first[node] + unit));
        // The least is the root, and ways stay short: each member of what was a group points to its root.
        self.group[a.max(b)] = a.min(b);
    }

    fn group(&self, node: usize, unit: usize) -> usize {
        self.group[self.first[node] + unit]
    }

    /// Units of each node that stay.
    pub(super) fn stay(&self, arch: &Arch, mask: &Mask, constants: &Constants) -> Vec<Vec<bool>> {
        let nodes = arch.nodes();
        let units = |node: usize| 0..nodes[node].shape.units();
        // Fixed whatever the mask: inputs, outputs, the channels of convolutions in groups, and what other operators tie.
        let mut pinned = vec![false; self.group.len()];
        let grouped = |node: usize| {
            let op = &nodes[node].op;
            let grouped = matches!(op, Op::Conv2d(conv) if conv.groups > 1);
            grouped && !is_depthwise(arch, node) || matches!(join(arch, node), Join::Whole)
        };
        for node in 0..nodes.len() {
            let ends = node == 0 || node + 1 == nodes.len();
            if ends || grouped(node) {
                units(node).for_each(|u| pinned[self.group(node, u)] = true);
            }
            for &input in nodes[node].inputs.iter().filter(|_| grouped(node)) {
                units(input).for_each(|u| pinned[self.group(input, u)] = true);
            }
        }
        let useful = self.useful(arch, mask, &pinned);
        // A group is as good as its least constant member.
        let mut constant = vec![true; self.group.len()];
        for node in 0..nodes.len() {
            for unit in units(node) {
                constant[self.group(node, unit)] &= constants.get(node, unit).is_some();
            }
        }
        // What is read with zeros around it counts less at the border, unless it is 0.
        for (index, node) in nodes.iter().enumerate().filter(|(_, node)| pads(&node.op)) {
            let input = node.inputs[0];
            let mut read = vec![true; nodes[input].shape.units()];
            if let Some(weights) = Weights::of(arch, index, mask) {
                read.fill(false);
                weights.kept().for_each(|(_, from, _)| read[from] = true);
            }
            for unit in units(input).filter(|&u| read[u]) {
                let zero = constants.get(input, unit).is_some_and(|value| value == 0.0);
                constant[self.group(input, unit)] &= zero;
            }
        }
        let goes = |group: usize| !pinned[group] && (!useful[group] || constant[group]);
        let mut stays: Vec<bool> = (0..self.group.len()).map(|group| !goes(group)).collect();
        // Every node keeps a unit.
        for node in 0..nodes.len() {
            if units(node).all(|unit| !stays[self.group(node, unit)]) {
                stays[self.group(node, 0)] = true;
            }
        }
        (0..nodes.len())
            .map(|node| units(node).map(|unit| stays[self.group(node, unit)]).collect())
            .collect()
    }

    /// Groups from which a kept path leads to an output, or that are pinned.
    fn useful(&self, arch: &Arch, mask: &Mask, pinned: &[bool]) -> Vec<bool> {
        let mut useful = pinned.to_vec();
        let weights: Vec<(usize, Weights<'_>)> = (0..arch.nodes().len())
            .filter_map(|node| Some((node, Weights::of(arch, node, mask)?)))
            .collect();
        loop {
            let mut found = false;
            // From the last to the first: one round is enough but for groups that reach back.
            for (node, weights) in weights.iter().rev() {
                let input = arch.nodes()[*node].inputs[0];
                for (_, from, to) in weights.kept() {
                    let from = self.group(input, from);
                    if !useful[from] && useful[self.group(*node, to)] {
                        useful[from] = true;
                        found = true;
                    }
                }
            }
            if !found {
                return useful;
            }
        }
    }
}
