//! From an architecture to fused steps.

use super::fold::{Folded, Tensors};
use super::geometry::{Geometry, LANES};
use super::packed::{Layer, Packed};
use super::step::{Step, Work};
use crate::arch::op::Window;
use crate::arch::{Activation, Arch, Node, Op, Shape};
use crate::error::GraphError;
use crate::mask::Mask;
use crate::weights::Network;

/// Whether this engine has all that an operator asks for, under the names that tensors have by themselves.
fn runs(node: &Node) -> bool {
    let plain = node.tensors.is_empty() && !matches!(node.shape, Shape::Sequence { .. });
    plain
        && match &node.op {
            Op::Input(_) | Op::Add(_) | Op::Concat(_) | Op::Flatten(_) => true,
            Op::Conv2d(conv) => conv.dilation == [1; 2],
            Op::Linear(linear) => !linear.at_positions,
            Op::BatchNorm(norm) => norm.affine && norm.statistics,
            Op::Activation(activation) => matches!(
                activation,
                Activation::Relu
                    | Activation::LeakyRelu { .. }
                    | Activation::Tanh
                    | Activation::Identity
            ),
            Op::MaxPool(pool) => !pool.0.ceil,
            Op::AvgPool(pool) => !pool.pool.ceil && pool.count_padding,
            _ => false,
        }
}

/// The plan of a network in the making.
pub(super) struct Steps<'n> {
    arch: &'n Arch,
    network: &'n Network,
    mask: Option<&'n Mask>,
    tensors: Tensors<'n>,
    /// How many nodes read each node.
    readers: Vec<usize>,
    /// The one node that reads a node, if it is one.
    reader: Vec<Option<usize>>,
    geometries: Vec<Geometry>,
    /// Nodes that a step has taken up.
    done: Vec<bool>,
}

impl<'n> Steps<'n> {
    pub(super) fn new(network: &'n Network, mask: Option<&'n Mask>) -> Self {
        let arch: &Arch = network.arch();
        let nodes = arch.nodes();
        let (mut readers, mut reader) = (vec![0; nodes.len()], vec![None; nodes.len()]);
        let mut border = vec![[0; 2]; nodes.len()];
        for (number, node) in nodes.iter().enumerate() {
            for &input in &node.inputs {
                readers[input] += 1;
                reader[input] = Some(number).filter(|_| readers[input] == 1);
                if let Op::Conv2d(conv) = &node.op {
                    let most = |axis: usize| border[input][axis].max(conv.padding[axis]);
                    border[input] = [most(0), most(1)];
                }
            }
        }
        let geometries =
            nodes.iter().zip(&border).map(|(node, &border)| Geometry::of(node.shape, border));
        Self {
            arch,
            network,
            mask,
            tensors: Tensors::new(network),
            readers,
            reader,
            geometries: geometries.collect(),
            done: vec![false; nodes.len()],
        }
    }

    /// Where the result of a node lies.
    pub(super) fn geometry(&self, node: usize) -> Geometry {
        self.geometries[node]
    }

    /// All steps, in an order in which each finds what it reads.
    pub(super) fn all(&mut self) -> Result<Vec<Step>, GraphError> {
        self.done[0] = true;
        for (number, node) in self.arch.nodes().iter().enumerate() {
            if !runs(node) {
                return Err(self.refused(number, &node.op));
            }
        }
        let mut steps = Vec::new();
        for node in 1..self.arch.nodes().len() {
            if !self.done[node] {
                steps.push(self.step(node)?);
            }
        }
        Ok(steps)
    }

