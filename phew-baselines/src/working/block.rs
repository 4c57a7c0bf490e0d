//! A block of rows of one tensor: whole rows while most weights live, then lists of the live ones.

use std::ops::Range;

use phew_graph::{LayerMask, Weighted};

use super::{dense, sparse};
use crate::scorers::{Saliency, comparable};

/// Columns that a 16-bit number can name: lists of longer rows are cut into segments.
const SEGMENT: usize = 1 << 16;

/// Scalars of a block at least, and blocks of a group at most: what a block costs by its mere existence (a
/// row of partial sums) must stay small beside its live weights at low density.
const SCALARS: usize = 1 << 16;
const BLOCKS: usize = 16;

/// Lists drop the pruned weights when they are one in so many.
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

/// The weights of a block.
pub(super) struct Block {
    pub(super) rows: Row,
    /// Empty while rows are whole. Then where each segment of each row starts in the lists below, and the end.
    starts: Vec<usize>,
    /// Column in the segment, where there are lists.
    columns: Vec<u16>,
    /// |w|; NaN where the weight is pruned: NaN is below no threshold.
    values: Vec<f32>,
    /// How many values are pruned.
    pruned: usize,
}

/// What a scoring pass found.
pub(super) struct Near {
    /// Places of the weights below the bracket.
    pub(super) below: Vec<u32>,
    /// Scores inside it, with their places.
    pub(super) inside: Vec<(f64, u32)>,
}

/// The bracket as one row sees it.
pub(super) struct Threshold {
    low: f64,
    high: f64,
    /// The row's factor of every score.
    target: f64,
}

impl Threshold {
    /// A score without the row's factor is surely too high above this. Rounding is monotone, so a little more
    /// than `high` covers all that rounds to it.
    pub(super) fn limit(&self) -> f64 {
        if self.target > 0.0 { self.high / self.target * (1.0 + 1e-9) } else { f64::INFINITY }
    }

    /// Puts a weight where its score belongs. Few weights come here: kept out of the loops that call it, which
    /// then stay in registers.
    #[inline(never)]
    pub(super) fn sort(&self, value: f64, source: f64, place: usize, out: &mut Near) {
        let score = comparable(value * self.target * source);
        if score < self.low {
            out.below.push(place as u32);
        } else if score <= self.high {
            out.inside.push((score, place as u32));
        }
    }
}

/// The magnitude of a live weight; 0 for a pruned one.
#[inline]
pub(super) fn live(value: f32) -> f64 {
    f64::from(if value > 0.0 { value } else { 0.0 })
}

impl Block {
    pub(super) fn dense(rows: Row, weights: &[f32]) -> Self {
        let weights = &weights[rows.first * rows.row..][..rows.rows * rows.row];
        let values = weights.iter().map(|w| w.abs()).collect();
        Self { rows, starts: Vec::new(), columns: Vec::new(), values, pruned: 0 }
    }

    fn is_dense(&self) -> bool {
        self.starts.is_empty()
    }

    fn per_row(&self) -> usize {
        if self.is_dense() { 1 } else { self.rows.row.div_ceil(SEGMENT) }
    }

    /// The row's place in the block, the segment's first column, and its values.
    fn segments(&self) -> impl Iterator<Item = (usize, usize, Range<usize>)> {
        let (per_row, row) = (self.per_row(), self.rows.row);
        (0..self.rows.rows * per_row).map(move |s| match self.starts.get(s..s + 2) {
            Some(ends) => (s / per_row, s % per_row * SEGMENT, ends[0]..ends[1]),
            None => (s, 0, s * row..(s + 1) * row),
        })
    }

    /// `Σ f(w) x` of each row.
    pub(super) fn gather(&self, x: &[f64], squares: bool) -> Vec<f64> {
        let mut y = vec![0.0; self.rows.rows];
        for (row, first, list) in self.segments() {
            let (values, x) = (&self.values[list.clone()], &x[first..]);
            y[row] += match (self.columns.get(list), squares) {
                (None, false) => dense::dot(values, x, |w| w),
                (None, true) => dense::dot(values, x, |w| w * w),
                (Some(columns), false) => sparse::dot(columns, values, x, |w| w),
                (Some(columns), true) => sparse::dot(columns, values, x, |w| w * w),
            };
        }
        y
    }

