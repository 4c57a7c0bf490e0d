//! Convolutions and linear layers as matrix products: weights `[units, window]` times what the window sees at each
//! position, `[window, positions]`.

use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, Axis, s};
use rayon::prelude::*;

use super::map::Map;
use crate::arch::op::Window;
use crate::execute::geometry::Geometry;

/// A weight tensor `[out, in / groups, kernel rows, kernel columns]` and how it moves.
pub(super) struct Convolution<'v> {
    pub(super) weights: &'v [f64],
    pub(super) window: Window,
    pub(super) groups: usize,
}

/// Output units, or scalars of a window, that a thread computes at a time.
const AT_ONCE: usize = 32;

/// Scalars that are gathered at a time, at least one row of positions.
const GATHERED: usize = 1 << 22;

/// Rows of the result, and the units of one group.
struct Part {
    /// The first row, and how many.
    first: usize,
    rows: usize,
    group: usize,
}

impl Part {
    /// Of the positions of a map.
    fn positions(&self, of: Geometry) -> Range<usize> {
        self.first * of.size[1]..(self.first + self.rows) * of.size[1]
    }
}

impl Convolution<'_> {
    /// Adds to what stands in the result.
    pub(super) fn forward(&self, from: &Map, to: &mut Map) {
        let of = to.geometry;
        for part in self.parts(from.geometry, of) {
            let seen = self.gather(from, of, &part);
            let seen = matrix(&seen, part.positions(of).len());
            let weights = self.weights_of(&part, of);
            let mut results = positions_mut(to, &part, self.groups);
            let mut each: Vec<_> = results.axis_chunks_iter_mut(Axis(0), AT_ONCE).collect();
            each.par_iter_mut().enumerate().for_each(|(number, results)| {
                let own =
                    weights.slice(s![number * AT_ONCE..(number * AT_ONCE + results.nrows()), ..]);
                general_mat_mul(1.0, &own, &seen, 1.0, results);
            });
        }
    }

    /// Adds the derivatives by the weights.
    pub(super) fn back_to_weights(&self, from: &Map, by_output: &Map, by_weight: &mut [f64]) {
        let of = by_output.geometry;
        let window = self.window_size(from.geometry);
        for part in self.parts(from.geometry, of) {
            let seen = self.gather(from, of, &part);
            let seen = matrix(&seen, part.positions(of).len());
            let slopes = positions(by_output, &part, self.groups);
            let units = of.units / self.groups;
            let own = &mut by_weight[part.group * units * window..][..units * window];
            own.par_chunks_mut(AT_ONCE * window).enumerate().for_each(|(number, own)| {
                let mut own = matrix_mut(own, window);
                let first = number * AT_ONCE;
                let slopes = slopes.slice(s![first..first + own.nrows(), ..]);
                general_mat_mul(1.0, &slopes, &seen.t(), 1.0, &mut own);
            });
        }
    }

    /// Adds the derivatives by what was read.
    pub(super) fn back_to_input(&self, by_output: &Map, by_input: &mut Map) {
        let of = by_output.geometry;
        let window = self.window_size(by_input.geometry);
        for part in self.parts(by_input.geometry, of) {
            let slopes = positions(by_output, &part, self.groups);
            let weights = self.weights_of(&part, of);
            let columns = slopes.ncols();
            let mut by_seen = vec![0.0; window * columns];
            by_seen.par_chunks_mut(AT_ONCE * columns).enumerate().for_each(|(number, own)| {
                let mut own = matrix_mut(own, columns);
                let first = number * AT_ONCE;
                let weights = weights.slice(s![.., first..first + own.nrows()]);
                general_mat_mul(1.0, &weights.t(), &slopes, 0.0, &mut own);
            });
            self.scatter(&by_seen, of, &part, by_input);
        }
    }

    /// Scalars of a window, over the units of a group.
    fn window_size(&self, from: Geometry) -> usize {
        from.units / self.groups * self.window.kernel.iter().product::<usize>()
    }

    fn weights_of(&self, part: &Part, of: Geometry) -> ArrayView2<'_, f64> {
        let own = self.weights.len() / self.groups;
        let weights = &self.weights[part.group * own..][..own];
        let window = own / (of.units / self.groups);
        matrix(weights, window)
    }

    /// The parts in which a layer is computed.
    fn parts(&self, from: Geometry, of: Geometry) -> impl Iterator<Item = Part> + use<> {
        let [rows, columns] = of.size;
        let at_once = (GATHERED / (self.window_size(from) * columns)).clamp(1, rows);
        let groups = self.groups;
        (0..rows).step_by(at_once).flat_map(move |first| {
            (0..groups).map(move |group| Part { first, rows: at_once.min(rows - first), group })
        })
    }

    /// What the windows of a part see, `[window, positions]`: zero beside the map.
    fn gather(&self, from: &Map, of: Geometry, part: &Part) -> Vec<f64> {
        let mut seen = vec![0.0; self.window_size(from.geometry) * part.rows * of.size[1]];
        self.each_row(from.geometry, of, part, |places, mut here, stride| {
            for to in &mut seen[places] {
                *to = from.numbers[here];
                here += stride;
            }
        });
        seen
    }

    /// Adds what belongs to what the windows of a part see.
    fn scatter(&self, by_seen: &[f64], of: Geometry, part: &Part, to: &mut Map) {
        let geometry = to.geometry;
        self.each_row(geometry, of, part, |places, mut here, stride| {
            for from in &by_seen[places] {
                to.numbers[here] += from;
                here += stride;
            }
        });
    }

    /// Calls `f` for each scalar of the window and each row of positions: with the places of those positions at which it lies
    /// on the map, where the first of them is on the map, and how far apart they are there.
    fn each_row(
        &self,
        from: Geometry,
        of: Geometry,
        part: &Part,
        mut f: impl FnMut(Range<usize>, usize, usize),
    ) {
        let Window { kernel, stride, padding, dilation, .. } = self.window;
        let columns = of.size[1];
        let units = from.units / self.groups;
        for scalar in 0..self.window_size(from) {
            let (unit, place) =
                (scalar / (kernel[0] * kernel[1]), scalar % (kernel[0] * kernel[1]));
            let at = [place / kernel[1] * dilation[0], place % kernel[1] * dilation[1]];
            // The positions at which this column of the window lies on the map.
            let first = padding[1].saturating_sub(at[1]).div_ceil(stride[1]);
            let end = (from.size[1] + padding[1]).saturating_sub(at[1]).div_ceil(stride[1]);
            let end = end.min(columns);
            if first >= end {
                continue;
            }
            for row in 0..part.rows {
                let y = (part.first + row) * stride[0] + at[0];
                if y < padding[0] || y >= from.size[0] + padding[0] {
                    continue;
                }
                let here = (scalar * part.rows + row) * columns;
                let x = first * stride[1] + at[1] - padding[1];
                let there = from.place(part.group * units + unit, y - padding[0], x);
                f(here + first..here + end, there, stride[1]);
            }
        }
    }
}

