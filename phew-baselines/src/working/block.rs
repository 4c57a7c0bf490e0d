//! A block of rows of one tensor: its live weights, row after row.

use std::ops::Range;

use phew_graph::{LayerMask, Weighted};

use crate::scorers::{Saliency, comparable};

/// Columns that a 16-bit number can name: longer rows are cut into segments.
const SEGMENT: usize = 1 << 16;

/// Scalars of a block at least, and blocks of a group at most: what a block costs by its mere existence (a
/// row of partial sums) must stay small beside its live weights at low density.
const SCALARS: usize = 1 << 16;
const BLOCKS: usize = 16;

/// Pruned weights are dropped when they are one in so many.
const MANY: usize = 10;

/// Which rows a block holds. The rows of a block belong to one group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) tensor: usize,
    first: usize,
    rows: usize,
    /// Scalars of a row.
    row: usize,
    group: usize,
}

impl Row {
    pub(super) fn targets(&self) -> Range<usize> {
        self.first..self.first + self.rows
    }

    /// Where the group's columns stand among those of all groups.
    pub(super) fn columns(&self) -> Range<usize> {
        self.group * self.row..(self.group + 1) * self.row
    }
}

/// The blocks of a tensor, which depend on its shape alone.
pub(super) fn cut(tensor: usize, shape: &Weighted) -> Vec<Row> {
    let (row, per_group) = (shape.row(), shape.outputs_per_group());
    let size = (SCALARS / row).max(per_group.div_ceil(BLOCKS)).clamp(1, per_group);
    (0..shape.groups)
        .flat_map(|group| {
            (0..per_group).step_by(size).map(move |from| Row {
                tensor,
                first: group * per_group + from,
                rows: size.min(per_group - from),
                row,
                group,
            })
        })
        .collect()
}

/// The live weights of a block.
pub(super) struct Block {
    pub(super) rows: Row,
    /// Where each segment of each row starts in the lists below, and the end.
    starts: Vec<u32>,
    /// Column in the segment.
    columns: Vec<u16>,
    /// |w|; NaN where the weight is pruned and not yet dropped: NaN is below no threshold.
    values: Vec<f32>,
    /// How many are pruned.
    pruned: usize,
}

/// What a scoring pass found.
pub(super) struct Near {
    /// Places of the weights below the bracket.
    pub(super) below: Vec<u32>,
    /// Scores inside it, with their places.
    pub(super) inside: Vec<(f64, u32)>,
}

/// The magnitude of a live weight; 0 for a pruned one.
#[inline]
fn live(value: f32) -> f64 {
    f64::from(if value > 0.0 { value } else { 0.0 })
}

impl Block {
    pub(super) fn dense(rows: Row, weights: &[f32]) -> Self {
        let len = rows.rows * rows.row;
        let weights = &weights[rows.first * rows.row..][..len];
        let mut starts = vec![0];
        let mut columns = Vec::with_capacity(len);
        for _ in 0..rows.rows {
            for segment in (0..rows.row).step_by(SEGMENT) {
                columns.extend((0..SEGMENT.min(rows.row - segment)).map(|c| c as u16));
                starts.push(columns.len() as u32);
            }
        }
        Self { rows, starts, columns, values: weights.iter().map(|w| w.abs()).collect(), pruned: 0 }
    }

    /// The row's place in the block, the segment's first column, and the list of each segment.
    fn segments(&self) -> impl Iterator<Item = (usize, usize, Range<usize>)> {
        let per_row = self.rows.row.div_ceil(SEGMENT);
        self.starts.windows(2).enumerate().map(move |(s, ends)| {
            (s / per_row, s % per_row * SEGMENT, ends[0] as usize..ends[1] as usize)
        })
    }

    /// `Σ f(w) x` of each row.
    pub(super) fn gather(&self, x: &[f64], squares: bool) -> Vec<f64> {
        let mut y = vec![0.0; self.rows.rows];
        for (row, first, list) in self.segments() {
            let (columns, values) = (&self.columns[list.clone()], &self.values[list]);
            let x = &x[first..];
            y[row] += match squares {
                false => dot(columns, values, x, live),
                true => dot(columns, values, x, |w| live(w) * live(w)),
            };
        }
        y
    }

