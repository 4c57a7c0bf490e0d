//! What the values of a program are to an import.

use super::axes::Axes;

/// A value of the program.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// What an operator computes from the input.
    Activation(Activation),
    /// A parameter or buffer.
    Tensor(Tensor),
    /// Products of queries and keys, and whether softmax is done: parts of an attention in pieces.
    Scores(Scores, bool),
    /// Random numbers that only training has: of stochastic depth, say.
    Noise,
    /// What the operator of this name computes from something else.
    Other(String),
}

/// The output of an operator under a view.
#[derive(Clone, Debug)]
pub(super) struct Activation {
    /// The operator: an index into those of the builder.
    pub(super) node: usize,
    /// What the axes of the tensor hold of its units and positions.
    pub(super) axes: Axes,
    /// The name of the last view, for an operator that may have to do what it does.
    pub(super) view: Option<String>,
}

/// What an attention knows before it comes to its values.
#[derive(Clone, Debug)]
pub(super) struct Scores {
    /// Batch and heads, positions, units of a head.
    pub(super) query: Activation,
    /// Likewise.
    pub(super) key: Activation,
    /// Factor of the products; `None` for one over the root of a head's units.
    pub(super) scale: Option<f64>,
    /// Whether a position sees only itself and those before it.
    pub(super) causal: bool,
}

/// A parameter or buffer, as it is or under a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tensor {
    /// Name in the state dict.
    pub(super) name: String,
    /// Its shape there.
    pub(super) stored: Vec<usize>,
    /// Its shape here.
    pub(super) shape: Vec<usize>,
    /// Whether a state dict has it.
    pub(super) saved: bool,
}
