//! Batch normalisation.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::arch::tensor::Role;
use crate::error::GraphError;

/// Batch normalisation over channels or features.
///
/// In TOML `eps` and `momentum` may be left out.
///
/// ```toml
/// [[op]]
/// name = "bn1"
/// type = "batch_norm"
/// eps = 0.00001
/// momentum = 0.1
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm {
    /// Added to the variance; 1e-5 by default.
    pub eps: f64,
    /// Weight of a batch in the running statistics; 0.1 by default.
    pub momentum: f64,
}

/// PyTorch's defaults: ε = 1e-5, momentum 0.1.
impl Default for BatchNorm {
    fn default() -> Self {
        Self { eps: 1e-5, momentum: 0.1 }
    }
}

/// Its tensors, in this order.
const TENSORS: [(&str, Role); 4] = [
    ("weight", Role::NormScale),
    ("bias", Role::NormShift),
    ("running_mean", Role::RunningMean),
    ("running_var", Role::RunningVar),
];

impl Operator for BatchNorm {
    fn types() -> &'static [&'static str] {
        &["batch_norm"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        let default = Self::default();
        Ok(Self {
            eps: fields.take("eps")?.unwrap_or(default.eps),
            momentum: fields.take("momentum")?.unwrap_or(default.momentum),
        })
    }

    fn kind(&self) -> &'static str {
        "batch_norm"
    }

    fn write(&self) -> Written {
        Written::new().with("eps", self.eps).with("momentum", self.momentum)
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        if !(self.eps > 0.0 && self.eps.is_finite()) {
            return Err(site.field("eps", self.eps, "a positive number"));
        }
        if !(0.0..=1.0).contains(&self.momentum) {
            return Err(site.field("momentum", self.momentum, "a number from 0 to 1"));
        }
        Ok(site.input())
    }

    fn tensors(&self, _: &[Shape], output: Shape) -> Vec<OwnTensor> {
        TENSORS.map(|(suffix, role)| OwnTensor::of_units(suffix, role, output)).into()
    }

    fn effect(&self, _: &[Shape]) -> Effect {
        Effect::Within
    }

    /// In evaluation, by the running statistics.
    fn linear(&self) -> Option<&dyn LinearMap> {
        Some(self)
    }
}

impl LinearMap for BatchNorm {
    /// `scale / √(variance + ε)` times the derivatives of each channel.
    fn transposed(&self, at: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        let (scales, variances) = (at.tensors[0], at.tensors[3]);
        let factors = scales.iter().zip(variances).map(|(s, v)| s / (v + self.eps).sqrt());
        let channels = dy.chunks(at.output.area()).zip(factors);
        channels.flat_map(|(channel, f)| channel.iter().map(move |d| d * f)).collect()
    }
}