    /// `Σ_rows y f(w)` for each column.
    pub(super) fn scatter(&self, y: &[f64], squares: bool) -> Vec<f64> {
        let mut x = vec![0.0; self.rows.row];
        for (row, first, list) in self.segments().filter(|s| y[s.0] != 0.0) {
            let (values, x, y) = (&self.values[list.clone()], &mut x[first..], y[row]);
            match (self.columns.get(list), squares) {
                (None, false) => dense::add(values, y, x, |w| w),
                (None, true) => dense::add(values, y, x, |w| w * w),
                (Some(columns), false) => sparse::add(columns, values, y, x, |w| w),
                (Some(columns), true) => sparse::add(columns, values, y, x, |w| w * w),
            }
        }
        x
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Score of the weight at a place; `None` if it is pruned.
    pub(super) fn score(
        &self,
        place: usize,
        source: &[f64],
        targets: &[f64],
        saliency: Saliency,
    ) -> Option<f64> {
        let (row, column) = match self.is_dense() {
            true => (place / self.rows.row, place % self.rows.row),
            false => {
                let segment = self.starts.partition_point(|&s| s <= place) - 1;
                let first = segment % self.per_row() * SEGMENT;
                (segment / self.per_row(), first + usize::from(self.columns[place]))
            }
        };
        let value = self.values[place];
        let score = saliency.factor(value) * targets[row] * source[column];
        (!value.is_nan()).then(|| comparable(score))
    }

    /// What scores below `low`, and what scores from there to `high`.
    pub(super) fn near(
        &self,
        (low, high): (f64, f64),
        source: &[f64],
        targets: &[f64],
        saliency: Saliency,
    ) -> Near {
        match saliency.squares_weight() {
            false => self.near_by((low, high), source, targets, |w| w),
            true => self.near_by((low, high), source, targets, |w| w * w),
        }
    }

    fn near_by(
        &self,
        (low, high): (f64, f64),
        source: &[f64],
        targets: &[f64],
        factor: impl Fn(f64) -> f64 + Copy,
    ) -> Near {
        let mut near = Near { below: Vec::new(), inside: Vec::new() };
        for (row, first, list) in self.segments() {
            let threshold = Threshold { low, high, target: targets[row] };
            let (values, source, place) =
                (&self.values[list.clone()], &source[first..], list.start);
            match self.columns.get(list) {
                None => dense::near(values, place, source, &threshold, factor, &mut near),
                Some(columns) => {
                    sparse::near(columns, values, place, source, &threshold, factor, &mut near);
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

    /// Turns whole rows into lists when half of the weights are pruned; lists drop them when they are many.
    pub(super) fn compact(&mut self) {
        if self.is_dense() {
            if self.pruned * 2 >= self.values.len() {
                self.list();
            }
        } else if self.pruned * MANY >= self.values.len() {
            self.drop_pruned();
        }
    }

    fn list(&mut self) {
        let live = self.values.len() - self.pruned;
        let (mut columns, mut values) = (Vec::with_capacity(live), Vec::with_capacity(live));
        let mut starts = vec![0];
        for row in self.values.chunks(self.rows.row) {
            for segment in row.chunks(SEGMENT) {
                for (c, &v) in segment.iter().enumerate().filter(|(_, v)| !v.is_nan()) {
                    columns.push(c as u16);
                    values.push(v);
                }
                starts.push(values.len());
            }
        }
        *self = Self { rows: self.rows, starts, columns, values, pruned: 0 };
    }

    fn drop_pruned(&mut self) {
        let (mut from, mut to) = (0, 0);
        for segment in 1..self.starts.len() {
            let end = self.starts[segment];
            for place in from..end {
                let value = self.values[place];
                (self.columns[to], self.values[to]) = (self.columns[place], value);
                to += usize::from(!value.is_nan());
            }
            from = end;
            self.starts[segment] = to;
        }
        self.columns.truncate(to);
        self.values.truncate(to);
        self.pruned = 0;
    }

    /// Prunes the live weights that a mask does not keep.
    pub(super) fn prune_unless(&mut self, mask: &LayerMask) {
        let mut gone = Vec::new();
        self.each(|place, index| {
            if !mask.get(index) {
                gone.push(place);
            }
        });
        gone.into_iter().for_each(|place| self.prune(place));
    }

    /// Calls `each(place, index in the tensor)` for every live weight, in ascending order.
    pub(super) fn each(&self, mut each: impl FnMut(usize, usize)) {
        for (row, first, list) in self.segments() {
            let start = (self.rows.first + row) * self.rows.row + first;
            for place in list.clone().filter(|&p| !self.values[p].is_nan()) {
                let column = match self.columns.get(place) {
                    Some(&c) => usize::from(c),
                    None => place - list.start,
                };
                each(place, start + column);
            }
        }
    }
}
