//! What is kept of [`LANES`] inputs of a batch, and their way through a step, forward and back.

use super::plan::Plan;
use super::step::{Step, Work};
use crate::execute::geometry::{Geometry, LANES};
use crate::execute::kernels::{
    Add, After, Slopes, Source, Target, activate, activation_gradient, add_gradient, affine,
    avg_pool, avg_pool_gradient, concat, concat_gradient, flatten, flatten_gradient, gradient_sums,
    max_pool, max_pool_gradient, moments, normalise, normalise_gradient, relu_gradient, spread,
    sum, unit_sums, weight_gradient, weighted,
};
use crate::execute::memory::Memory;

/// The values of some inputs, and the gradients by them.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// How many of the lanes have an input.
    pub(super) inputs: usize,
    /// By node.
    values: Vec<Memory>,
    gradients: Vec<Option<Memory>>,
    /// Buffers that no gradient is in.
    free: Vec<(Geometry, Memory)>,
    /// Room for the sums of a layer's gradient by its weights.
    room: Vec<[f32; LANES]>,
    /// By step: the gradient by each kept weight, and by each bias.
    pub(super) by_weight: Vec<Vec<f32>>,
    pub(super) by_bias: Vec<Vec<f64>>,
}

impl Group {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut values: Vec<Memory> = plan.values.iter().map(|_| Memory::default()).collect();
        for node in std::iter::once(0).chain(plan.steps.iter().map(|step| step.output)) {
            values[node] = Memory::new(&plan.values[node]);
        }
        Self {
            inputs: 0,
            values,
            gradients: plan.values.iter().map(|_| None).collect(),
            free: Vec::new(),
            room: Vec::new(),
            by_weight: vec![Vec::new(); plan.steps.len()],
            by_bias: vec![Vec::new(); plan.steps.len()],
        }
    }

    /// Takes up to [`LANES`] inputs.
    pub(super) fn put(&mut self, plan: &Plan, inputs: &[f32]) {
        self.inputs = inputs.len() / plan.values[0].scalars();
        self.values[0].put(plan.values[0], inputs);
    }

    pub(super) fn get(&self, plan: &Plan, outputs: &mut [f32]) {
        let last = plan.values.len() - 1;
        self.values[last].get(plan.values[last], outputs);
    }

    /// Takes the gradients by the outputs.
    pub(super) fn put_gradient(&mut self, plan: &Plan, gradients: &[f32]) {
        let last = plan.values.len() - 1;
        let mut memory = self.buffer(plan.gradients[last]);
        memory.put(plan.gradients[last], gradients);
        self.gradients[last] = Some(memory);
    }

    fn value(&self, plan: &Plan, node: usize) -> Source<'_> {
        Source { numbers: self.values[node].numbers(), geometry: plan.values[node] }
    }

    /// Goes through all steps but the last, which normalises: how many numbers each unit has of what that reads, their mean
    /// and the sum of the squared deviations from it, if the batch decides by what it normalises.
    pub(super) fn up_to_norm(
        &mut self,
        plan: &Plan,
        steps: &[Step],
    ) -> Option<(f64, Vec<[f64; 2]>)> {
        let (last, before) = steps.split_last()?;
        before.iter().for_each(|step| self.forward(plan, step));
        let Work::Normalise(norm) = &last.work else { return None };
        norm.by_batch().then(|| {
            let value = self.value(plan, last.inputs[0]);
            let count = self.inputs * value.geometry.size.iter().product::<usize>();
            (count as f64, moments(value, self.inputs))
        })
    }

    pub(super) fn forward(&mut self, plan: &Plan, step: &Step) {
        let mut memory = std::mem::take(&mut self.values[step.output]);
        let inputs: Vec<Source<'_>> =
            step.inputs.iter().map(|&input| self.value(plan, input)).collect();
        let geometry = plan.values[step.output];
        let mut output = Target { numbers: memory.numbers_mut(), geometry };
        match &step.work {
            Work::Weighted(layer) => {
                let after = After { add: Add::Nothing, relu: step.relu };
                weighted(&layer.forward, inputs[0], &mut output, after);
            }
            Work::Normalise(norm) => {
                let other = step.add.map(|other| self.value(plan, other));
                normalise(&norm.affine, inputs[0], other, step.relu, &mut output);
            }
            Work::Activate(activation) => {
                affine(&vec![[1.0, 0.0]; geometry.units], inputs[0], &mut output);
                activate(*activation, &mut output);
            }
            Work::MaxPool(windows) => max_pool(*windows, inputs[0], &mut output),
            Work::AvgPool(windows) => avg_pool(*windows, inputs[0], &mut output),
            Work::Sum => sum(&inputs, &mut output),
            Work::Concat => concat(&inputs, &mut output),
            Work::Flatten => flatten(inputs[0], &mut output),
        }
        self.values[step.output] = memory;
    }

    /// The sums that the gradient by a normalisation's input needs: see [`gradient_sums`].
    pub(super) fn gradient_sums(&mut self, plan: &Plan, step: &Step) -> Vec<[f64; 2]> {
        let Work::Normalise(norm) = &step.work else { return Vec::new() };
        let mut memory = self.gradient(plan, step.output);
        let geometry = plan.gradients[step.output];
        let mut gradient = Target { numbers: memory.numbers_mut(), geometry };
        let output = step.relu.then(|| self.value(plan, step.output));
        let input = self.value(plan, step.inputs[0]);
        let sums = gradient_sums(&norm.near(), input, output, &mut gradient);
        self.gradients[step.output] = Some(memory);
        sums
    }

    /// Goes back through a normalisation, of which all groups' sums are known.
    pub(super) fn back_through_norm(&mut self, plan: &Plan, step: &Step, slopes: &[Slopes]) {
        let memory = self.gradient(plan, step.output);
        let own = plan.gradients[step.output];
        let gradient = Source { numbers: memory.numbers(), geometry: own };
        let read = step.inputs[0];
        if plan.trained[read] {
            let to = plan.gradients[read];
            let mut by_input = self.buffer(to);
            let mut output = Target { numbers: by_input.numbers_mut(), geometry: to };
            let input = self.value(plan, read);
            normalise_gradient(slopes, input, gradient, self.inputs, &mut output);
            self.add(plan, read, (to, by_input));
        }
        match step.add {
            Some(other) if plan.trained[other] => self.add(plan, other, (own, memory)),
            _ => self.free.push((own, memory)),
        }
    }

    /// Goes back through a step that does not normalise.
    pub(super) fn back(&mut self, plan: &Plan, number: usize) {
        let step = &plan.steps[number];
        if !plan.trained[step.output] {
            return;
        }
        let mut memory = self.gradient(plan, step.output);
        let own = plan.gradients[step.output];
        if step.relu {
            let mut gradient = Target { numbers: memory.numbers_mut(), geometry: own };
            relu_gradient(self.value(plan, step.output), &mut gradient);
        }
        if let Work::Weighted(layer) = &step.work {
            let gradient = Source { numbers: memory.numbers(), geometry: own };
            let mut by_weight = std::mem::take(&mut self.by_weight[number]);
            let mut room = std::mem::take(&mut self.room);
            let input = self.value(plan, step.inputs[0]);
            by_weight.resize(layer.forward.len(), 0.0);
            weight_gradient(&layer.forward, input, gradient, &mut room, &mut by_weight);
            (self.by_weight[number], self.room) = (by_weight, room);
            if layer.bias.is_some() {
                self.by_bias[number] = unit_sums(gradient);
            }
            if plan.trained[step.inputs[0]] {
                self.back_to_input(plan, step, gradient);
            }
        } else {
            let gradient = Source { numbers: memory.numbers(), geometry: own };
            self.back_without_weights(plan, step, gradient);
        }
        self.free.push((own, memory));
    }

    /// The gradient by what a layer with weights reads.
    fn back_to_input(&mut self, plan: &Plan, step: &Step, gradient: Source<'_>) {
        let Work::Weighted(layer) = &step.work else { return };
        let read = step.inputs[0];
        let to = plan.gradients[read];
        if let [part] = &layer.parts[..] {
            // Of stride 1: added to what is there as it is stored.
            let mut by_input = self.buffer(to);
            let there = self.gradients[read].take();
            let add = match &there {
                Some(there) => Add::Of(Source { numbers: there.numbers(), geometry: to }),
                None => Add::Nothing,
            };
            let mut output = Target { numbers: by_input.numbers_mut(), geometry: to };
            weighted(&part.packed, gradient, &mut output, After { add, relu: false });
            self.free.extend(there.map(|there| (to, there)));
            self.gradients[read] = Some(by_input);
            return;
        }
        let mut by_input = self.gradient(plan, read);
        let mut sums = Target { numbers: by_input.numbers_mut(), geometry: to };
        for part in &layer.parts {
            let mut own = self.buffer(part.geometry);
            let mut output = Target { numbers: own.numbers_mut(), geometry: part.geometry };
            let after = After { add: Add::Nothing, relu: false };
            weighted(&part.packed, gradient, &mut output, after);
            let part_of = Source { numbers: own.numbers(), geometry: part.geometry };
            spread(part_of, part.first, layer.stride, &mut sums);
            self.free.push((part.geometry, own));
        }
        self.gradients[read] = Some(by_input);
    }

    fn back_without_weights(&mut self, plan: &Plan, step: &Step, gradient: Source<'_>) {
        let mut first = 0;
        for &read in &step.inputs {
            let units = plan.values[read].units;
            first += units;
            if !plan.trained[read] {
                continue;
            }
            let mut by_input = self.gradient(plan, read);
            let geometry = plan.gradients[read];
            let mut to = Target { numbers: by_input.numbers_mut(), geometry };
            let input = self.value(plan, read);
            match &step.work {
                Work::Activate(activation) => {
                    activation_gradient(*activation, input, gradient, &mut to);
                }
                Work::MaxPool(windows) => max_pool_gradient(*windows, input, gradient, &mut to),
                Work::AvgPool(windows) => avg_pool_gradient(*windows, gradient, &mut to),
                Work::Sum => add_gradient(gradient, &mut to),
                Work::Concat => concat_gradient(first - units, gradient, &mut to),
                Work::Flatten => flatten_gradient(gradient, &mut to),
                Work::Weighted(_) | Work::Normalise(_) => {}
            }
            self.gradients[read] = Some(by_input);
        }
    }

    /// A buffer in which the border is zero.
    fn buffer(&mut self, geometry: Geometry) -> Memory {
        match self.free.iter().rposition(|(own, _)| *own == geometry) {
            Some(place) => self.free.swap_remove(place).1,
            None => Memory::new(&geometry),
        }
    }

    /// Takes the gradient by a node's result: zero if nothing has been added to it.
    fn gradient(&mut self, plan: &Plan, node: usize) -> Memory {
        if let Some(memory) = self.gradients[node].take() {
            return memory;
        }
        let mut memory = self.buffer(plan.gradients[node]);
        memory.numbers_mut().fill(0.0);
        memory
    }

    /// Adds to the gradient by a node's result.
    fn add(&mut self, plan: &Plan, node: usize, (geometry, more): (Geometry, Memory)) {
        let to = plan.gradients[node];
        if self.gradients[node].is_none() && geometry == to {
            self.gradients[node] = Some(more);
            return;
        }
        let mut sum = self.gradient(plan, node);
        let mut target = Target { numbers: sum.numbers_mut(), geometry: to };
        add_gradient(Source { numbers: more.numbers(), geometry }, &mut target);
        self.gradients[node] = Some(sum);
        self.free.push((geometry, more));
    }
}