    /// The step that begins with a node: with it goes what follows, as long as nothing else reads what comes between.
    fn step(&mut self, head: usize) -> Result<Step, GraphError> {
        let node = &self.arch.nodes()[head];
        self.done[head] = true;
        let mut output = head;
        let mut add = None;
        let units = node.shape.units();
        let work = match &node.op {
            Op::Conv2d(_) | Op::Linear(_) | Op::BatchNorm(_) => {
                let mut folded = Folded::bias(units, self.tensors.get(&node.name, "bias"));
                if let Op::BatchNorm(norm) = node.op {
                    folded = Folded::bias(units, None).then(norm, &node.name, &self.tensors);
                }
                while let Some((next, Op::BatchNorm(norm))) = self.next(output) {
                    folded = folded.then(*norm, &self.arch.nodes()[next].name, &self.tensors);
                    output = self.take(next);
                }
                match &node.op {
                    Op::BatchNorm(_) => {
                        let both = folded.scale.iter().zip(&folded.shift);
                        Work::Affine(both.map(|(&a, &b)| [a as f32, b as f32]).collect())
                    }
                    _ => Work::Weighted(self.packed(head, &folded)?),
                }
            }
            Op::Activation(_) => Work::Affine(vec![[1.0, 0.0]; units]),
            Op::MaxPool(pool) => Work::MaxPool(pool.0.window(self.input_shape(head))),
            Op::AvgPool(pool) => Work::AvgPool(pool.pool.window(self.input_shape(head))),
            Op::Add(_) => Work::Sum,
            Op::Concat(_) => Work::Concat,
            Op::Flatten(_) => Work::Flatten,
            op => return Err(self.refused(head, op)),
        };
        if let (Work::Weighted(_), Some((next, Op::Add(_)))) = (&work, self.next(output))
            && let [one, two] = self.arch.nodes()[next].inputs[..]
        {
            let other = if one == output { two } else { one };
            // It has to be there before this step.
            if other < head {
                add = Some(other);
                output = self.take(next);
            }
        }
        let mut activation = Activation::Identity;
        if let Op::Activation(own) = &node.op {
            activation = *own;
        } else if let Some((next, Op::Activation(own))) = self.next(output) {
            activation = *own;
            output = self.take(next);
        }
        Ok(Step { work, inputs: node.inputs.clone(), output, add, activation })
    }

    /// The only reader of a node's result.
    fn next(&self, node: usize) -> Option<(usize, &'n Op)> {
        let next = self.reader[node].filter(|_| self.readers[node] == 1)?;
        Some((next, &self.arch.nodes()[next].op))
    }

    fn take(&mut self, node: usize) -> usize {
        self.done[node] = true;
        node
    }

    fn input_shape(&self, node: usize) -> crate::arch::Shape {
        self.arch.nodes()[self.arch.nodes()[node].inputs[0]].shape
    }

    fn packed(&self, head: usize, folded: &Folded) -> Result<Packed, GraphError> {
        let node = &self.arch.nodes()[head];
        let input = self.geometries[node.inputs[0]];
        let window = |kernel, stride, padding| Window {
            kernel,
            stride,
            padding,
            dilation: [1; 2],
            ceil: false,
        };
        let (groups, window) = match &node.op {
            Op::Conv2d(conv) => (conv.groups, window(conv.kernel, conv.stride, conv.padding)),
            _ => (1, window([1; 2], [1; 2], [0; 2])),
        };
        let specs = self.arch.prunable();
        let Some((tensor, _)) = specs.with_ids().find(|(_, spec)| spec.node == head) else {
            unreachable!("a convolution or linear layer has a weight")
        };
        if input.len() / LANES > u32::MAX as usize {
            return Err(self.refused(head, &node.op));
        }
        let kept = |index: usize| self.mask.is_none_or(|mask| mask.layer(tensor).get(index));
        let weights = self.network.weights()[tensor];
        let out = node.shape.units();
        Ok(Packed::new(&Layer { weights, kept: &kept, out, groups, window }, folded, &input))
    }

    fn refused(&self, node: usize, op: &Op) -> GraphError {
        GraphError::Field {
            operator: self.arch.nodes()[node].name.clone(),
            field: "type",
            found: op.kind().to_owned(),
            expected: "an operator that this engine runs".to_owned(),
        }
    }
}