/// Rows of so many numbers.
fn matrix(numbers: &[f64], columns: usize) -> ArrayView2<'_, f64> {
    match ArrayView2::from_shape((numbers.len() / columns, columns), numbers) {
        Ok(matrix) => matrix,
        Err(e) => unreachable!("whole rows: {e}"),
    }
}

fn matrix_mut(numbers: &mut [f64], columns: usize) -> ArrayViewMut2<'_, f64> {
    match ArrayViewMut2::from_shape((numbers.len() / columns, columns), numbers) {
        Ok(matrix) => matrix,
        Err(e) => unreachable!("whole rows: {e}"),
    }
}

/// The numbers of a part's units at its positions, `[units, positions]`.
fn positions<'m>(map: &'m Map, part: &Part, groups: usize) -> ArrayView2<'m, f64> {
    let units = map.geometry.units / groups;
    let own = &map.numbers[part.group * units * map.area()..][..units * map.area()];
    matrix(own, map.area()).slice_move(s![.., part.positions(map.geometry)])
}

fn positions_mut<'m>(map: &'m mut Map, part: &Part, groups: usize) -> ArrayViewMut2<'m, f64> {
    let (units, area) = (map.geometry.units / groups, map.area());
    let range = part.positions(map.geometry);
    let own = &mut map.numbers[part.group * units * area..][..units * area];
    matrix_mut(own, area).slice_move(s![.., range])
}
