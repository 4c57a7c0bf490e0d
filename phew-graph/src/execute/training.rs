//! Training a network under its mask: the gradient of a loss, computed with the kept weights alone.
//!
//! [`Training::forward`] keeps the value of each step; [`Training::backward`] goes the steps back. Sixteen inputs are a
//! group, which one thread takes through all steps up to the next batch normalisation: only what depends on the whole
//! batch waits for the others. What is summed over the batch is summed in a group first and then in the order of the
//! groups, in f64: numbers of threads change no byte.

mod group;
mod layer;
mod norm;
mod plan;
mod step;

use std::sync::Arc;

use ndarray::{ArrayD, ArrayViewD, IxDyn};
use rayon::prelude::*;

use super::TensorValues;
use super::geometry::LANES;
use super::kernels::Slopes;
use crate::arch::{Arch, Shape};
use crate::error::GraphError;
use crate::mask::Mask;
use group::Group;
use plan::Plan;
use step::{Step, Work};

pub use norm::Statistics;

/// An architecture under a mask, compiled to be trained.
///
/// When to use it: to train a sparse network on a CPU faster than a framework that computes with the zeros; to ask for
/// gradients without libtorch.
///
/// Convolutions and linear layers, batch normalisation, activations, poolings, sums, concatenations and flattening are
/// trained: all networks of the zoo. Batches are normalised by their own statistics, as frameworks do in training mode, unless
/// [`Training::normalised_by`] says otherwise.
///
/// # Examples
/// Three steps of gradient descent on the sum of the first output's squares.
/// ```
/// use phew_graph::execute::{TensorValues, Training};
/// use phew_graph::{Init, Network, ndarray::ArrayD, zoo};
///
/// let network = Network::initialise(zoo::by_name("lenet-300-100")?.build()?, Init::default(), 0)?;
/// let mut values = TensorValues::from(&network);
/// let mut training = Training::new(network.arch().clone(), None)?;
/// let inputs = ArrayD::from_elem(vec![20, 1, 28, 28], 0.5);
/// let mut losses = Vec::new();
/// for _ in 0..3 {
///     let outputs = training.forward(&values, inputs.view())?;
///     losses.push(outputs.outer_iter().map(|output| output[0].powi(2)).sum::<f32>());
///     let mut by_outputs = ArrayD::zeros(outputs.raw_dim());
///     by_outputs.outer_iter_mut().zip(outputs.outer_iter()).for_each(|(mut to, y)| to[0] = 2.0 * y[0]);
///     let gradient = training.backward(by_outputs.view())?;
///     for (values, slopes) in values.weights.iter_mut().zip(&gradient.weights) {
///         values.iter_mut().zip(slopes).for_each(|(value, slope)| *value -= 1e-4 * slope);
///     }
/// }
/// assert!(losses[2] < losses[1] && losses[1] < losses[0]);
/// # Ok::<(), phew_graph::GraphError>(())
/// ```
#[derive(Debug)]
pub struct Training {
    arch: Arc<Arch>,
    plan: Plan,
    groups: Vec<Group>,
    /// Inputs of the last batch, until its gradient is taken.
    batch: usize,
}

impl Training {
    /// Compiles an architecture with all weights, or those that a mask keeps.
    ///
    /// # Errors
    /// Those of [`Mask::check`] if the mask is of another network, [`GraphError::Field`] naming an operator
    /// that this engine does not train.
    ///
    /// # Complexity
    /// O(weights) time; memory for the kept weights alone.
    pub fn new(arch: impl Into<Arc<Arch>>, mask: Option<&Mask>) -> Result<Self, GraphError> {
        let arch = arch.into();
        if let Some(mask) = mask {
            mask.check(&arch, "the mask")?;
        }
        let plan = Plan::new(&arch, mask)?;
        Ok(Self { arch, plan, groups: Vec::new(), batch: 0 })
    }

    /// Normalises by other statistics; by those of the batch unless told so.
    #[must_use]
    pub fn normalised_by(mut self, statistics: Statistics) -> Self {
        for norm in self.plan.norms_mut() {
            norm.statistics = statistics;
        }
        self
    }

