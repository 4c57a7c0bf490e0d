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
/// In TOML `eps` and `momentum` may be left out, and so may `affine` and `statistics`, which are then true.
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
    /// Whether it has scales and shifts; yes by default.
    pub affine: bool,
    /// Whether it has running statistics; yes by default. Without them every batch is normalised by its own.
    pub statistics: bool,
}

/// PyTorch's defaults: ε = 1e-5, momentum 0.1.
impl Default for BatchNorm {
    fn default() -> Self {
        Self { eps: 1e-5, momentum: 0.1, affine: true, statistics: true }
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
            affine: fields.take("affine")?.unwrap_or(default.affine),
            statistics: fields.take("statistics")?.unwrap_or(default.statistics),
        })
    }

    fn kind(&self) -> &'static str {
        "batch_norm"
    }

    fn write(&self) -> Written {
        let fields = Written::new().with("eps", self.eps).with("momentum", self.momentum);
        let fields = if self.affine { fields } else { fields.with("affine", false) };
        if self.statistics { fields } else { fields.with("statistics", false) }
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
        let has = |role: Role| if role.is_buffer() { self.statistics } else { self.affine };
        let own = TENSORS.into_iter().filter(|&(_, role)| has(role));
        own.map(|(suffix, role)| OwnTensor::of_units(suffix, role, output)).collect()
    }

    fn effect(&self, _: &[Shape]) -> Effect {
        Effect::Within
    }

    /// In evaluation, by the running statistics.
    fn linear(&self) -> Option<&dyn LinearMap> {
        self.statistics.then_some(self as &dyn LinearMap)
    }
}

impl LinearMap for BatchNorm {
    /// `scale / √(variance + ε)` times the derivatives of each channel.
    fn transposed(&self, at: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        let (scales, variances) = match at.tensors {
            [scales, _, _, variances] => (Some(*scales), *variances),
            [_, variances] => (None, *variances),
            _ => unreachable!("a linear batch normalisation has statistics"),
        };
        let factor = |(unit, v): (usize, &f64)| {
            scales.map_or(1.0, |scales| scales[unit]) / (v + self.eps).sqrt()
        };
        let factors = variances.iter().enumerate().map(factor);
        let channels = dy.chunks(at.output.area()).zip(factors);
        channels.flat_map(|(channel, f)| channel.iter().map(move |d| d * f)).collect()
    }
}
