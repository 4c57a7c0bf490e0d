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
/// With `at_positions` it reads maps and sequences, and joins the channels at each position alike, as a convolution with a
/// kernel of one scalar does.
///
/// In TOML `bias` may be left out, and is then true, and so may `at_positions`, which is then false.
///
/// ```toml
/// [[op]]
/// name = "fc1"
/// type = "linear"
/// out = 300
/// bias = false
///
/// [[op]]
/// name = "mlp.up"
/// type = "linear"
/// out = 96
/// at_positions = true
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Output features.
    pub out: usize,
    /// Whether there is a bias.
    pub bias: bool,
    /// Whether it reads maps, at each position alike; if not, a map before it is a flatten that was forgotten.
    pub at_positions: bool,
}

impl Operator for Linear {
    fn types() -> &'static [&'static str] {
        &["linear"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        Ok(Self {
            out: fields.need("out")?,
            bias: fields.take("bias")?.unwrap_or(true),
            at_positions: fields.take("at_positions")?.unwrap_or(false),
        })
    }

    fn kind(&self) -> &'static str {
        "linear"
    }

    fn write(&self) -> Written {
        let fields = Written::new().size("out", self.out);
        let fields = if self.bias { fields } else { fields.with("bias", false) };
        if self.at_positions { fields.with("at_positions", true) } else { fields }
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        site.size("out", self.out, 1)?;
        match site.input() {
            Shape::Image { .. } | Shape::Sequence { .. } if !self.at_positions => {
                Err(site.wrong(site.input(), "[features]; put a flatten before it"))
            }
            input => Ok(input.with_units(self.out)),
        }
    }

    fn tensors(&self, inputs: &[Shape], output: Shape) -> Vec<OwnTensor> {
        let weight = OwnTensor::weight(vec![self.out, inputs[0].units()], output.area());
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
        let (inputs, area) = (at.inputs[0].units(), at.output.area());
        let mut dx = vec![0.0; at.inputs[0].scalars()];
        for (row, dy) in at.tensors[0].chunks(inputs).zip(dy.chunks(area)) {
            for (dx, w) in dx.chunks_mut(area).zip(row) {
                dx.iter_mut().zip(dy).for_each(|(d, dy)| *d += w * dy);
            }
        }
        dx
    }
}
