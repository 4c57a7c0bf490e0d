//! From an architecture to fused steps.

use super::chains::Chains;
use super::fold::{Folded, Tensors};
use super::geometry::{Geometry, Layout};
use super::packed::{Layer, Packed};
use super::refused::refused;
use super::step::{Step, Work};
use super::values::{Values, transposed, window};
use super::windows::Windows;
use crate::arch::{Activation, Arch, Op, Role};
use crate::error::GraphError;
use crate::mask::Mask;
use crate::weights::Network;

/// Whether this engine runs an operator: all but normalisation without statistics, which depends on what else is in the batch.
fn runs(op: &Op) -> bool {
    match op {
        Op::BatchNorm(norm) => norm.statistics,
        _ => true,
    }
}

/// The plan of a network in the making.
pub(super) struct Steps<'n> {
    arch: &'n Arch,
    network: &'n Network,
    mask: Option<&'n Mask>,
    tensors: Tensors<'n>,
    chains: Chains<'n>,
    values: Values,
}

impl<'n> Steps<'n> {
    pub(super) fn new(network: &'n Network, mask: Option<&'n Mask>, layout: Layout) -> Self {
        let arch: &Arch = network.arch();
        Self {
            arch,
            network,
            mask,
            tensors: Tensors::new(network),
            chains: Chains::new(arch),
            values: Values::new(arch, layout),
        }
    }

    /// Where every value lies: the results of the nodes, and then what is put between them.
    pub(super) fn geometries(self) -> Vec<Geometry> {
        self.values.geometries
    }

    /// All steps, in an order in which each finds what it reads.
    pub(super) fn all(&mut self) -> Result<Vec<Step>, GraphError> {
        self.chains.take(0);
        for (number, node) in self.arch.nodes().iter().enumerate() {
            if !runs(&node.op) {
                return Err(self.refused(number));
            }
        }
        let mut steps = Vec::new();
        for node in 1..self.arch.nodes().len() {
            if !self.chains.done(node) {
                steps.extend(self.part(node, &steps));
                let mut step = self.step(node)?;
                let join = self.join(node, &mut step);
                steps.push(step);
                steps.extend(join);
            }
        }
        Ok(steps)
    }

    /// The step that parts what a node reads by its stride, if there has to be one and is none.
    fn part(&self, node: usize, steps: &[Step]) -> Option<Step> {
        let (output, stride) = self.values.parted(self.arch, node)?;
        let inputs = self.arch.nodes()[node].inputs.clone();
        let (add, activation) = (None, Activation::Identity);
        let step = Step { work: Work::Part(stride), inputs, output, add, activation };
        (!steps.iter().any(|step| step.output == output)).then_some(step)
    }

    /// The step that joins what a node's step computes in parts, if it does.
    fn join(&self, node: usize, step: &mut Step) -> Option<Step> {
        let (parts, stride) = self.values.joined(self.arch, node)?;
        let output = std::mem::replace(&mut step.output, parts);
        let (add, activation) = (None, Activation::Identity);
        Some(Step { work: Work::Join(stride), inputs: vec![parts], output, add, activation })
    }

