//! A compiled network.

use ndarray::{ArrayD, ArrayViewD, IxDyn};
use rayon::prelude::*;

use super::awake::with_threads_awake;
use super::geometry::{LANES, Layout};
use super::plan::Plan;
use crate::arch::Shape;
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
    /// For [`LANES`] inputs at once.
    groups: Plan,
    /// For one input.
    single: Plan,
    /// Up to so many inputs beyond whole groups are run one by one: more of them would take longer than a group.
    singly: usize,
    input: Shape,
    output: Shape,
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
        let plan = |layout| Plan::new(network, mask, layout);
        let (groups, single) = (plan(Layout::Inputs)?, plan(Layout::Positions)?);
        Ok(Self {
            singly: (groups.cost() / single.cost()) as usize,
            groups,
            single,
            input: network.arch().input_shape(),
            output: network.arch().output_shape(),
        })
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
    /// O(n · kept weights · positions) time, in parallel over groups of sixteen inputs, and over rows of maps where there are
    /// more threads than groups; a rest of few is run input by input, over units where there are more threads than inputs.
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
        let rest = if n % LANES <= self.singly { n % LANES } else { 0 };
        let (to_groups, to_rest) = outputs.split_at_mut((n - rest) * written);
        let (of_groups, of_rest) = inputs.split_at((n - rest) * read);
        let groups =
            to_groups.par_chunks_mut(LANES * written).zip(of_groups.par_chunks(LANES * read));
        let threads = self.groups.threads(groups.len());
        groups.for_each(|(to, from)| {
            with_threads_awake(threads, || self.groups.run(threads, from, to));
        });
        let singles = to_rest.par_chunks_mut(written).zip(of_rest.par_chunks(read));
        let threads = self.single.threads(singles.len());
        singles.for_each(|(to, from)| {
            with_threads_awake(threads, || self.single.run(threads, from, to));
        });
        let shape: Vec<usize> = std::iter::once(n).chain(self.output.sizes()).collect();
        Ok(ArrayD::from_shape_vec(IxDyn(&shape), outputs)
            .unwrap_or_else(|e| unreachable!("an output for each input: {e}")))
    }
}
