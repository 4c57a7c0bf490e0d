//! What is done to each number by itself.

use super::{Source, Target};
use crate::arch::Activation;
use crate::execute::geometry::Geometry;

/// A scale and a shift for each unit.
pub(in crate::execute) fn affine(each: &[[f32; 2]], input: Source<'_>, output: &mut Target<'_>) {
    let (from, to) = (input.geometry, output.geometry);
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for (unit, &[scale, shift]) in each.iter().enumerate() {
                for y in 0..to.size[0] {
                    let here = row(input.numbers, from, unit, y);
                    let there = row_mut(output.numbers, to, unit, y);
                    for (to, from) in there.iter_mut().zip(here) {
                        *to = scale * from + shift;
                    }
                }
            }
        },
    );
}

/// The sum of values of one shape.
pub(in crate::execute) fn sum(inputs: &[Source<'_>], output: &mut Target<'_>) {
    let to = output.geometry;
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for unit in 0..to.units {
                for y in 0..to.size[0] {
                    let there = row_mut(output.numbers, to, unit, y);
                    for (number, input) in inputs.iter().enumerate() {
                        let from = input.geometry;
                        let here = row(input.numbers, from, unit, y);
                        for (to, from) in there.iter_mut().zip(here) {
                            *to = if number == 0 { *from } else { *to + from };
                        }
                    }
                }
            }
        },
    );
}

/// A summand for each unit at each position, for every input.
pub(in crate::execute) fn shift(each: &[f32], input: Source<'_>, output: &mut Target<'_>) {
    let (from, to) = (input.geometry, output.geometry);
    let [rows, columns] = to.size;
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for unit in 0..to.units {
                for y in 0..rows {
                    let here = row(input.numbers, from, unit, y).chunks_exact(from.lanes());
                    let there = row_mut(output.numbers, to, unit, y).chunks_exact_mut(to.lanes());
                    let summands = &each[(unit * rows + y) * columns..][..columns];
                    for ((to, from), summand) in there.zip(here).zip(summands) {
                        for (to, from) in to.iter_mut().zip(from) {
                            *to = from + summand;
                        }
                    }
                }
            }
        },
    );
}

/// The product of values, of which all but the first may have one unit for all, or one position for all.
pub(in crate::execute) fn product(inputs: &[Source<'_>], output: &mut Target<'_>) {
    let to = output.geometry;
    let lanes = to.lanes();
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for unit in 0..to.units {
                for y in 0..to.size[0] {
                    let there = row_mut(output.numbers, to, unit, y);
                    for (number, input) in inputs.iter().enumerate() {
                        let from = input.geometry;
                        let unit = if from.units == 1 { 0 } else { unit };
                        let here = match from.size == to.size {
                            true => row(input.numbers, from, unit, y),
                            false => row(input.numbers, from, unit, 0),
                        };
                        if number == 0 {
                            there.copy_from_slice(here);
                            continue;
                        }
                        // The numbers of one position again and again, where it stands for all.
                        for there in there.chunks_mut(here.len().max(lanes)) {
                            for (to, from) in there.iter_mut().zip(here) {
                                *to *= from;
                            }
                        }
                    }
                }
            }
        },
    );
}

/// An activation, in place.
pub(in crate::execute) fn activate(activation: Activation, output: &mut Target<'_>) {
    match activation {
        Activation::Identity => {}
        Activation::Relu => map(output, |x| x.max(0.0)),
        Activation::LeakyRelu { slope } => {
            let slope = slope as f32;
            map(output, |x| if x > 0.0 { x } else { slope * x });
        }
        Activation::Elu { alpha } => {
            let alpha = alpha as f32;
            map(output, |x| if x > 0.0 { x } else { alpha * libm::expm1f(x) });
        }
        Activation::Clip { min, max } => {
            let (min, max) = (min as f32, max as f32);
            map(output, |x| x.max(min).min(max));
        }
        Activation::Gelu { tanh: false } => {
            map(output, |x| 0.5 * x * (1.0 + libm::erff(x * std::f32::consts::FRAC_1_SQRT_2)));
        }
        Activation::Gelu { tanh: true } => {
            let factor = (2.0 / std::f32::consts::PI).sqrt();
            map(output, |x| 0.5 * x * (1.0 + libm::tanhf(factor * (x + 0.044_715 * x * x * x))));
        }
        Activation::Silu => map(output, |x| x * sigmoid(x)),
        Activation::Mish => map(output, |x| x * libm::tanhf(softplus(x))),
        Activation::Softplus => map(output, softplus),
        Activation::HardSwish => map(output, |x| x * hard_sigmoid(x)),
        Activation::Sigmoid => map(output, sigmoid),
        Activation::HardSigmoid => map(output, hard_sigmoid),
        Activation::Tanh => map(output, libm::tanhf),
    }
}

pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-x))
}

/// `ln(1 + eˣ)`, without an overflow of `eˣ`.
pub(super) fn softplus(x: f32) -> f32 {
    x.max(0.0) + libm::log1pf(libm::expf(-x.abs()))
}

pub(super) fn hard_sigmoid(x: f32) -> f32 {
    (x + 3.0).clamp(0.0, 6.0) / 6.0
}

fn map(output: &mut Target<'_>, f: impl Fn(f32) -> f32) {
    let to = output.geometry;
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for unit in 0..to.units {
                for y in 0..to.size[0] {
                    for x in row_mut(output.numbers, to, unit, y) {
                        *x = f(*x);
                    }
                }
            }
        },
    );
}

/// The numbers of a row of a unit's map.
#[inline(always)]
pub(super) fn row(numbers: &[f32], of: Geometry, unit: usize, y: usize) -> &[f32] {
    &numbers[of.place(unit, y, 0) * of.lanes()..][..of.size[1] * of.lanes()]
}

#[inline(always)]
pub(super) fn row_mut(numbers: &mut [f32], of: Geometry, unit: usize, y: usize) -> &mut [f32] {
    &mut numbers[of.place(unit, y, 0) * of.lanes()..][..of.size[1] * of.lanes()]
}
