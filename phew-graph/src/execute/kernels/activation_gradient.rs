//! The derivatives of the activations. Where one has a kink, its derivative there is PyTorch's.

use super::pointwise::{hard_sigmoid, row, row_mut, sigmoid, softplus};
use super::{Source, Target};
use crate::arch::Activation;

/// Adds the gradient by what an activation read.
pub(in crate::execute) fn activation_gradient(
    activation: Activation,
    input: Source<'_>,
    gradient: Source<'_>,
    to: &mut Target<'_>,
) {
    match activation {
        Activation::Identity => times(input, gradient, to, |_| 1.0),
        Activation::Relu => times(input, gradient, to, |x| if x > 0.0 { 1.0 } else { 0.0 }),
        Activation::LeakyRelu { slope } => {
            let slope = slope as f32;
            times(input, gradient, to, |x| if x > 0.0 { 1.0 } else { slope });
        }
        Activation::Elu { alpha } => {
            let alpha = alpha as f32;
            times(input, gradient, to, |x| if x > 0.0 { 1.0 } else { alpha * libm::expf(x) });
        }
        Activation::Clip { min, max } => {
            let inside = min as f32..=max as f32;
            times(input, gradient, to, |x| if inside.contains(&x) { 1.0 } else { 0.0 });
        }
        Activation::Gelu { tanh: false } => times(input, gradient, to, |x| {
            let below = 0.5 * (1.0 + libm::erff(x * std::f32::consts::FRAC_1_SQRT_2));
            let root = (2.0 * std::f32::consts::PI).sqrt();
            below + x * libm::expf(-0.5 * x * x) / root
        }),
        Activation::Gelu { tanh: true } => {
            let factor = (2.0 / std::f32::consts::PI).sqrt();
            times(input, gradient, to, |x| {
                let t = libm::tanhf(factor * (x + 0.044_715 * x * x * x));
                let inner = factor * (1.0 + 3.0 * 0.044_715 * x * x);
                0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner
            });
        }
        Activation::Silu => times(input, gradient, to, |x| {
            let s = sigmoid(x);
            s * (1.0 + x * (1.0 - s))
        }),
        Activation::Mish => times(input, gradient, to, |x| {
            let t = libm::tanhf(softplus(x));
            t + x * (1.0 - t * t) * sigmoid(x)
        }),
        Activation::Softplus => times(input, gradient, to, sigmoid),
        Activation::HardSwish => times(input, gradient, to, |x| match x {
            _ if x <= -3.0 => 0.0,
            _ if x < 3.0 => x / 3.0 + 0.5,
            _ => 1.0,
        }),
        Activation::Sigmoid => times(input, gradient, to, |x| sigmoid(x) * (1.0 - sigmoid(x))),
        Activation::HardSigmoid => times(input, gradient, to, |x| match hard_sigmoid(x) {
            y if y > 0.0 && y < 1.0 => 1.0 / 6.0,
            _ => 0.0,
        }),
        Activation::Tanh => times(input, gradient, to, |x| 1.0 - libm::tanhf(x).powi(2)),
    }
}

fn times(input: Source<'_>, gradient: Source<'_>, to: &mut Target<'_>, slope: impl Fn(f32) -> f32) {
    let geometry = to.geometry;
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for y in 0..geometry.size[0] {
                for unit in 0..geometry.units {
                    let here = row(input.numbers, input.geometry, unit, y);
                    let dy = row(gradient.numbers, gradient.geometry, unit, y);
                    let there = row_mut(to.numbers, geometry, unit, y);
                    for ((to, x), dy) in there.iter_mut().zip(here).zip(dy) {
                        *to += slope(*x) * dy;
                    }
                }
            }
        },
    );
}