    /// `Σ_rows y f(w)` for each column.
    pub(super) fn scatter(&self, y: &[f64], squares: bool) -> Vec<f64> {
        let mut x = vec![0.0; self.rows.row];
        for (row, first, list) in self.segments() {
            let (columns, values) = (&self.columns[list.clone()], &self.values[list]);
            let (x, y) = (&mut x[first..], y[row]);
            if squares {
                for (&c, &w) in columns.iter().zip(values) {
                    x[usize::from(c)] += y * (live(w) * live(w));
                }
            } else {
                for (&c, &w) in columns.iter().zip(values) {
                    x[usize::from(c)] += y * live(w);
                }
            }
        }
        x
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Score of the weight at a place of the lists; `None` if it is pruned.
    pub(super) fn score(
        &self,
        place: usize,
        source: &[f64],
        targets: &[f64],
        saliency: Saliency,
    ) -> Option<f64> {
        let segment = self.starts.partition_point(|&s| s as usize <= place) - 1;
        let per_row = self.rows.row.div_ceil(SEGMENT);
        let column = segment % per_row * SEGMENT + usize::from(self.columns[place]);
        let value = self.values[place];
        let score = saliency.factor(value) * targets[segment / per_row] * source[column];
        (!value.is_nan()).then(|| comparable(score))
    }

    /// What scores below `low`, and what scores from there to `high`.
    pub(super) fn near(
        &self,
        low: f64,
        high: f64,
        source: &[f64],
        targets: &[f64],
        saliency: Saliency,
    ) -> Near {
        match saliency.squares_weight() {
            false => self.near_by(low, high, source, targets, f64::from),
            true => self.near_by(low, high, source, targets, |w| f64::from(w) * f64::from(w)),
        }
    }

    fn near_by(
        &self,
        low: f64,
        high: f64,
        source: &[f64],
        targets: &[f64],
        factor: impl Fn(f32) -> f64,
    ) -> Near {
        let mut near = Near { below: Vec::new(), inside: Vec::new() };
        // Rounding is monotone: only what is not far above `high` has to be rounded.
        let roughly = high * (1.0 + 1e-9);
        for (row, first, list) in self.segments() {
            let (target, source) = (targets[row], &source[first..]);
            let (columns, values) = (&self.columns[list.clone()], &self.values[list.clone()]);
            for (place, (&column, &value)) in (list.start..).zip(columns.iter().zip(values)) {
                let score = factor(value) * target * source[usize::from(column)];
                if score <= roughly {
                    let score = comparable(score);
                    if score < low {
                        near.below.push(place as u32);
                    } else if score <= high {
                        near.inside.push((score, place as u32));
                    }
                }
            }
        }
        near
    }

    /// Prunes the weight at a place.
    pub(super) fn prune(&mut self, place: usize) {
        self.values[place] = f32::NAN;
        self.pruned += 1;
    }

    /// Drops the pruned weights, if they have become many.
    pub(super) fn compact(&mut self) {
        if self.pruned * MANY < self.values.len() {
            return;
        }
        let (mut from, mut to) = (0, 0);
        for segment in 1..self.starts.len() {
            let end = self.starts[segment] as usize;
            for place in from..end {
                let value = self.values[place];
                (self.columns[to], self.values[to]) = (self.columns[place], value);
                to += usize::from(!value.is_nan());
            }
            from = end;
            self.starts[segment] = to as u32;
        }
        self.columns.truncate(to);
        self.values.truncate(to);
        self.pruned = 0;
    }

    /// Prunes the live weights that a mask does not keep.
    pub(super) fn prune_unless(&mut self, mask: &LayerMask) {
        let mut gone = Vec::new();
        let mut place = 0;
        self.each(|index, value| {
            if !value.is_nan() && !mask.get(index) {
                gone.push(place);
            }
            place += 1;
        });
        gone.into_iter().for_each(|place| self.prune(place));
    }

    /// Calls `each` with the index in the tensor of every live weight, in ascending order.
    pub(super) fn live(&self, mut each: impl FnMut(usize)) {
        self.each(|index, value| {
            if !value.is_nan() {
                each(index);
            }
        });
    }

    fn each(&self, mut each: impl FnMut(usize, f32)) {
        for (row, first, list) in self.segments() {
            let start = (self.rows.first + row) * self.rows.row + first;
            for (&c, &w) in self.columns[list.clone()].iter().zip(&self.values[list]) {
                each(start + usize::from(c), w);
            }
        }
    }
}

/// `Σ f(w) x` in four interleaved sums.
#[inline]
fn dot(columns: &[u16], values: &[f32], x: &[f64], f: impl Fn(f32) -> f64) -> f64 {
    let mut sums = [0.0; 4];
    let (c4, c_rest) = columns.as_chunks::<4>();
    let (v4, v_rest) = values.as_chunks::<4>();
    for (c, v) in c4.iter().zip(v4) {
        for l in 0..4 {
            sums[l] += f(v[l]) * x[usize::from(c[l])];
        }
    }
    for ((&c, &v), sum) in c_rest.iter().zip(v_rest).zip(&mut sums) {
        *sum += f(v) * x[usize::from(c)];
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}
