//! What every operator says about itself.

use std::fmt;

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::arch::tensor::Role;
use crate::arch::tensor_shape::TensorShape;
use crate::error::GraphError;

/// An operator: all that analysis needs to know of it.
///
/// There is one implementation in each file beside this one, and [`super::Op`] lists them. Methods come without
/// defaults, so that nothing about a new operator is assumed.
#[cfg_attr(not(feature = "files"), expect(dead_code, reason = "TOML is left out"))]
pub(crate) trait Operator {
    /// Its types in TOML: one, unless several share the code.
    fn types() -> &'static [&'static str]
    where
        Self: Sized;

    /// Reads its fields, of a table of one of its types.
    ///
    /// # Errors
    /// What is wrong with which field.
    fn read(fields: &mut Fields) -> Result<Self, String>
    where
        Self: Sized;

    /// Its type in TOML and in messages.
    fn kind(&self) -> &'static str;

    /// Its fields in TOML, without those that have their default.
    fn write(&self) -> Written;

    /// How many inputs it reads.
    fn arity(&self) -> Arity;

    /// Shape of its output; checks its fields.
    ///
    /// Sizes must be checked by [`Site::size`] before they are added or multiplied. The shapes of the inputs are
    /// within [`MAX_SCALARS`](crate::MAX_SCALARS).
    ///
    /// # Errors
    /// [`GraphError::Shape`] for inputs that do not fit, [`GraphError::Field`] for fields that make no sense.
    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError>;

    /// Its tensors in the state dict, of an operator whose shapes are checked.
    fn tensors(&self, inputs: &[Shape], output: Shape) -> Vec<OwnTensor>;

    /// What it does to the path graph.
    fn effect(&self, inputs: &[Shape]) -> Effect;

    /// The map that it computes, if that is linear (up to a constant) while its tensors stay as they are.
    fn linear(&self) -> Option<&dyn LinearMap>;
}

/// How many inputs an operator reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arity {
    /// None: the input of the network.
    Zero,
    /// One.
    One,
    /// Three, each with a part of its own, which TOML must name.
    Three,
    /// Two or more, which TOML must name.
    Many,
}

impl Arity {
    /// Whether so many inputs fit.
    pub(crate) fn fits(self, inputs: usize) -> bool {
        match self {
            Arity::Zero => inputs == 0,
            Arity::One => inputs == 1,
            Arity::Three => inputs == 3,
            Arity::Many => inputs >= 2,
        }
    }

    /// What is expected, for messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Arity::Zero => "none",
            Arity::One => "one",
            Arity::Three => "three",
            Arity::Many => "two or more",
        }
    }
}

/// A tensor that an operator owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnTensor {
    /// What follows the operator's name in the state dict.
    pub(crate) suffix: &'static str,
    pub(crate) shape: TensorShape,
    pub(crate) role: Role,
    /// How often one forward pass over one input uses each scalar.
    pub(crate) positions: usize,
}

impl OwnTensor {
    /// The prunable weight, each scalar of which is used at so many positions.
    pub(crate) fn weight(shape: impl Into<TensorShape>, positions: usize) -> Self {
        Self { suffix: "weight", shape: shape.into(), role: Role::Weight, positions }
    }

    /// A vector with a scalar for each unit of the output.
    pub(crate) fn of_units(suffix: &'static str, role: Role, output: Shape) -> Self {
        Self { suffix, shape: vec![output.units()].into(), role, positions: output.area() }
    }
}

/// A linear map between activations, both flattened row-major.
pub(crate) trait LinearMap {
    /// The transposed map: derivatives by input number `input`, from the derivatives by the output.
    fn transposed(&self, at: &Linearised<'_>, input: usize, dy: &[f64]) -> Vec<f64>;
}

/// A linear operator where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Linearised<'a> {
    /// Shapes of its inputs.
    pub(crate) inputs: &'a [Shape],
    /// Shape of its output.
    pub(crate) output: Shape,
    /// Values of its tensors, in the order of [`Operator::tensors`].
    pub(crate) tensors: &'a [&'a [f64]],
}

impl fmt::Debug for Linearised<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inputs, output, tensors } = self;
        write!(f, "Linearised({inputs:?} to {output}, {} tensors)", tensors.len())
    }
}
