//! Learnt summands, as position embeddings.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::arch::tensor::Role;
use crate::error::GraphError;

/// A learnt summand for each unit, or for each unit at each position: it belongs to the layer that it reads, and no path
/// begins in it, as none begins in a bias.
///
/// `shape` is that of its tensor `bias` in the state dict: units and then positions, or with `units_last` positions and
/// then units, as in a position embedding of tokens; sizes of 1 stand where PyTorch repeats it.
///
/// ```toml
/// [[op]]
/// name = "positions"
/// type = "shift"
/// shape = [1, 197, 768]
/// units_last = true
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    /// Shape of the tensor.
    pub shape: Vec<usize>,
    /// Whether its last axis is that of the units; no by default.
    pub units_last: bool,
}

impl Shift {
    /// Whether it has a summand for each position, rather than one for all.
    fn is_by_position(&self, input: Shape) -> bool {
        input.area() > 1 && self.scalars() != input.units()
    }

    fn scalars(&self) -> usize {
        self.shape.iter().fold(1, |product: usize, &size| product.saturating_mul(size))
    }
}

impl Operator for Shift {
    fn types() -> &'static [&'static str] {
        &["shift"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        let units_last = fields.take("units_last")?.unwrap_or(false);
        Ok(Self { shape: fields.need("shape")?, units_last })
    }

    fn kind(&self) -> &'static str {
        "shift"
    }

    fn write(&self) -> Written {
        let fields = Written::new().sizes("shape", &self.shape);
        if self.units_last { fields.with("units_last", true) } else { fields }
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        let input = site.input();
        let sizes = input.sizes();
        let mut wanted: Vec<usize> = match self.is_by_position(input) {
            false => vec![input.units()],
            true if self.units_last => sizes[1..].iter().chain(&sizes[..1]).copied().collect(),
            true => sizes,
        };
        let mut found = self.shape.clone();
        [&mut wanted, &mut found].into_iter().for_each(|sizes| sizes.retain(|&size| size != 1));
        if wanted == found {
            return Ok(input);
        }
        let expected = format!("summands for {input}, by unit or by unit and position");
        Err(site.field("shape", format!("{:?}", self.shape), expected))
    }

    fn tensors(&self, _: &[Shape], output: Shape) -> Vec<OwnTensor> {
        let positions = output.scalars() / self.scalars().max(1);
        vec![OwnTensor {
            suffix: "bias",
            shape: self.shape.as_slice().into(),
            role: Role::Shift,
            positions,
        }]
    }

    fn effect(&self, _: &[Shape]) -> Effect {
        Effect::Within
    }

    fn linear(&self) -> Option<&dyn LinearMap> {
        Some(self)
    }
}

impl LinearMap for Shift {
    fn transposed(&self, _: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        dy.to_vec()
    }
}
