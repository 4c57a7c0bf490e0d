//! Architectures: a DAG of named operators, checked once when it is built.
//!
//! [`Arch`] is immutable. Its nodes stand in topological order, every shape is known, and the tensors that
//! a state dict of the network holds are listed with their role.

mod build;
mod check;
#[cfg(feature = "files")]
mod file;
mod limits;
pub mod op;
mod shape;
mod share;
mod tensor;
mod tensor_shape;

pub use build::ArchBuilder;
pub use limits::{MAX_MULTIPLY_ADDS, MAX_SCALARS};
pub use op::{Activation, Conv2d, Op, Pool};
pub use shape::Shape;
pub use tensor::{Role, TensorNames, TensorSpec};
pub use tensor_shape::TensorShape;

use std::fmt;

use crate::by_id::ByTensor;
use crate::ids::TensorId;
use op::effect::Effect;
use op::operator::Linearised;

/// An operator before the check: its inputs are names.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeSpec {
    /// Unique name; also the prefix of its tensors in a state dict.
    pub name: String,
    /// What it does.
    pub op: Op,
    /// The operators that it reads.
    pub inputs: Vec<String>,
    /// Names of its tensors that do not follow its own.
    pub tensors: TensorNames,
}

impl NodeSpec {
    /// An operator whose tensors are named after it.
    #[must_use]
    pub fn new(name: impl Into<String>, op: impl Into<Op>, inputs: &[&str]) -> Self {
        let inputs = inputs.iter().map(|&input| input.to_owned()).collect();
        Self { name: name.into(), op: op.into(), inputs, tensors: TensorNames::new() }
    }
}

/// An operator of a checked architecture: its inputs are indices of earlier nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Unique name.
    pub name: String,
    /// What it does.
    pub op: Op,
    /// Indices of the nodes that it reads, all smaller than its own.
    pub inputs: Vec<usize>,
    /// Shape of what it produces, without the batch.
    pub shape: Shape,
    /// Names of its tensors that do not follow its own.
    pub tensors: TensorNames,
}

/// A checked architecture.
///
/// ```
/// use phew_graph::zoo;
/// let arch = zoo::by_name("vgg19")?.classes(10).build()?;
/// assert_eq!(arch.prunable_len(), 20_024_000);
/// # Ok::<(), phew_graph::GraphError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Arch {
    name: String,
    nodes: Vec<Node>,
    prunable: ByTensor<TensorSpec>,
    /// How often a forward pass uses each scalar of a tensor.
    positions: ByTensor<usize>,
    auxiliary: Vec<TensorSpec>,
}

impl Arch {
    /// Name of the architecture.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The operators in topological order; the first is the input, the last the output.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The prunable tensors, in the order of their operators. Masks, scores and weights use this order.
    #[must_use]
    pub fn prunable(&self) -> &ByTensor<TensorSpec> {
        &self.prunable
    }

    /// Biases and normalisation, in the order of their operators.
    #[must_use]
    pub fn auxiliary(&self) -> &[TensorSpec] {
        &self.auxiliary
    }

    /// How often one forward pass over one input uses each scalar of a prunable tensor: at every position of a
    /// convolution's output map, those over the border's padding among them, and of a tensor that several operators share
    /// by each of them.
    ///
    /// A tensor's multiply-adds are its scalars times this.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[must_use]
    pub fn positions(&self, tensor: TensorId) -> usize {
        self.positions[tensor]
    }

    /// Multiply-adds of one forward pass over one input in which no weight takes part: those of attention, of queries with
    /// keys and of what comes of it with values.
    #[must_use]
    pub fn attention_multiply_adds(&self) -> u128 {
        let of = |node: &Node| match (&node.op, &node.inputs[..]) {
            (Op::Attention(_), &[query, key, _]) => {
                op::Attention::multiply_adds(self.nodes[query].shape, self.nodes[key].shape)
            }
            _ => 0,
        };
        self.nodes.iter().map(of).fold(0, u128::saturating_add)
    }

