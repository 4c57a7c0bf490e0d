//! Products of values: gates.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::error::GraphError;
use crate::paths::wiring::Wiring;

/// Product of two or more values, scalar by scalar: a gate, as in squeeze-and-excitation.
///
/// The first has the shape of the product; each other may have one position for all, or one unit for all. A path goes on
/// from either: unit `i` of each input leads to unit `i` of the product, and one unit for all leads to every unit. So a
/// gate hands on what it reads as an addition does, and none of its inputs is a skip.
///
/// ```toml
/// [[op]]
/// name = "excited"
/// type = "multiply"
/// inputs = ["conv2", "gate"]
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multiply;

impl Operator for Multiply {
    fn types() -> &'static [&'static str] {
        &["multiply"]
    }

    fn read(_: &mut Fields) -> Result<Self, String> {
        Ok(Self)
    }

    fn kind(&self) -> &'static str {
        "multiply"
    }

    fn write(&self) -> Written {
        Written::new()
    }

    fn arity(&self) -> Arity {
        Arity::Many
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        let first = site.input();
        let fits = |shape: Shape| {
            let units = shape.units() == first.units() || shape.units() == 1;
            units && (shape.area() == 1 || shape.with_units(first.units()) == first)
        };
        match site.inputs.iter().find(|&&shape| !fits(shape)) {
            Some(&found) => {
                let wanted = format!("{first}, as its first input, or 1 in the place of sizes");
                Err(site.wrong(found, wanted))
            }
            None => Ok(first),
        }
    }

    fn tensors(&self, _: &[Shape], _: Shape) -> Vec<OwnTensor> {
        Vec::new()
    }

    fn effect(&self, inputs: &[Shape]) -> Effect {
        let units = inputs[0].units();
        let wiring = |shape: &Shape| match shape.units() {
            same if same == units => Wiring::Identity,
            _ => Wiring::Flatten { block: units },
        };
        Effect::Free(inputs.iter().map(wiring).collect())
    }

    fn linear(&self) -> Option<&dyn LinearMap> {
        None
    }
}