    /// What the network makes of a batch, with these values of its tensors; of the weights those that the mask leaves
    /// out are not read.
    ///
    /// # Shapes
    /// `[n]` and the sizes of the network's input, in; `[n]` and the sizes of its output, out.
    ///
    /// # Errors
    /// [`GraphError::Parameter`] if values or inputs have other sizes, if there is no input, or if there is a single one
    /// and a normalisation has a single number of each unit, whose deviation from its mean is 0.
    ///
    /// # Complexity
    /// O(n · kept weights · positions) time; memory for each value of the network for each input.
    pub fn forward(
        &mut self,
        values: &TensorValues,
        inputs: ArrayViewD<'_, f32>,
    ) -> Result<ArrayD<f32>, GraphError> {
        let (input, output) = (self.arch.input_shape(), self.arch.output_shape());
        let batch = inputs.shape().first().copied().unwrap_or(0);
        values.check(&self.arch)?;
        if inputs.ndim() == 0 || batch == 0 || inputs.shape()[1..] != input.sizes()[..] {
            let found = format!("{:?}", inputs.shape());
            let expected = "[n, …] with the sizes of the network's input, for one input or more";
            return Err(parameter("shape of the inputs", found, expected));
        }
        if batch == 1 && self.plan.has_single_numbers() {
            let expected = "two inputs or more, where features are normalised by their batch";
            return Err(parameter("batch", "1".to_owned(), expected));
        }
        let inputs = inputs.as_standard_layout();
        let inputs = inputs.as_slice().unwrap_or_default();
        let auxiliary = |tensor: Option<usize>| tensor.map(|t| &values.auxiliary[t][..]);
        for step in &mut self.plan.steps {
            if let Work::Weighted(layer) = &mut step.work {
                layer.load(&values.weights[layer.tensor.index()], auxiliary(layer.bias));
            }
        }
        self.batch = batch;
        let count = batch.div_ceil(LANES);
        while self.groups.len() < count {
            self.groups.push(Group::new(&self.plan));
        }
        let Self { plan, groups, .. } = self;
        let groups = &mut groups[..count];
        let each = groups.par_iter_mut().zip(inputs.par_chunks(LANES * input.scalars()));
        each.for_each(|(group, inputs)| group.put(plan, inputs));
        let mut done = 0;
        for norm in plan.norms.clone() {
            let steps = &plan.steps[done..=norm];
            let statistics: Vec<(f64, Vec<[f64; 2]>)> =
                groups.par_iter_mut().filter_map(|group| group.up_to_norm(plan, steps)).collect();
            if let Work::Normalise(own) = &mut plan.steps[norm].work {
                match statistics.is_empty() {
                    true => own.take_running(&values.auxiliary),
                    false => own.take(&statistics),
                }
                own.load(auxiliary(own.scale), auxiliary(own.shift));
            }
            done = norm;
        }
        let mut outputs = vec![0.0; batch * output.scalars()];
        let each = groups.par_iter_mut().zip(outputs.par_chunks_mut(LANES * output.scalars()));
        each.for_each(|(group, outputs)| {
            plan.steps[done..].iter().for_each(|step| group.forward(plan, step));
            group.get(plan, outputs);
        });
        Ok(ArrayD::from_shape_vec(IxDyn(&shape(batch, output)), outputs)
            .unwrap_or_else(|e| unreachable!("an output for each input: {e}")))
    }

