//! The network's input.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::error::GraphError;

/// The network's input: exactly one operator of every architecture.
///
/// ```toml
/// [[op]]
/// name = "input"
/// type = "input"
/// shape = [3, 32, 32]
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its shape, without the batch.
    pub shape: Shape,
}

impl Operator for Input {
    fn types() -> &'static [&'static str] {
        &["input"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        let sizes: Vec<usize> = fields.need("shape")?;
        match Shape::from_slice(&sizes) {
            Some(shape) => Ok(Self { shape }),
            None => Err(fields.wrong(&format!(
                "shape is {sizes:?}, expected [features], [channels, length] or [channels, height, width]"
            ))),
        }
    }

    fn kind(&self) -> &'static str {
        "input"
    }

    fn write(&self) -> Written {
        Written::new().sizes("shape", &self.shape.sizes())
    }

    fn arity(&self) -> Arity {
        Arity::Zero
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        match self.shape.sizes().contains(&0) {
            true => Err(site.field("shape", self.shape, "sizes of at least 1")),
            false => Ok(self.shape),
        }
    }

    fn tensors(&self, _: &[Shape], _: Shape) -> Vec<OwnTensor> {
        Vec::new()
    }

    fn effect(&self, _: &[Shape]) -> Effect {
        Effect::Start
    }

    /// It reads nothing, so nothing is carried back through it.
    fn linear(&self) -> Option<&dyn LinearMap> {
        None
    }
}
