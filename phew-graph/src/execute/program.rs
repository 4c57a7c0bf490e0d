//! A compiled network.

use std::sync::{Mutex, PoisonError};

use ndarray::{ArrayD, ArrayViewD, IxDyn};
use rayon::prelude::*;

use super::buffers::Buffers;
use super::geometry::{Geometry, LANES};
use super::kernels::{
    After, Source, Target, activate, affine, avg_pool, concat, flatten, max_pool, sum, weighted,
};
use super::live_units::keep_live_units;
use super::memory::Memory;
use super::step::{Step, Work};
use super::steps::Steps;
use crate::arch::{Activation, Shape};
use crate::error::GraphError;
use crate::mask::Mask;
use crate::weights::Network;

/// A network under a mask, compiled to be run.
///
/// When to use it: to run a trained sparse network on a CPU faster than a framework that computes with the zeros.
///
/// # Examples
/// ```
/// use phew_graph::execute::Program;
/// use phew_graph::{Init, Mask, Network, ndarray::ArrayD, zoo};
///
/// let network = Network::initialise(zoo::by_name("lenet-300-100")?.build()?, Init::default(), 0)?;
/// let program = Program::new(&network, Some(&Mask::dense(network.arch())))?;
/// let outputs = program.run(ArrayD::zeros(vec![3, 1, 28, 28]).view())?;
/// assert_eq!(outputs.shape(), [3, 10]);
/// # Ok::<(), phew_graph::GraphError>(())
/// ```
#[derive(Debug)]
pub struct Program {
    steps: Vec<Step>,
    buffers: Buffers,
    /// Where the result of each node lies.
    geometries: Vec<Geometry>,
    input: Shape,
    output: Shape,
    /// Memory of groups that are done, for the next ones.
    memories: Mutex<Vec<Vec<Memory>>>,
}

impl Program {
    /// Compiles a network with all weights, or those that a mask keeps. Normalisations take their running statistics, as
    /// frameworks do in evaluation mode.
    ///
    /// # Errors
    /// Those of [`Mask::check`] if the mask is of another network, [`GraphError::Field`] naming an operator
    /// that this engine does not run.
    ///
    /// # Complexity
    /// O(weights) time; memory for the kept weights alone.
    pub fn new(network: &Network, mask: Option<&Mask>) -> Result<Self, GraphError> {
        if let Some(mask) = mask {
            mask.check(network.arch(), "the mask")?;
        }
        let mut all = Steps::new(network, mask);
        let mut steps = all.all()?;
        let last = network.arch().nodes().len() - 1;
        keep_live_units(&mut steps, &|node| all.geometry(node), last);
        let buffers = Buffers::new(&steps, &|node| all.geometry(node), 0, last);
        let geometries = (0..=last).map(|node| all.geometry(node)).collect();
        let (input, output) = (network.arch().input_shape(), network.arch().output_shape());
        Ok(Self { steps, buffers, geometries, input, output, memories: Mutex::default() })
    }

    /// What the network makes of inputs.
    ///
    /// # Shapes
    /// `[n]` and the sizes of the network's input, in; `[n]` and the sizes of its output, out.
    ///
    /// # Errors
    /// [`GraphError::Parameter`] if the inputs have another shape.
    ///
    /// # Complexity
    /// O(n · kept weights · positions) time, in parallel over groups of sixteen inputs.
    pub fn run(&self, inputs: ArrayViewD<'_, f32>) -> Result<ArrayD<f32>, GraphError> {
        if inputs.ndim() == 0 || inputs.shape()[1..] != self.input.sizes()[..] {
            return Err(GraphError::Parameter {
                name: "shape of the inputs",
                found: format!("{:?}", inputs.shape()),
                expected: "[n, …] with the sizes of the network's input",
            });
        }
        let (n, read, written) = (inputs.shape()[0], self.input.scalars(), self.output.scalars());
        let inputs = inputs.as_standard_layout();
        let inputs = inputs.as_slice().unwrap_or_default();
        let mut outputs = vec![0.0; n * written];
        let groups = outputs.par_chunks_mut(LANES * written).zip(inputs.par_chunks(LANES * read));
        groups.for_each(|(to, from)| {
            let mut memory = self.memory();
            self.group(&mut memory, from, to);
            self.memories.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
        });
        let shape: Vec<usize> = std::iter::once(n).chain(self.output.sizes()).collect();
        Ok(ArrayD::from_shape_vec(IxDyn(&shape), outputs)
            .unwrap_or_else(|e| unreachable!("an output for each input: {e}")))
    }

    /// Memory that no group is in. Whatever is in it within the borders is written before it is read.
    fn memory(&self) -> Vec<Memory> {
        let free = self.memories.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.unwrap_or_else(|| self.buffers.geometries.iter().map(Memory::new).collect())
    }

    /// Runs up to [`LANES`] inputs; of fewer, what lies in the other lanes is computed too and not read.
    fn group(&self, memory: &mut [Memory], inputs: &[f32], outputs: &mut [f32]) {
        let last = self.geometries.len() - 1;
        let buffer = memory[self.buffers.of(0)].numbers_mut();
        for (scalar, place) in places(self.geometries[0]).enumerate() {
            let lanes = buffer[place..place + LANES].iter_mut();
            let of_inputs = inputs.iter().skip(scalar).step_by(self.input.scalars());
            lanes.zip(of_inputs).for_each(|(to, from)| *to = *from);
        }
        for step in &self.steps {
            self.step(memory, step);
        }
        let buffer = memory[self.buffers.of(last)].numbers();
        for (scalar, place) in places(self.geometries[last]).enumerate() {
            let of_outputs = outputs.iter_mut().skip(scalar).step_by(self.output.scalars());
            of_outputs.zip(&buffer[place..place + LANES]).for_each(|(to, from)| *to = *from);
        }
    }

    fn step(&self, memory: &mut [Memory], step: &Step) {
        let own = self.buffers.of(step.output);
        let mut to = std::mem::take(&mut memory[own]);
        let source = |&value: &usize| Source {
            numbers: memory[self.buffers.of(value)].numbers(),
            geometry: self.geometries[value],
        };
        let inputs: Vec<Source<'_>> = step.inputs.iter().map(source).collect();
        let mut output =
            Target { numbers: to.numbers_mut(), geometry: self.geometries[step.output] };
        let relu = step.activation == Activation::Relu;
        match &step.work {
            Work::Weighted(packed) => {
                let after = After { add: step.add.as_ref().map(source), relu };
                weighted(packed, inputs[0], &mut output, after);
            }
            Work::Affine(each) => affine(each, inputs[0], &mut output),
            Work::MaxPool(window) => max_pool(*window, inputs[0], &mut output),
            Work::AvgPool(window) => avg_pool(*window, inputs[0], &mut output),
            Work::Sum => sum(&inputs, &mut output),
            Work::Concat => concat(&inputs, &mut output),
            Work::Flatten => flatten(inputs[0], &mut output),
        }
        if !(relu && matches!(step.work, Work::Weighted(_))) {
            activate(step.activation, &mut output);
        }
        memory[own] = to;
    }
}

/// Where the scalars of a value lie, in the order in which arrays have them.
fn places(geometry: Geometry) -> impl Iterator<Item = usize> {
    let [rows, columns] = geometry.size;
    let row = move |unit, y| (0..columns).map(move |x| geometry.place(unit, y, x) * LANES);
    (0..geometry.units).flat_map(move |unit| (0..rows).flat_map(move |y| row(unit, y)))
}