    /// The step that begins with a node: with it goes what follows, as long as nothing else reads what comes between.
    fn step(&mut self, head: usize) -> Result<Step, GraphError> {
        let node = &self.arch.nodes()[head];
        let mut output = self.chains.take(head);
        let mut add = None;
        let units = node.shape.units();
        let work = match &node.op {
            Op::Conv2d(_)
            | Op::Conv1d(_)
            | Op::ConvTranspose2d(_)
            | Op::ConvTranspose1d(_)
            | Op::Linear(_)
            | Op::BatchNorm(_) => {
                let mut folded = Folded::bias(units, self.tensors.get(head, Role::Bias));
                if let Op::BatchNorm(norm) = node.op {
                    folded = Folded::bias(units, None).then(norm, head, &self.tensors);
                }
                while let Some((next, Op::BatchNorm(norm))) = self.chains.next(output) {
                    folded = folded.then(*norm, next, &self.tensors);
                    output = self.chains.take(next);
                }
                match &node.op {
                    Op::BatchNorm(_) => {
                        let both = folded.scale.iter().zip(&folded.shift);
                        Work::Affine(both.map(|(&a, &b)| [a as f32, b as f32]).collect())
                    }
                    _ => Work::Weighted(self.packed(head, &folded)?),
                }
            }
            Op::Scale(_) => {
                let factors = self.tensors.get(head, Role::Scale).unwrap_or_default();
                Work::Affine((0..units).map(|u| [factors[u % factors.len()], 0.0]).collect())
            }
            Op::Shift(shift) => {
                let summands = self.tensors.get(head, Role::Shift).unwrap_or_default();
                let area = node.shape.area();
                match summands.len() {
                    all if all > units && shift.units_last => {
                        let of = |u: usize| (0..area).map(move |p| summands[p * units + u]);
                        Work::Shift((0..units).flat_map(of).collect())
                    }
                    all if all > units => Work::Shift(summands.to_vec()),
                    _ => Work::Affine(summands.iter().map(|&summand| [1.0, summand]).collect()),
                }
            }
            Op::Affine(affine) => {
                Work::Affine(vec![[affine.factor as f32, affine.summand as f32]; units])
            }
            Op::Activation(_) => Work::Affine(vec![[1.0, 0.0]; units]),
            Op::MaxPool(_) => Work::MaxPool(Windows::of(&node.op, self.input_shape(head))),
            Op::AvgPool(_) | Op::AdaptiveAvgPool(_) => {
                Work::AvgPool(Windows::of(&node.op, self.input_shape(head)))
            }
            Op::Pad(pad) => Work::Pad([pad.height[0], pad.width[0]]),
            Op::Add(_) => Work::Sum,
            Op::Multiply(_) => Work::Product,
            Op::Concat(_) => Work::Concat,
            Op::Slice(slice) => Work::Slice(slice.first),
            Op::Shuffle(shuffle) => Work::Shuffle(shuffle.rows),
            Op::Flatten(_) => Work::Flatten,
            Op::Crop(crop) => Work::Crop(crop.first),
            Op::Tokens(tokens) => {
                let learnt = self.tensors.get(head, Role::Shift).unwrap_or_default().to_vec();
                Work::Tokens { learnt, behind: tokens.behind }
            }
            Op::LayerNorm(norm) => {
                let scale = self.tensors.get(head, Role::NormScale);
                let shift = self.tensors.get(head, Role::NormShift);
                let of = |values: Option<&[f32]>, unit: usize, usual| {
                    values.map_or(usual, |values| values[unit])
                };
                let each = (0..units).map(|u| [of(scale, u, 1.0), of(shift, u, 0.0)]).collect();
                Work::Normalise { groups: norm.groups, eps: norm.eps, each }
            }
            Op::Softmax(softmax) => Work::Softmax { log: softmax.log },
            Op::ChannelMean(_) => Work::ChannelMean,
            Op::Attention(attention) => Work::Attention(*attention),
            Op::PositionsAsUnits(_) => Work::Turn,
            Op::Input(_) => return Err(self.refused(head)),
        };
        let whole = self.values.joined(self.arch, head).is_none();
        if let (Work::Weighted(_), Some((next, Op::Add(_)))) = (&work, self.chains.next(output))
            && whole
            && let [one, two] = self.arch.nodes()[next].inputs[..]
        {
            let other = if one == output { two } else { one };
            // It has to be there before this step.
            if other < head {
                add = Some(other);
                output = self.chains.take(next);
            }
        }
        let mut activation = Activation::Identity;
        if let Op::Activation(own) = &node.op {
            activation = *own;
        } else if let Some((next, Op::Activation(own))) = self.chains.next(output) {
            activation = *own;
            output = self.chains.take(next);
        }
        let inputs = match self.values.parted(self.arch, head) {
            Some((parted, _)) => vec![parted],
            None => node.inputs.clone(),
        };
        Ok(Step { work, inputs, output, add, activation })
    }

    fn input_shape(&self, node: usize) -> crate::arch::Shape {
        self.arch.nodes()[self.arch.nodes()[node].inputs[0]].shape
    }

    fn packed(&self, head: usize, folded: &Folded) -> Result<Packed, GraphError> {
        let node = &self.arch.nodes()[head];
        let input = self.values.geometries[node.inputs[0]];
        let transposed = transposed(&node.op);
        let Some((window, groups)) = transposed.or_else(|| window(&node.op)) else {
            return Err(self.refused(head));
        };
        let specs = self.arch.prunable();
        let Some((tensor, _)) = specs.with_ids().find(|(_, spec)| spec.nodes.contains(&head))
        else {
            unreachable!("a convolution or linear layer has a weight")
        };
        let parted = self.values.parted(self.arch, head).map(|(value, _)| value);
        let read = self.values.geometries[parted.unwrap_or(node.inputs[0])];
        if read.len() / read.lanes() > u32::MAX as usize {
            return Err(self.refused(head));
        }
        let kept = |index: usize| self.mask.is_none_or(|mask| mask.layer(tensor).get(index));
        let weights = self.network.weights()[tensor];
        let out = node.shape.units();
        let parted = parted.is_some();
        let layer = Layer { weights, kept: &kept, out, groups, window, parted };
        Ok(match transposed {
            Some(_) => Packed::transposed(&layer, folded, &read),
            None => Packed::new(&layer, folded, &input, &read),
        })
    }

    fn refused(&self, node: usize) -> GraphError {
        refused(self.arch, node, "an operator that this engine runs")
    }
}
