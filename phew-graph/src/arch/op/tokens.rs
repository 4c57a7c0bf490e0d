//! Learnt positions beside those of the input, as a class token.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::arch::tensor::Role;
use crate::error::GraphError;

/// Learnt positions before those of a sequence, or of a map read row by row: a class token. The output is a sequence.
///
/// `shape` is that of its tensor `tokens` in the state dict: positions and then units; sizes of 1 may stand before them,
/// and the axis of the positions may be missing where it is one. It belongs to the layer that it reads, and no path begins
/// in it, as none begins in a bias.
///
/// ```toml
/// [[op]]
/// name = "class_token"
/// type = "tokens"
/// shape = [1, 1, 768]
/// behind = true
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Shape of the tensor.
    pub shape: Vec<usize>,
    /// Whether they stand behind the others; no by default.
    pub behind: bool,
}

impl Tokens {
    /// Number of learnt positions.
    fn count(&self, units: usize) -> Option<usize> {
        let (&last, before) = self.shape.split_last()?;
        let (count, ones) = before.split_last().map_or((1, &[][..]), |(&n, ones)| (n, ones));
        (last == units && ones.iter().all(|&size| size == 1)).then_some(count)
    }
}

impl Operator for Tokens {
    fn types() -> &'static [&'static str] {
        &["tokens"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        let behind = fields.take("behind")?.unwrap_or(false);
        Ok(Self { shape: fields.need("shape")?, behind })
    }

    fn kind(&self) -> &'static str {
        "tokens"
    }

    fn write(&self) -> Written {
        let fields = Written::new().sizes("shape", &self.shape);
        if self.behind { fields.with("behind", true) } else { fields }
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        site.map()?;
        let input = site.input();
        for &size in &self.shape {
            site.size("shape", size, 1)?;
        }
        let Some(count) = self.count(input.units()) else {
            let expected = format!("[positions, {}], after sizes of 1", input.units());
            return Err(site.field("shape", format!("{:?}", self.shape), expected));
        };
        Ok(Shape::Sequence { channels: input.units(), length: input.area() + count })
    }

    fn tensors(&self, _: &[Shape], _: Shape) -> Vec<OwnTensor> {
        let shape = self.shape.clone();
        vec![OwnTensor { suffix: "tokens", shape: shape.into(), role: Role::Shift, positions: 1 }]
    }

    fn effect(&self, _: &[Shape]) -> Effect {
        Effect::Within
    }

    fn linear(&self) -> Option<&dyn LinearMap> {
        Some(self)
    }
}

impl LinearMap for Tokens {
    fn transposed(&self, at: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        let (area, length) = (at.inputs[0].area(), at.output.area());
        let first = if self.behind { 0 } else { length - area };
        dy.chunks(length).flat_map(|unit| &unit[first..first + area]).copied().collect()
    }
}
