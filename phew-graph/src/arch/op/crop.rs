//! Some of the positions of a sequence: what taking one token gives.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::error::GraphError;

/// Some of the positions of a sequence, or of a map read row by row, one after the other. The output is a sequence.
///
/// It belongs to the layer that it reads: paths know units, not positions.
///
/// ```toml
/// [[op]]
/// name = "class"
/// type = "crop"
/// first = 0
/// positions = 1
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crop {
    /// First position.
    pub first: usize,
    /// Number of positions.
    pub positions: usize,
}

impl Operator for Crop {
    fn types() -> &'static [&'static str] {
        &["crop"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        Ok(Self { first: fields.need("first")?, positions: fields.need("positions")? })
    }

    fn kind(&self) -> &'static str {
        "crop"
    }

    fn write(&self) -> Written {
        Written::new().size("first", self.first).size("positions", self.positions)
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        site.map()?;
        let all = site.input().area();
        site.size("first", self.first, 0)?;
        site.size("positions", self.positions, 1)?;
        if self.first + self.positions > all {
            let expected = format!("at most {all}, as its input has, less {}", self.first);
            return Err(site.field("positions", self.positions, expected));
        }
        Ok(Shape::Sequence { channels: site.input().units(), length: self.positions })
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

impl LinearMap for Crop {
    fn transposed(&self, at: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        let area = at.inputs[0].area();
        let mut dx = vec![0.0; at.inputs[0].scalars()];
        for (dx, dy) in dx.chunks_mut(area).zip(dy.chunks(self.positions)) {
            dx[self.first..][..self.positions].copy_from_slice(dy);
        }
        dx
    }
}
