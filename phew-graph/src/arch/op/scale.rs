//! Learnt factors, as of a layer scale.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::arch::tensor::Role;
use crate::error::GraphError;

/// A learnt factor for each unit, or one for all: it belongs to the layer that it reads, as the scale of a normalisation
/// does, and is not pruned.
///
/// `shape` is that of its tensor `weight` in the state dict; sizes of 1 stand where PyTorch repeats it.
///
/// ```toml
/// [[op]]
/// name = "layer_scale"
/// type = "scale"
/// shape = [96, 1, 1]
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Shape of the tensor.
    pub shape: Vec<usize>,
}

impl Operator for Scale {
    fn types() -> &'static [&'static str] {
        &["scale"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        Ok(Self { shape: fields.need("shape")? })
    }

    fn kind(&self) -> &'static str {
        "scale"
    }

    fn write(&self) -> Written {
        Written::new().sizes("shape", &self.shape)
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        let units = site.input().units();
        let many: Vec<usize> = self.shape.iter().copied().filter(|&size| size != 1).collect();
        match many[..] {
            [] => Ok(site.input()),
            [one] if one == units => Ok(site.input()),
            _ => {
                let found = format!("{:?}", self.shape);
                Err(site.field(
                    "shape",
                    found,
                    format!("a factor for each of {units} units, or one"),
                ))
            }
        }
    }

    fn tensors(&self, _: &[Shape], output: Shape) -> Vec<OwnTensor> {
        let positions = output.scalars() / self.shape.iter().product::<usize>().max(1);
        let shape = self.shape.clone();
        vec![OwnTensor { suffix: "weight", shape: shape.into(), role: Role::Scale, positions }]
    }

    fn effect(&self, _: &[Shape]) -> Effect {
        Effect::Within
    }

    fn linear(&self) -> Option<&dyn LinearMap> {
        Some(self)
    }
}

impl LinearMap for Scale {
    fn transposed(&self, at: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        let factors = at.tensors[0];
        let factor = |unit: usize| factors[if factors.len() == 1 { 0 } else { unit }];
        let units = dy.chunks(at.output.area()).enumerate();
        units.flat_map(|(unit, dy)| dy.iter().map(move |d| d * factor(unit))).collect()
    }
}
