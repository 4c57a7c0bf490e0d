//! Parts of a layer: what a split or a chunk gives.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::error::GraphError;
use crate::paths::wiring::Wiring;

/// Some of a layer's units, one after the other: unit `first + i` becomes unit `i`.
///
/// Units that no part holds must be read by something else.
///
/// ```toml
/// [[op]]
/// name = "left"
/// type = "slice"
/// first = 24
/// units = 12
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// First unit.
    pub first: usize,
    /// Number of units.
    pub units: usize,
}

impl Operator for Slice {
    fn types() -> &'static [&'static str] {
        &["slice"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        Ok(Self { first: fields.need("first")?, units: fields.need("units")? })
    }

    fn kind(&self) -> &'static str {
        "slice"
    }

    fn write(&self) -> Written {
        Written::new().size("first", self.first).size("units", self.units)
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        let all = site.input().units();
        site.size("first", self.first, 0)?;
        site.size("units", self.units, 1)?;
        if self.first + self.units > all {
            let expected = format!("at most {all}, as its input has, less {}", self.first);
            return Err(site.field("units", self.units, expected));
        }
        Ok(site.input().with_units(self.units))
    }

    fn tensors(&self, _: &[Shape], _: Shape) -> Vec<OwnTensor> {
        Vec::new()
    }

    fn effect(&self, _: &[Shape]) -> Effect {
        Effect::Free(vec![Wiring::Slice { first: self.first, units: self.units }])
    }

    fn linear(&self) -> Option<&dyn LinearMap> {
        Some(self)
    }
}

impl LinearMap for Slice {
    fn transposed(&self, at: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        let area = at.output.area();
        let mut dx = vec![0.0; at.inputs[0].scalars()];
        dx[self.first * area..][..dy.len()].copy_from_slice(dy);
        dx
    }
}
