//! Batch normalisation by the batch's own statistics, and its gradient.
//!
//! A batch is several groups of [`LANES`] inputs: sums are taken of each group here, and brought together outside.

use super::lane_sums::{APART, add, join};
use super::pointwise::{row, row_mut};
use super::{Source, Target};
use crate::execute::geometry::LANES;

/// The mean of each unit over positions and the first so many inputs, and the sum of the squared deviations from it.
pub(in crate::execute) fn moments(input: Source<'_>, inputs: usize) -> Vec<[f64; 2]> {
    let from = input.geometry;
    let count = (inputs * from.size[0] * from.size[1]) as f64;
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            let mut sums = vec![[0.0; LANES]; from.units];
            for y in 0..from.size[0] {
                for (unit, sums) in sums.iter_mut().enumerate() {
                    add(sums, row(input.numbers, from, unit, y), |x| x);
                }
            }
            let mut each = Vec::with_capacity(from.units);
            for sums in &mut sums {
                each.push([sums[..inputs].iter().sum::<f64>() / count, 0.0]);
                *sums = [0.0; LANES];
            }
            for y in 0..from.size[0] {
                for (unit, sums) in sums.iter_mut().enumerate() {
                    let near = each[unit][0] as f32;
                    add(sums, row(input.numbers, from, unit, y), |x| (x - near) * (x - near));
                }
            }
            for ([mean, squares], sums) in each.iter_mut().zip(&sums) {
                let off = *mean - f64::from(*mean as f32);
                *squares = sums[..inputs].iter().sum::<f64>() - count * off * off;
            }
            each
        },
    )
}

/// A scale and a shift for each unit, another value's numbers, and ReLU.
pub(in crate::execute) fn normalise(
    each: &[[f32; 2]],
    input: Source<'_>,
    other: Option<Source<'_>>,
    relu: bool,
    output: &mut Target<'_>,
) {
    let (from, to) = (input.geometry, output.geometry);
    let least = if relu { 0.0 } else { f32::NEG_INFINITY };
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for y in 0..to.size[0] {
                for (unit, &[scale, shift]) in each.iter().enumerate() {
                    let here = row(input.numbers, from, unit, y);
                    let there = row_mut(output.numbers, to, unit, y);
                    match other {
                        None => {
                            for (to, from) in there.iter_mut().zip(here) {
                                *to = (scale * from + shift).max(least);
                            }
                        }
                        Some(Source { numbers, geometry }) => {
                            let other = row(numbers, geometry, unit, y);
                            for ((to, from), other) in there.iter_mut().zip(here).zip(other) {
                                *to = (scale * from + shift + other).max(least);
                            }
                        }
                    }
                }
            }
        },
    );
}

/// Of the gradient by a normalisation's output, for each unit: its sum, and the sum of its products with what was
/// normalised, less a number.
///
/// Where ReLU came after, `output` is what came out: the gradient becomes 0 where that is.
pub(in crate::execute) fn gradient_sums(
    near: &[f32],
    input: Source<'_>,
    output: Option<Source<'_>>,
    gradient: &mut Target<'_>,
) -> Vec<[f64; 2]> {
    let (from, of) = (input.geometry, gradient.geometry);
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            let mut sums = vec![[[0.0; LANES]; 2]; of.units];
            for y in 0..of.size[0] {
                for (unit, [own, products]) in sums.iter_mut().enumerate() {
                    let here = row_mut(gradient.numbers, of, unit, y);
                    if let Some(Source { numbers, geometry }) = output {
                        for (here, out) in here.iter_mut().zip(row(numbers, geometry, unit, y)) {
                            *here = if *out > 0.0 { *here } else { 0.0 };
                        }
                    }
                    add(own, here, |x| x);
                    let near = near[unit];
                    let (groups, rest) = here.as_chunks::<APART>();
                    let (others, others_rest) =
                        row(input.numbers, from, unit, y).as_chunks::<APART>();
                    let mut apart = [0.0; APART];
                    for (group, other) in groups.iter().zip(others) {
                        for i in 0..APART {
                            apart[i] += group[i] * (other[i] - near);
                        }
                    }
                    for (i, (x, other)) in rest.iter().zip(others_rest).enumerate() {
                        apart[i] += x * (other - near);
                    }
                    join(products, &apart);
                }
            }
            let total = |lanes: &[f64; LANES]| lanes.iter().sum::<f64>();
            sums.iter().map(|[own, products]| [total(own), total(products)]).collect()
        },
    )
}

/// What the gradient by a normalisation's input is made of, for a unit: `of_gradient · dy + of_input · (x − near) + constant`.
#[derive(Clone, Copy, Debug)]
pub(in crate::execute) struct Slopes {
    pub(in crate::execute) of_gradient: f32,
    pub(in crate::execute) of_input: f32,
    pub(in crate::execute) near: f32,
    pub(in crate::execute) constant: f32,
}

/// The gradient by a normalisation's input, of the first so many inputs; zero for the others.
pub(in crate::execute) fn normalise_gradient(
    each: &[Slopes],
    input: Source<'_>,
    gradient: Source<'_>,
    inputs: usize,
    output: &mut Target<'_>,
) {
    let (from, of, to) = (input.geometry, gradient.geometry, output.geometry);
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for y in 0..to.size[0] {
                for (unit, &Slopes { of_gradient, of_input, near, constant }) in
                    each.iter().enumerate()
                {
                    let here = row(input.numbers, from, unit, y);
                    let gradient = row(gradient.numbers, of, unit, y);
                    let there = row_mut(output.numbers, to, unit, y);
                    for ((to, x), dy) in there.iter_mut().zip(here).zip(gradient) {
                        *to = of_gradient * dy + (of_input * (x - near) + constant);
                    }
                    if inputs < LANES {
                        for to in there.chunks_mut(LANES) {
                            to[inputs..].fill(0.0);
                        }
                    }
                }
            }
        },
    );
}
