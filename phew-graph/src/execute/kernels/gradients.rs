//! Gradients of what has no weights: each is added to what the gradient by the input holds.

use super::lane_sums::add;
use super::pointwise::{row, row_mut};
use super::{Source, Target};
use crate::execute::geometry::LANES;

/// The gradient by what ReLU read, in place, where `output` is what came out.
pub(in crate::execute) fn relu_gradient(output: Source<'_>, gradient: &mut Target<'_>) {
    each_row(gradient, output, |dy, out| *dy = if out > 0.0 { *dy } else { 0.0 });
}

/// The sum of two gradients.
pub(in crate::execute) fn add_gradient(gradient: Source<'_>, to: &mut Target<'_>) {
    each_row(to, gradient, |sum, more| *sum += more);
}

#[inline(always)]
fn each_row(to: &mut Target<'_>, from: Source<'_>, f: impl Fn(&mut f32, f32)) {
    let geometry = to.geometry;
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for y in 0..geometry.size[0] {
                for unit in 0..geometry.units {
                    let here = row(from.numbers, from.geometry, unit, y);
                    let there = row_mut(to.numbers, geometry, unit, y);
                    for (to, from) in there.iter_mut().zip(here) {
                        f(to, *from);
                    }
                }
            }
        },
    );
}

/// The sum over positions and inputs of each unit.
pub(in crate::execute) fn unit_sums(gradient: Source<'_>) -> Vec<f64> {
    let of = gradient.geometry;
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            let mut sums = vec![[0.0; LANES]; of.units];
            for y in 0..of.size[0] {
                for (unit, sums) in sums.iter_mut().enumerate() {
                    add(sums, row(gradient.numbers, of, unit, y), |x| x);
                }
            }
            sums.iter().map(|lanes| lanes.iter().sum()).collect()
        },
    )
}

/// Adds what was computed for every so many rows and columns in its places.
pub(in crate::execute) fn spread(
    part: Source<'_>,
    first: [usize; 2],
    stride: [usize; 2],
    to: &mut Target<'_>,
) {
    let (from, geometry) = (part.geometry, to.geometry);
    for y in 0..from.size[0] {
        for unit in 0..from.units {
            let here = row(part.numbers, from, unit, y).chunks(LANES);
            let there = row_mut(to.numbers, geometry, unit, first[0] + y * stride[0]);
            let places = there.chunks_mut(LANES).skip(first[1]).step_by(stride[1]);
            for (to, from) in places.zip(here) {
                to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
            }
        }
    }
}

/// Of units that were put after so many others.
pub(in crate::execute) fn concat_gradient(first: usize, gradient: Source<'_>, to: &mut Target<'_>) {
    let geometry = to.geometry;
    for y in 0..geometry.size[0] {
        for unit in 0..geometry.units {
            let here = row(gradient.numbers, gradient.geometry, first + unit, y);
            let there = row_mut(to.numbers, geometry, unit, y);
            there.iter_mut().zip(here).for_each(|(to, from)| *to += from);
        }
    }
}

/// Of a map whose positions were made features.
pub(in crate::execute) fn flatten_gradient(gradient: Source<'_>, to: &mut Target<'_>) {
    let geometry = to.geometry;
    let length = geometry.size[1] * LANES;
    let mut rows = gradient.numbers.chunks(length);
    for unit in 0..geometry.units {
        for y in 0..geometry.size[0] {
            let here = rows.next().unwrap_or_default();
            let there = row_mut(to.numbers, geometry, unit, y);
            there.iter_mut().zip(here).for_each(|(to, from)| *to += from);
        }
    }
}