    /// What the papers define no paths for, in alphabetical order: operators by their types, attention, gates (`multiply`)
    /// and layers over tokens (`positions_as_units`); and `tied weights`, which a path may hold twice. The definition is
    /// phew's own; masks and reports name them.
    #[must_use]
    pub fn extensions(&self) -> Vec<String> {
        let tied = self.tied_weight().map(|_| "tied weights");
        let kinds: std::collections::BTreeSet<&str> = self
            .nodes
            .iter()
            .filter(|node| {
                matches!(node.op, Op::Attention(_) | Op::Multiply(_) | Op::PositionsAsUnits(_))
            })
            .map(|node| node.op.kind())
            .chain(tied)
            .collect();
        kinds.into_iter().map(str::to_owned).collect()
    }

    /// Number of prunable scalars; one that several operators share counts once.
    #[must_use]
    pub fn prunable_len(&self) -> usize {
        self.prunable.iter().map(TensorSpec::len).sum()
    }

    /// Shape of the input, without the batch.
    #[must_use]
    pub fn input_shape(&self) -> Shape {
        self.nodes[0].shape
    }

    /// Shape of the output, without the batch.
    #[must_use]
    pub fn output_shape(&self) -> Shape {
        self.nodes[self.nodes.len() - 1].shape
    }

    /// The tensor of this name in a state dict of the network.
    #[cfg(feature = "files")]
    pub(crate) fn tensor_named(&self, name: &str) -> Option<&TensorSpec> {
        self.prunable.iter().chain(&self.auxiliary).find(|spec| spec.name == name)
    }

    /// What a node does to the path graph.
    pub(crate) fn effect(&self, node: usize) -> Effect {
        self.nodes[node].op.operator().effect(&self.input_shapes(node))
    }

    /// Shapes of what a node reads.
    pub(crate) fn input_shapes(&self, node: usize) -> Vec<Shape> {
        self.nodes[node].inputs.iter().map(|&i| self.nodes[i].shape).collect()
    }

    /// Carries derivatives back through a node that computes a linear map (up to a constant): from those by its output
    /// to those by its input number `input`, both flattened row-major.
    ///
    /// `tensors` are the values of the node's tensors, by [`Role`]: its weight or scale, its bias or shift, its running
    /// mean, its running variance, as far as it has them.
    ///
    /// # Returns
    /// `None` if the node is not linear ([`Op::is_linear`]).
    ///
    /// # Panics
    /// If the derivatives or tensors are not of the node's sizes, or there is no such node or input.
    ///
    /// # Complexity
    /// As a forward pass of the operator.
    #[must_use]
    pub fn pull_back(
        &self,
        node: usize,
        input: usize,
        tensors: &[&[f64]],
        derivatives: &[f64],
    ) -> Option<Vec<f64>> {
        let output = self.nodes[node].shape;
        assert_eq!(
            derivatives.len(),
            output.scalars(),
            "a derivative for each scalar of the output"
        );
        let map = self.nodes[node].op.operator().linear()?;
        let inputs = self.input_shapes(node);
        let at = Linearised { inputs: &inputs, output, tensors };
        Some(map.transposed(&at, input, derivatives))
    }

    /// The operators as [`Arch::new`] takes them.
    #[must_use]
    pub fn specs(&self) -> Vec<NodeSpec> {
        let name = |&i: &usize| self.nodes[i].name.clone();
        self.nodes
            .iter()
            .map(|n| NodeSpec {
                name: n.name.clone(),
                op: n.op.clone(),
                inputs: n.inputs.iter().map(name).collect(),
                tensors: n.tensors.clone(),
            })
            .collect()
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: input {}, output {}, {} prunable weights in {} tensors",
            self.name,
            self.input_shape(),
            self.output_shape(),
            self.prunable_len(),
            self.prunable.len()
        )
    }
}
