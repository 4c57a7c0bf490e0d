//! Sums: where a skip connection ends.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::error::GraphError;

/// Sum of two or more inputs of one shape: a skip connection's end.
///
/// The order of the inputs changes nothing but one choice: of the branches with the most weighted layers behind them,
/// the first named is the main one, and all others are skips ([`Skip`](crate::Skip)).
///
/// ```toml
/// [[op]]
/// name = "add"
/// type = "add"
/// inputs = ["conv2", "relu1"]
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Add;

impl Operator for Add {
    fn types() -> &'static [&'static str] {
        &["add"]
    }

    fn read(_: &mut Fields) -> Result<Self, String> {
        Ok(Self)
    }

    fn kind(&self) -> &'static str {
        "add"
    }

    fn write(&self) -> Written {
        Written::new()
    }

    fn arity(&self) -> Arity {
        Arity::Many
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        let first = site.input();
        match site.inputs.iter().find(|&&shape| shape != first) {
            Some(&found) => Err(site.wrong(found, format!("{first}, as its first input"))),
            None => Ok(first),
        }
    }

    fn tensors(&self, _: &[Shape], _: Shape) -> Vec<OwnTensor> {
        Vec::new()
    }

    fn effect(&self, inputs: &[Shape]) -> Effect {
        Effect::Sum(inputs.len())
    }

    fn linear(&self) -> Option<&dyn LinearMap> {
        Some(self)
    }
}

impl LinearMap for Add {
    fn transposed(&self, _: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        dy.to_vec()
    }
}
