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

/// An activation, in place.
pub(in crate::execute) fn activate(activation: Activation, output: &mut Target<'_>) {
    match activation {
        Activation::Identity => {}
        Activation::Relu => map(output, |x| x.max(0.0)),
        Activation::LeakyRelu { slope } => {
            let slope = slope as f32;
            map(output, |x| if x > 0.0 { x } else { slope * x });
        }
        Activation::Tanh => map(output, libm::tanhf),
        _ => unreachable!("other activations are refused when a network is planned"),
    }
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
fn row(numbers: &[f32], of: Geometry, unit: usize, y: usize) -> &[f32] {
    &numbers[of.place(unit, y, 0) * of.lanes()..][..of.size[1] * of.lanes()]
}

#[inline(always)]
fn row_mut(numbers: &mut [f32], of: Geometry, unit: usize, y: usize) -> &mut [f32] {
    &mut numbers[of.place(unit, y, 0) * of.lanes()..][..of.size[1] * of.lanes()]
}
