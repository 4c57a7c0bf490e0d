//! What is computed over the units at each position, or over groups of maps: normalisations of each input by itself,
//! softmax, means over units.
//!
//! Sums are in f64, in the order of units, rows and columns.

use super::pointwise::{row, row_mut};
use super::{Source, Target};
use crate::execute::geometry::Geometry;

/// Normalisation over all units at each position, with a scale and a shift for each unit.
pub(in crate::execute) fn layer_norm(
    eps: f64,
    each: &[[f32; 2]],
    input: Source<'_>,
    output: &mut Target<'_>,
) {
    let (from, to) = (input.geometry, output.geometry);
    let units = to.units as f64;
    at_each_row(to, |y, length| {
        let mean = fold_units(input, y, vec![0.0; length], |sum, x| sum + x);
        let mean: Vec<f64> = mean.iter().map(|sum| sum / units).collect();
        let mut squares = vec![0.0; length];
        for unit in 0..from.units {
            for ((square, mean), x) in
                squares.iter_mut().zip(&mean).zip(row(input.numbers, from, unit, y))
            {
                *square += (f64::from(*x) - mean) * (f64::from(*x) - mean);
            }
        }
        let factor: Vec<f64> = squares.iter().map(|sum| 1.0 / (sum / units + eps).sqrt()).collect();
        for (unit, &[scale, shift]) in each.iter().enumerate() {
            let here = row(input.numbers, from, unit, y);
            let there = row_mut(output.numbers, to, unit, y);
            for (((to, x), mean), factor) in there.iter_mut().zip(here).zip(&mean).zip(&factor) {
                *to = ((f64::from(*x) - mean) * factor) as f32 * scale + shift;
            }
        }
    });
}

/// Normalisation over the maps of each of some groups of units, with a scale and a shift for each unit.
pub(in crate::execute) fn group_norm(
    groups: usize,
    eps: f64,
    each: &[[f32; 2]],
    input: Source<'_>,
    output: &mut Target<'_>,
) {
    let (from, to) = (input.geometry, output.geometry);
    let lanes = to.lanes();
    let size = to.units / groups;
    let count = (size * to.size[0] * to.size[1]) as f64;
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for (group, each) in each.chunks(size).enumerate() {
                let units = group * size..(group + 1) * size;
                let rows = units.clone().flat_map(|unit| (0..to.size[0]).map(move |y| (unit, y)));
                let mut mean = vec![0.0; lanes];
                for (unit, y) in rows.clone() {
                    for here in row(input.numbers, from, unit, y).chunks_exact(lanes) {
                        mean.iter_mut().zip(here).for_each(|(sum, x)| *sum += f64::from(*x));
                    }
                }
                mean.iter_mut().for_each(|sum| *sum /= count);
                let mut factor = vec![0.0; lanes];
                for (unit, y) in rows.clone() {
                    for here in row(input.numbers, from, unit, y).chunks_exact(lanes) {
                        for ((square, mean), x) in factor.iter_mut().zip(&mean).zip(here) {
                            *square += (f64::from(*x) - mean) * (f64::from(*x) - mean);
                        }
                    }
                }
                factor.iter_mut().for_each(|sum| *sum = 1.0 / (*sum / count + eps).sqrt());
                for (unit, y) in rows {
                    let [scale, shift] = each[unit - units.start];
                    let here = row(input.numbers, from, unit, y).chunks_exact(lanes);
                    let there = row_mut(output.numbers, to, unit, y).chunks_exact_mut(lanes);
                    for (to, here) in there.zip(here) {
                        for (((to, x), mean), factor) in
                            to.iter_mut().zip(here).zip(&mean).zip(&factor)
                        {
                            *to = ((f64::from(*x) - mean) * factor) as f32 * scale + shift;
                        }
                    }
                }
            }
        },
    );
}

/// Softmax over the units at each position, or its logarithm.
pub(in crate::execute) fn softmax(log: bool, input: Source<'_>, output: &mut Target<'_>) {
    let (from, to) = (input.geometry, output.geometry);
    at_each_row(to, |y, length| {
        let most = fold_units(input, y, vec![f64::NEG_INFINITY; length], f64::max);
        let mut sums = vec![0.0; length];
        for unit in 0..from.units {
            let here = row(input.numbers, from, unit, y);
            let there = row_mut(output.numbers, to, unit, y);
            for (((to, x), most), sum) in there.iter_mut().zip(here).zip(&most).zip(&mut sums) {
                let less = (f64::from(*x) - most) as f32;
                let power = libm::expf(less);
                *sum += f64::from(power);
                *to = if log { less } else { power };
            }
        }
        // What is left to take off, or to divide by.
        let last: Vec<f32> =
            sums.iter().map(|&sum| if log { libm::log(sum) } else { sum } as f32).collect();
        for unit in 0..to.units {
            for (to, last) in row_mut(output.numbers, to, unit, y).iter_mut().zip(&last) {
                *to = if log { *to - last } else { *to / last };
            }
        }
    });
}

/// The mean over all units, at each position.
pub(in crate::execute) fn channel_mean(input: Source<'_>, output: &mut Target<'_>) {
    let to = output.geometry;
    let units = input.geometry.units as f64;
    at_each_row(to, |y, length| {
        let sums = fold_units(input, y, vec![0.0; length], |sum, x| sum + x);
        for (to, sum) in row_mut(output.numbers, to, 0, y).iter_mut().zip(sums) {
            *to = (sum / units) as f32;
        }
    });
}

/// All units at each number of a row, one after the other.
#[inline(always)]
fn fold_units(
    input: Source<'_>,
    y: usize,
    mut all: Vec<f64>,
    join: impl Fn(f64, f64) -> f64,
) -> Vec<f64> {
    for unit in 0..input.geometry.units {
        let here = row(input.numbers, input.geometry, unit, y);
        all.iter_mut().zip(here).for_each(|(all, x)| *all = join(*all, f64::from(*x)));
    }
    all
}

/// Does something for each row of a map, of so many numbers, with the widest vectors there are.
#[inline(always)]
fn at_each_row(of: Geometry, mut then: impl FnMut(usize, usize)) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || (0..of.size[0]).for_each(|y| then(y, of.size[1] * of.lanes())),
    );
}
