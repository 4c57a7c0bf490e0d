//! Fully connected layers.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::arch::tensor::Role;
use crate::error::GraphError;

/// A fully connected layer; weight `[out, in]`.
///
/// In TOML `bias` may be left out, and is then true.
///
/// ```toml
/// [[op]]
/// name = "fc1"
/// type = "linear"
/// out = 300
/// bias = false
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Output features.
    pub out: usize,
    /// Whether there is a bias.
    pub bias: bool,
}

impl Operator for Linear {
    fn types() -> &'static [&'static str] {
        &["linear"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        Ok(Self { out: fields.need("out")?, bias: fields.take("bias")?.unwrap_or(true) })
    }

    fn kind(&self) -> &'static str {
        "linear"
    }

    fn write(&self) -> Written {
        let fields = Written::new().size("out", self.out);
        if self.bias { fields } else { fields.with("bias", false) }
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        site.size("out", self.out, 1)?;
        match site.input() {
            Shape::Features(_) => Ok(Shape::Features(self.out)),
            found => Err(site.wrong(found, "[features]; put a flatten before it")),
        }
    }

    fn tensors(&self, inputs: &[Shape], output: Shape) -> Vec<OwnTensor> {
        let weight = OwnTensor::weight(vec![self.out, inputs[0].units()], 1);
        let bias = self.bias.then(|| OwnTensor::of_units("bias", Role::Bias, output));
        [weight].into_iter().chain(bias).collect()
    }

    fn effect(&self, _: &[Shape]) -> Effect {
        Effect::Weighted { groups: 1, kernel: 1 }
    }

    fn linear(&self) -> Option<&dyn LinearMap> {
        Some(self)
    }
}

impl LinearMap for Linear {
    /// `Wᵀ dy`.
    fn transposed(&self, at: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        let mut dx = vec![0.0; at.inputs[0].scalars()];
        for (row, dy) in at.tensors[0].chunks(dx.len()).zip(dy) {
            dx.iter_mut().zip(row).for_each(|(d, w)| *d += w * dy);
        }
        dx
    }
}
