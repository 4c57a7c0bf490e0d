//! Softmax over a layer's units.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::error::GraphError;

/// Softmax over the units at each position, or with `log` its logarithm: an activation of the layer that it reads.
///
/// ```toml
/// [[op]]
/// name = "probabilities"
/// type = "softmax"
///
/// [[op]]
/// name = "logarithms"
/// type = "softmax"
/// log = true
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Softmax {
    /// Whether the logarithm is taken; no by default.
    pub log: bool,
}

impl Operator for Softmax {
    fn types() -> &'static [&'static str] {
        &["softmax"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        Ok(Self { log: fields.take("log")?.unwrap_or(false) })
    }

    fn kind(&self) -> &'static str {
        "softmax"
    }

    fn write(&self) -> Written {
        if self.log { Written::new().with("log", true) } else { Written::new() }
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        Ok(site.input())
    }

    fn tensors(&self, _: &[Shape], _: Shape) -> Vec<OwnTensor> {
        Vec::new()
    }

    fn effect(&self, _: &[Shape]) -> Effect {
        Effect::Within
    }

    fn linear(&self) -> Option<&dyn LinearMap> {
        None
    }
}
