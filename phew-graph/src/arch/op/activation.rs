//! Activation functions.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::error::GraphError;

/// The activation functions, scalar by scalar: they belong to the layer that they read.
///
/// In TOML: `relu`, `leaky_relu` (`slope`, 0.01 by default), `elu` (`alpha`, 1 by default), `clip` (`min` and `max`; PyTorch's
/// `ReLU6` clips to 0 and 6), `gelu` (`tanh`, false by default, for the approximation), `silu`, `mish`, `softplus`,
/// `hard_swish`, `sigmoid`, `hard_sigmoid`, `tanh` and `identity`.
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
///
/// [[op]]
/// name = "relu6"
/// type = "clip"
/// min = 0.0
/// max = 6.0
///
/// [[op]]
/// name = "elu"
/// type = "elu"
/// alpha = 1.0
///
/// [[op]]
/// name = "gelu"
/// type = "gelu"
/// tanh = true
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x` where positive, else `slope · x`.
    LeakyRelu {
        /// Slope of the negative side; PyTorch's default is 0.01.
        slope: f64,
    },
    /// `x` where positive, else `alpha · (eˣ − 1)`.
    Elu {
        /// Its lower bound, with the sign turned.
        alpha: f64,
    },
    /// `x` between two bounds.
    Clip {
        /// Lower bound.
        min: f64,
        /// Upper bound.
        max: f64,
    },
    /// `x · Φ(x)`, where Φ is the normal distribution's function.
    Gelu {
        /// Whether Φ is approximated by a hyperbolic tangent.
        tanh: bool,
    },
    /// `x · sigmoid(x)`.
    Silu,
    /// `x · tanh(ln(1 + eˣ))`.
    Mish,
    /// `ln(1 + eˣ)`.
    Softplus,
    /// `x · clip(x + 3, 0, 6) / 6`.
    HardSwish,
    /// `1 / (1 + e⁻ˣ)`.
    Sigmoid,
    /// `clip(x + 3, 0, 6) / 6`.
    HardSigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// Nothing: for linear networks.
    Identity,
}

impl Operator for Activation {
    fn types() -> &'static [&'static str] {
        &[
            "relu",
            "leaky_relu",
            "elu",
            "clip",
            "gelu",
            "silu",
            "mish",
            "softplus",
            "hard_swish",
            "sigmoid",
            "hard_sigmoid",
            "tanh",
            "identity",
        ]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        Ok(match fields.kind() {
            "relu" => Self::Relu,
            "leaky_relu" => Self::LeakyRelu { slope: fields.take("slope")?.unwrap_or(0.01) },
            "elu" => Self::Elu { alpha: fields.take("alpha")?.unwrap_or(1.0) },
            "clip" => Self::Clip { min: fields.need("min")?, max: fields.need("max")? },
            "gelu" => Self::Gelu { tanh: fields.take("tanh")?.unwrap_or(false) },
            "silu" => Self::Silu,
            "mish" => Self::Mish,
            "softplus" => Self::Softplus,
            "hard_swish" => Self::HardSwish,
            "sigmoid" => Self::Sigmoid,
            "hard_sigmoid" => Self::HardSigmoid,
            "tanh" => Self::Tanh,
            "identity" => Self::Identity,
            kind => return Err(fields.wrong(&format!("{kind} is no activation"))),
        })
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::LeakyRelu { .. } => "leaky_relu",
            Self::Elu { .. } => "elu",
            Self::Clip { .. } => "clip",
            Self::Gelu { .. } => "gelu",
            Self::Silu => "silu",
            Self::Mish => "mish",
            Self::Softplus => "softplus",
            Self::HardSwish => "hard_swish",
            Self::Sigmoid => "sigmoid",
            Self::HardSigmoid => "hard_sigmoid",
            Self::Tanh => "tanh",
            Self::Identity => "identity",
        }
    }

    fn write(&self) -> Written {
        let fields = Written::new();
        match *self {
            Self::LeakyRelu { slope } => fields.with("slope", slope),
            Self::Elu { alpha } => fields.with("alpha", alpha),
            Self::Clip { min, max } => fields.with("min", min).with("max", max),
            Self::Gelu { tanh: true } => fields.with("tanh", true),
            _ => fields,
        }
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        match *self {
            Self::LeakyRelu { slope } if !slope.is_finite() => {
                Err(site.field("slope", slope, "a finite number"))
            }
            Self::Elu { alpha } if !alpha.is_finite() => {
                Err(site.field("alpha", alpha, "a finite number"))
            }
            Self::Clip { min, max } if min >= max || min.is_nan() || max.is_nan() => {
                Err(site.field("min", min, format!("a number below max {max}")))
            }
            _ => Ok(site.input()),
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
            _ => None,
        }
    }
}

impl LinearMap for Activation {
    fn transposed(&self, _: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        dy.to_vec()
    }
}
