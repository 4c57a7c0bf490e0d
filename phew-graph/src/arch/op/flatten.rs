//! From maps to features.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::error::GraphError;
use crate::paths::wiring::Wiring;

/// `[c, h, w]` to `[c·h·w]`, row-major.
///
/// ```toml
/// [[op]]
/// name = "flatten"
/// type = "flatten"
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flatten;

impl Operator for Flatten {
    fn types() -> &'static [&'static str] {
        &["flatten"]
    }

    fn read(_: &mut Fields) -> Result<Self, String> {
        Ok(Self)
    }

    fn kind(&self) -> &'static str {
        "flatten"
    }

    fn write(&self) -> Written {
        Written::new()
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        Ok(Shape::Features(site.input().scalars()))
    }

    fn tensors(&self, _: &[Shape], _: Shape) -> Vec<OwnTensor> {
        Vec::new()
    }

    fn effect(&self, inputs: &[Shape]) -> Effect {
        match inputs[0].area() {
            1 => Effect::Within,
            block => Effect::Free(vec![Wiring::Flatten { block }]),
        }
    }

    fn linear(&self) -> Option<&dyn LinearMap> {
        Some(self)
    }
}

impl LinearMap for Flatten {
    fn transposed(&self, _: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        dy.to_vec()
    }
}
