//! Fixed factors and summands.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::error::GraphError;

/// `factor · x + summand`, with two fixed numbers: it belongs to the layer that it reads.
///
/// In TOML `factor` may be left out, and is then 1, and so may `summand`, which is then 0.
///
/// ```toml
/// [[op]]
/// name = "halved"
/// type = "affine"
/// factor = 0.5
/// summand = 1.0
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// The factor.
    pub factor: f64,
    /// The summand.
    pub summand: f64,
}

impl Operator for Affine {
    fn types() -> &'static [&'static str] {
        &["affine"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        let factor = fields.take("factor")?.unwrap_or(1.0);
        Ok(Self { factor, summand: fields.take("summand")?.unwrap_or(0.0) })
    }

    fn kind(&self) -> &'static str {
        "affine"
    }

    fn write(&self) -> Written {
        Written::new().with("factor", self.factor).with("summand", self.summand)
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        // A factor of 0 would end all paths here, and no path graph would say so.
        if !(self.factor.is_finite() && self.factor != 0.0) {
            return Err(site.field("factor", self.factor, "a finite number that is not 0"));
        }
        if !self.summand.is_finite() {
            return Err(site.field("summand", self.summand, "a finite number"));
        }
        Ok(site.input())
    }

    fn tensors(&self, _: &[Shape], _: Shape) -> Vec<OwnTensor> {
        Vec::new()
    }

    fn effect(&self, _: &[Shape]) -> Effect {
        Effect::Within
    }

    fn linear(&self) -> Option<&dyn LinearMap> {
        Some(self)
    }
}

impl LinearMap for Affine {
    fn transposed(&self, _: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        dy.iter().map(|d| d * self.factor).collect()
    }
}
