//! What is known of a value of the graph.

use super::constant::Constant;

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Known {
    /// It depends on the input.
    Active(Active),
    /// A tensor of the file, under a view.
    Stored(View),
    /// Fixed numbers.
    Constant(Constant),
    /// What the operator of this name makes of tensors or numbers.
    Other(String),
}

/// A value that depends on the input: its name in the program, and its shape.
#[derive(Clone, Debug)]
pub(super) struct Active {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
}

/// A tensor of the file, as it is or in another shape.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// Its place among the tensors.
    pub(super) tensor: usize,
    /// Its name, or the one that an operator gives it.
    pub(super) name: String,
    /// Its shape here.
    pub(super) shape: Vec<usize>,
    /// Whether it is a matrix with its axes swapped.
    pub(super) transposed: bool,
}
