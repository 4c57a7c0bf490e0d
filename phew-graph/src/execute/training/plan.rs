//! From an architecture to the steps of training.

use super::layer::TrainedLayer;
use super::norm::Norm;
use super::step::{Step, Work};
use crate::arch::{Activation, Arch, Op, Role, TensorSpec};
use crate::error::GraphError;
use crate::execute::against_stride::reach;
use crate::execute::chains::Chains;
use crate::execute::geometry::{Geometry, Layout};
use crate::execute::packed::Layer;
use crate::execute::refused::refused;
use crate::execute::values::{Values, window};
use crate::execute::windows::Windows;
use crate::mask::Mask;

/// The steps of a network, and where its values and the gradients by them lie.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// Of each node's result.
    pub(super) values: Vec<Geometry>,
    /// Of the gradient by each node's result.
    pub(super) gradients: Vec<Geometry>,
    /// Which results depend on a parameter.
    pub(super) trained: Vec<bool>,
    /// The numbers of the steps that normalise.
    pub(super) norms: Vec<usize>,
}

impl Plan {
    pub(super) fn new(arch: &Arch, mask: Option<&Mask>) -> Result<Self, GraphError> {
        let nodes = arch.nodes();
        let gradients = nodes.iter().map(|node| Geometry::of(node.shape, [0; 2], Layout::Inputs));
        let mut trained = vec![false; nodes.len()];
        for (number, node) in nodes.iter().enumerate() {
            let mut specs = arch.prunable().iter().chain(arch.auxiliary());
            let own = specs.any(|spec| spec.nodes.contains(&number) && !spec.role.is_buffer());
            trained[number] = own || node.inputs.iter().any(|&input| trained[input]);
        }
        let mut plan = Self {
            steps: Vec::new(),
            values: Values::new(arch, Layout::Inputs).geometries,
            gradients: gradients.collect(),
            trained,
            norms: Vec::new(),
        };
        let mut chains = Chains::new(arch);
        chains.take(0);
        for head in 1..nodes.len() {
            if !chains.done(head) {
                let step = plan.step(arch, mask, head, &mut chains)?;
                if matches!(step.work, Work::Normalise(_)) {
                    plan.norms.push(plan.steps.len());
                }
                plan.steps.push(step);
            }
        }
        Ok(plan)
    }

    /// Whether something is normalised by its batch of which each input has a single number of a unit.
    pub(super) fn has_single_numbers(&self) -> bool {
        self.steps.iter().any(|step| match &step.work {
            Work::Normalise(norm) => norm.by_batch() && self.values[step.inputs[0]].size == [1; 2],
            _ => false,
        })
    }

    pub(super) fn norms_mut(&mut self) -> impl Iterator<Item = &mut Norm> {
        self.steps.iter_mut().filter_map(|step| match &mut step.work {
            Work::Normalise(norm) => Some(norm),
            _ => None,
        })
    }

    /// The step that begins with a node: with it goes what follows, as long as nothing else reads what comes between.
    fn step(
        &mut self,
        arch: &Arch,
        mask: Option<&Mask>,
        head: usize,
        chains: &mut Chains<'_>,
    ) -> Result<Step, GraphError> {
        let node = &arch.nodes()[head];
        let shape_of = |node: usize| arch.nodes()[node].shape;
        let auxiliary = |role| {
            let own = |spec: &TensorSpec| spec.nodes.contains(&head) && spec.role == role;
            arch.auxiliary().iter().position(own)
        };
        let mut output = chains.take(head);
        let (mut add, mut relu) = (None, false);
        let work = match &node.op {
            Op::Conv2d(_) | Op::Conv1d(_) | Op::Linear(_) => {
                if let Some((next, Op::Activation(Activation::Relu))) = chains.next(output) {
                    output = chains.take(next);
                    relu = true;
                }
                let bias = auxiliary(Role::Bias);
                Work::Weighted(self.layer(arch, mask, head, output, bias)?)
            }
            Op::BatchNorm(norm) => {
                if let Some((next, Op::Add(_))) = chains.next(output)
                    && let [one, two] = arch.nodes()[next].inputs[..]
                {
                    let other = if one == output { two } else { one };
                    // It has to be there before this step.
                    if other < head {
                        add = Some(other);
                        output = chains.take(next);
                    }
                }
                if let Some((next, Op::Activation(Activation::Relu))) = chains.next(output) {
                    output = chains.take(next);
                    relu = true;
                }
                let roles = [Role::NormScale, Role::NormShift, Role::RunningMean, Role::RunningVar];
                Work::Normalise(Norm::new(*norm, roles.map(auxiliary)))
            }
            Op::Activation(activation) => Work::Activate(*activation),
            Op::MaxPool(_) => Work::MaxPool(Windows::of(&node.op, shape_of(node.inputs[0]))),
            Op::AvgPool(_) | Op::AdaptiveAvgPool(_) => {
                Work::AvgPool(Windows::of(&node.op, shape_of(node.inputs[0])))
            }
            Op::Add(_) => Work::Sum,
            Op::Concat(_) => Work::Concat,
            Op::Flatten(_) => Work::Flatten,
            _ => return Err(refused(arch, head, "an operator that this engine trains")),
        };
        Ok(Step { work, inputs: node.inputs.clone(), output, add, relu })
    }

    fn layer(
        &mut self,
        arch: &Arch,
        mask: Option<&Mask>,
        head: usize,
        output: usize,
        bias: Option<usize>,
    ) -> Result<TrainedLayer, GraphError> {
        let node = &arch.nodes()[head];
        let specs = arch.prunable();
        let (Some((window, groups)), Some((tensor, spec))) =
            (window(&node.op), specs.with_ids().find(|(_, spec)| spec.nodes.contains(&head)))
        else {
            unreachable!("a convolution or linear layer has a window and a weight")
        };
        let read = node.inputs[0];
        let (input, own) = (self.values[read], self.gradients[output]);
        let border = reach(window, input.size, own.size);
        let gradient = Geometry::of(node.shape, border, Layout::Inputs);
        let most = u32::MAX as usize;
        if input.len().max(gradient.len()) > most || spec.len() > most {
            return Err(refused(arch, head, "a smaller layer"));
        }
        self.gradients[output] = gradient;
        let kept = |index: usize| mask.is_none_or(|mask| mask.layer(tensor).get(index));
        let out = node.shape.units();
        let layer = Layer { weights: &[], kept: &kept, out, groups, window, parted: false };
        Ok(TrainedLayer::new(&layer, tensor, bias, input, gradient, self.trained[read]))
    }
}