    /// The gradient of a loss by all parameters, from its gradient by the outputs of the last [`Training::forward`]; 0 for
    /// weights that the mask leaves out, and for running statistics. That of a tensor that several operators share is the
    /// sum over them.
    ///
    /// # Shapes
    /// Those of the outputs.
    ///
    /// # Errors
    /// [`GraphError::Parameter`] if the gradient by the outputs has another shape, or has been given before.
    ///
    /// # Complexity
    /// About twice the time of [`Training::forward`].
    pub fn backward(
        &mut self,
        by_outputs: ArrayViewD<'_, f32>,
    ) -> Result<TensorValues, GraphError> {
        let output = self.arch.output_shape();
        if self.batch == 0 || by_outputs.shape() != shape(self.batch, output) {
            let found = format!("{:?}", by_outputs.shape());
            let expected = "that of the outputs of the forward pass before, once";
            return Err(parameter("shape of the gradient by the outputs", found, expected));
        }
        let by_outputs = by_outputs.as_standard_layout();
        let by_outputs = by_outputs.as_slice().unwrap_or_default();
        let count = std::mem::take(&mut self.batch).div_ceil(LANES);
        let Self { plan, groups, arch, .. } = self;
        let groups = &mut groups[..count];
        let mut gradient = TensorValues::zeros(arch);
        let each = groups.par_iter_mut().zip(by_outputs.par_chunks(LANES * output.scalars()));
        each.for_each(|(group, by_outputs)| group.put_gradient(plan, by_outputs));
        // Through the normalisation at `end`, whose sums are known, and the steps before it.
        let back = |group: &mut Group, from: usize, end: usize, slopes: &[Slopes]| {
            if let Some(step) = plan.steps.get(end) {
                group.back_through_norm(plan, step, slopes);
            }
            (from..end).rev().for_each(|number| group.back(plan, number));
        };
        let (mut end, mut slopes) = (plan.steps.len(), Vec::new());
        for &norm in plan.norms.iter().rev() {
            let step = &plan.steps[norm];
            let sums: Vec<Vec<[f64; 2]>> = groups
                .par_iter_mut()
                .map(|group| {
                    back(group, norm + 1, end, &slopes);
                    group.gradient_sums(plan, step)
                })
                .collect();
            if let Work::Normalise(own) = &step.work {
                let ([scales, shifts], of_input) = own.gradients(&sums);
                slopes = of_input;
                for (tensor, values) in [(own.scale, scales), (own.shift, shifts)] {
                    if let Some(tensor) = tensor {
                        let sums = gradient.auxiliary[tensor].iter_mut();
                        sums.zip(values).for_each(|(sum, more)| *sum += more);
                    }
                }
            }
            end = norm;
        }
        groups.par_iter_mut().for_each(|group| back(group, 0, end, &slopes));
        for (number, step) in plan.steps.iter().enumerate() {
            add_up(number, step, groups, &mut gradient);
        }
        Ok(gradient)
    }

    /// Moves running statistics towards those of the last batch, as PyTorch does: by the normalisation's momentum, and with the
    /// variance of what the batch is a sample of. They stay where they were normalised by.
    ///
    /// # Errors
    /// [`GraphError::Parameter`] if the values are another network's.
    pub fn move_statistics(&self, values: &mut TensorValues) -> Result<(), GraphError> {
        values.check(&self.arch)?;
        for &norm in &self.plan.norms {
            if let Work::Normalise(own) = &self.plan.steps[norm].work {
                own.move_running(&mut values.auxiliary);
            }
        }
        Ok(())
    }
}

/// Adds the groups' gradients by the weights and biases of a step to those of the steps that share them.
fn add_up(number: usize, step: &Step, groups: &[Group], gradient: &mut TensorValues) {
    let Work::Weighted(layer) = &step.work else { return };
    let own = &mut gradient.weights[layer.tensor.index()];
    for (place, &index) in layer.indices.iter().enumerate() {
        let each = groups.iter().map(|group| f64::from(group.by_weight[number][place]));
        own[index as usize] += each.sum::<f64>() as f32;
    }
    if let Some(bias) = layer.bias {
        for (unit, own) in gradient.auxiliary[bias].iter_mut().enumerate() {
            *own += groups.iter().map(|group| group.by_bias[number][unit]).sum::<f64>() as f32;
        }
    }
}

fn shape(batch: usize, of: Shape) -> Vec<usize> {
    std::iter::once(batch).chain(of.sizes()).collect()
}

fn parameter(name: &'static str, found: String, expected: &'static str) -> GraphError {
    GraphError::Parameter { name, found, expected }
}
