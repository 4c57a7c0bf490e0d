//! Zeros around a map.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use super::window::sides;
use crate::arch::shape::Shape;
use crate::error::GraphError;

/// Zeros around a map: for windows whose padding is not the same on both sides. It belongs to the layer that it reads.
///
/// ```toml
/// [[op]]
/// name = "pad"
/// type = "pad"
/// height = [0, 1]
/// width = [2, 1]
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pad {
    /// Rows above and below.
    pub height: [usize; 2],
    /// Columns on the left and on the right.
    pub width: [usize; 2],
}

impl Operator for Pad {
    fn types() -> &'static [&'static str] {
        &["pad"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        let mut pair = |field: &str| {
            let sizes: Vec<usize> = fields.need(field)?;
            sizes[..].try_into().map_err(|_| {
                fields.wrong(&format!("{field} is {sizes:?}, expected two whole numbers"))
            })
        };
        Ok(Self { height: pair("height")?, width: pair("width")? })
    }

    fn kind(&self) -> &'static str {
        "pad"
    }

    fn write(&self) -> Written {
        Written::new().sizes("height", &self.height).sizes("width", &self.width)
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        let [height, width] = site.map()?;
        for (field, sizes) in [("height", self.height), ("width", self.width)] {
            sizes.into_iter().try_for_each(|size| site.size(field, size, 0))?;
        }
        let [rows, columns] = [self.height, self.width].map(|sizes| sizes[0] + sizes[1]);
        match site.input() {
            Shape::Sequence { channels, .. } if rows == 0 => {
                Ok(Shape::Sequence { channels, length: width + columns })
            }
            Shape::Sequence { .. } => {
                Err(site.field("height", format!("{:?}", self.height), "[0, 0] around a sequence"))
            }
            other => Ok(Shape::Image {
                channels: other.units(),
                height: height + rows,
                width: width + columns,
            }),
        }
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

impl LinearMap for Pad {
    fn transposed(&self, at: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        let [height, width] = sides(at.inputs[0]);
        let padded = sides(at.output)[1];
        let maps = dy.chunks(at.output.area());
        let rows = maps.flat_map(|map| map.chunks(padded).skip(self.height[0]).take(height));
        rows.flat_map(|row| &row[self.width[0]..][..width]).copied().collect()
    }
}
