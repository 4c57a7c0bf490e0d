//! Activation functions.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::error::GraphError;

/// The activation functions: `relu`, `leaky_relu`, `tanh` and `identity` in TOML.
///
/// ```toml
/// [[op]]
/// name = "relu1"
/// type = "relu"
///
/// [[op]]
/// name = "relu2"
/// type = "leaky_relu"
/// slope = 0.01
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x` where positive, else `slope · x`.
    LeakyRelu {
        /// Slope of the negative side; PyTorch's default is 0.01.
        slope: f64,
    },
    /// Hyperbolic tangent.
    Tanh,
    /// Nothing: for linear networks.
    Identity,
}

impl Operator for Activation {
    fn types() -> &'static [&'static str] {
        &["relu", "leaky_relu", "tanh", "identity"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        match fields.kind() {
            "relu" => Ok(Self::Relu),
            "leaky_relu" => Ok(Self::LeakyRelu { slope: fields.take("slope")?.unwrap_or(0.01) }),
            "tanh" => Ok(Self::Tanh),
            "identity" => Ok(Self::Identity),
            kind => Err(fields.wrong(&format!("{kind} is no activation"))),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::LeakyRelu { .. } => "leaky_relu",
            Self::Tanh => "tanh",
            Self::Identity => "identity",
        }
    }

    fn write(&self) -> Written {
        match self {
            Self::LeakyRelu { slope } => Written::new().with("slope", *slope),
            Self::Relu | Self::Tanh | Self::Identity => Written::new(),
        }
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        match self {
            Self::LeakyRelu { slope } if !slope.is_finite() => {
                Err(site.field("slope", slope, "a finite number"))
            }
            Self::LeakyRelu { .. } | Self::Relu | Self::Tanh | Self::Identity => Ok(site.input()),
        }
    }

    fn tensors(&self, _: &[Shape], _: Shape) -> Vec<OwnTensor> {
        Vec::new()
    }

    fn effect(&self, _: &[Shape]) -> Effect {
        Effect::Within
    }

    /// The identity, and a leaky ReLU with the same slope on both sides.
    fn linear(&self) -> Option<&dyn LinearMap> {
        match self {
            Self::Identity => Some(self),
            Self::LeakyRelu { slope } if (slope - 1.0).abs() < f64::EPSILON => Some(self),
            Self::LeakyRelu { .. } | Self::Relu | Self::Tanh => None,
        }
    }
}

impl LinearMap for Activation {
    fn transposed(&self, _: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        dy.to_vec()
    }
}
