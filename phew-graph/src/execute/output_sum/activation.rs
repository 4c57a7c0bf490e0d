//! The activations in double precision, and their derivatives. Where one has a kink, its derivative there is PyTorch's.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use crate::arch::Activation;

pub(super) fn value(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Identity => x,
        Activation::Relu => x.max(0.0),
        Activation::LeakyRelu { slope } => {
            if x > 0.0 {
                x
            } else {
                slope * x
            }
        }
        Activation::Elu { alpha } => {
            if x > 0.0 {
                x
            } else {
                alpha * libm::expm1(x)
            }
        }
        Activation::Clip { min, max } => x.max(min).min(max),
        Activation::Gelu { tanh: false } => x * normal_below(x),
        Activation::Gelu { tanh: true } => 0.5 * x * (1.0 + libm::tanh(inner(x))),
        Activation::Silu => x * sigmoid(x),
        Activation::Mish => x * libm::tanh(softplus(x)),
        Activation::Softplus => softplus(x),
        Activation::HardSwish => x * hard_sigmoid(x),
        Activation::Sigmoid => sigmoid(x),
        Activation::HardSigmoid => hard_sigmoid(x),
        Activation::Tanh => libm::tanh(x),
    }
}

pub(super) fn slope(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Identity => 1.0,
        Activation::Relu => {
            if x > 0.0 {
                1.0
            } else {
                0.0
            }
        }
        Activation::LeakyRelu { slope } => {
            if x > 0.0 {
                1.0
            } else {
                slope
            }
        }
        Activation::Elu { alpha } => {
            if x > 0.0 {
                1.0
            } else {
                alpha * libm::exp(x)
            }
        }
        Activation::Clip { min, max } => {
            if (min..=max).contains(&x) {
                1.0
            } else {
                0.0
            }
        }
        Activation::Gelu { tanh: false } => {
            normal_below(x) + x * libm::exp(-0.5 * x * x) / (2.0 * PI).sqrt()
        }
        Activation::Gelu { tanh: true } => {
            let t = libm::tanh(inner(x));
            0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * GELU * (1.0 + 3.0 * CUBE * x * x)
        }
        Activation::Silu => sigmoid(x) * (1.0 + x * (1.0 - sigmoid(x))),
        Activation::Mish => {
            let t = libm::tanh(softplus(x));
            t + x * (1.0 - t * t) * sigmoid(x)
        }
        Activation::Softplus => sigmoid(x),
        Activation::HardSwish if x <= -3.0 => 0.0,
        Activation::HardSwish => {
            if x < 3.0 {
                x / 3.0 + 0.5
            } else {
                1.0
            }
        }
        Activation::Sigmoid => sigmoid(x) * (1.0 - sigmoid(x)),
        Activation::HardSigmoid => {
            if x > -3.0 && x < 3.0 {
                1.0 / 6.0
            } else {
                0.0
            }
        }
        Activation::Tanh => 1.0 - libm::tanh(x).powi(2),
    }
}

/// √(2/π) and the weight of the cube, of the GELU that is made with a hyperbolic tangent.
const GELU: f64 = FRAC_1_SQRT_2 * std::f64::consts::FRAC_2_SQRT_PI;
const CUBE: f64 = 0.044_715;

fn inner(x: f64) -> f64 {
    GELU * (x + CUBE * x * x * x)
}

/// How much of the normal distribution lies below.
fn normal_below(x: f64) -> f64 {
    0.5 * (1.0 + libm::erf(x * FRAC_1_SQRT_2))
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

/// `ln(1 + eˣ)`, without an overflow of `eˣ`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}

fn hard_sigmoid(x: f64) -> f64 {
    (x + 3.0).clamp(0.0, 6.0) / 6.0
}
