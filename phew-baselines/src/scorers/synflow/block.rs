//! A block of one tensor: a dense matrix of the rows and columns that still hold live weights.
//!
//! Rows are target units, columns source units; a cell of the matrix holds all scalars of a kernel.

use std::borrow::Cow;

use phew_graph::{LayerMask, TensorId};

use super::bracket::Lowest;
use super::compaction::{occupied, select};
use super::kernel_sums::{kernel_sum, kernel_sums, number, take, with};
use super::products;
use super::tile::{Divider, Tile};
use crate::power::Power;
use crate::simd::widest;

/// Dead rows and columns are looked for when one in so many weights has gone since the last time, and dropped when
/// that saves one place in so many.
const MANY: usize = 8;

/// The weights of a block.
///
/// A weight has a place: the number of its row, shifted, and where it is in the row.
pub(super) struct Block {
    pub(super) tile: Tile,
    /// Rows and columns of the tile that may hold live weights.
    pub(super) rows: Vec<u32>,
    pub(super) columns: Vec<u32>,
    /// |w|, row by row; NaN where the weight is pruned.
    pub(super) values: Vec<f32>,
    /// `Σ f(w)` over the live weights of each kernel: all that sums over paths need. None if kernels are small.
    pub(super) sums: Vec<f64>,
    /// What a weight contributes to the paths through it.
    pub(super) edge: Power,
    live: usize,
    /// Live weights when dead rows and columns were last looked for.
    seen: usize,
    /// The lowest scoring weights at the last step.
    pub(super) lowest: Lowest,
}

impl Block {
    pub(super) fn dense(tile: Tile, weights: &[f32], edge: Power) -> Self {
        let rows: Vec<u32> = (0..tile.targets.len() as u32).collect();
        let columns: Vec<u32> = (0..tile.columns.len() as u32).collect();
        let width = columns.len() * tile.kernel;
        let mut values = Vec::with_capacity(rows.len() * width);
        for &row in &rows {
            values.extend(weights[tile.index(row, 0)..][..width].iter().map(|w| w.abs()));
        }
        let sums = kernel_sums(&values, tile.kernel, edge);
        let (live, lowest) = (values.len(), Lowest::default());
        Self { tile, rows, columns, values, sums, edge, live, seen: live, lowest }
    }

    /// Places of a row.
    pub(super) fn width(&self) -> usize {
        self.columns.len() * self.tile.kernel
    }

    /// The place of a weight.
    #[inline(always)]
    pub(super) fn place(&self, row: usize, at: u32) -> u32 {
        (row as u32) << self.tile.bits() | at
    }

    #[inline(always)]
    fn row_and_at(&self, place: u32) -> (usize, usize) {
        let bits = self.tile.bits();
        ((place >> bits) as usize, (place & ((1 << bits) - 1)) as usize)
    }

    /// Places, live or not.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Those of `x`, by source unit, that belong to the block's columns.
    pub(super) fn pick<'x>(&self, x: &'x [f64]) -> Cow<'x, [f64]> {
        let x = &x[self.tile.sources()];
        match self.columns.len() == x.len() {
            true => Cow::Borrowed(x),
            false => self.columns.iter().map(|&c| x[c as usize]).collect(),
        }
    }

    /// Those of `y`, by target unit, that belong to the block's rows.
    pub(super) fn pick_targets(&self, y: &[f64]) -> Vec<f64> {
        let y = &y[self.tile.targets.clone()];
        self.rows.iter().map(|&r| y[r as usize]).collect()
    }

    /// `Σ f(w) x` of each of the block's rows.
    pub(super) fn gather(&self, x: &[f64]) -> Vec<f64> {
        let mut y = vec![0.0; self.rows.len()];
        if !self.values.is_empty() {
            let x = repeated(self.pick(x), self.summands());
            widest(
                #[inline(always)]
                || match self.edge {
                    _ if !self.sums.is_empty() => products::gather(&self.sums, &x, number, &mut y),
                    Power::Abs => products::gather(&self.values, &x, products::live, &mut y),
                    Power::Square => {
                        products::gather(&self.values, &x, products::live_square, &mut y)
                    }
                },
            );
        }
        y
    }

    /// `Σ f(w) y` of each of the block's columns.
    pub(super) fn scatter(&self, y: &[f64]) -> Vec<f64> {
        let mut x = vec![0.0; self.columns.len() * self.summands()];
        if !self.values.is_empty() {
            let y = self.pick_targets(y);
            widest(
                #[inline(always)]
                || match self.edge {
                    _ if !self.sums.is_empty() => products::scatter(&self.sums, &y, number, &mut x),
                    Power::Abs => products::scatter(&self.values, &y, products::live, &mut x),
                    Power::Square => {
                        products::scatter(&self.values, &y, products::live_square, &mut x)
                    }
                },
            );
        }
        match self.summands() {
            1 => x,
            several => x.chunks_exact(several).map(|kernel| kernel.iter().sum()).collect(),
        }
    }

    /// Numbers of a kernel that sums over paths look at.
    fn summands(&self) -> usize {
        if self.sums.is_empty() { self.tile.kernel } else { 1 }
    }

    /// Adds what [`Block::gather`] gave to the target units.
    pub(super) fn add_to_targets(&self, part: Vec<f64>, total: &mut [f64]) {
        let total = &mut total[self.tile.targets.clone()];
        self.rows.iter().zip(part).for_each(|(&r, p)| total[r as usize] += p);
    }

    /// Adds what [`Block::scatter`] gave to the source units.
    pub(super) fn add_to_sources(&self, part: Vec<f64>, total: &mut [f64]) {
        let total = &mut total[self.tile.sources()];
        self.columns.iter().zip(part).for_each(|(&c, p)| total[c as usize] += p);
    }

    /// Takes note of what a search found, and of what it pruned: all below the bracket.
    pub(super) fn searched(&mut self, lowest: Lowest) {
        self.live -= lowest.below.len();
        self.lowest = lowest;
    }

    /// Brings back what [`super::search::find`] pruned, from the tensor's weights.
    pub(super) fn undo(&mut self, weights: &[f32]) {
        let lowest = std::mem::take(&mut self.lowest);
        for &place in &lowest.below {
            let value = weights[self.index(place)].abs();
            let (row, at) = self.row_and_at(place);
            let width = self.width();
            self.values[row * width + at] = value;
            let cell = row * self.columns.len() + at / self.tile.kernel;
            if let Some(sum) = self.sums.get_mut(cell) {
                *sum = with(*sum, self.edge.of(value));
            }
        }
        self.live += lowest.below.len();
    }

    /// Prunes what was found inside the bracket below a threshold; tensor and index of what is at it.
    pub(super) fn prune_inside(&mut self, threshold: f64) -> Vec<(TensorId, usize)> {
        let (mut below, mut found) = (vec![0; self.lowest.inside.len()], 0);
        let mut ties = Vec::new();
        for &(score, place) in &self.lowest.inside {
            // Without a branch, which the processor could not predict.
            below[found] = place;
            found += usize::from(score < threshold);
            if score.total_cmp(&threshold).is_eq() {
                ties.push((self.tile.tensor, self.index(place)));
            }
        }
        self.prune(&below[..found]);
        ties
    }

    /// Prunes what scores the threshold and stands in a sorted list of tensors and indices.
    pub(super) fn prune_ties(&mut self, threshold: f64, gone: &[(TensorId, usize)]) {
        let at = |place| (self.tile.tensor, self.index(place));
        let ties = self.lowest.inside.iter().filter(|n| n.0.total_cmp(&threshold).is_eq());
        let places = ties.map(|n| n.1).filter(|&place| gone.binary_search(&at(place)).is_ok());
        let places: Vec<u32> = places.collect();
        self.prune_some(&places);
    }

    /// Prunes the weights at some places, where of each kernel all smaller weights are pruned too.
    fn prune(&mut self, places: &[u32]) {
        let (width, kernels) = (self.width(), Divider::new(self.tile.kernel));
        for &place in places {
            let (row, at) = self.row_and_at(place);
            let value = std::mem::replace(&mut self.values[row * width + at], f32::NAN);
            let cell = row * self.columns.len() + kernels.of(at);
            take(&mut self.sums, cell, self.edge.of(value));
        }
        self.live -= places.len();
    }

    /// Prunes the weights at any places: scores of 0, of units on no path, tie whatever the weights.
    fn prune_some(&mut self, places: &[u32]) {
        let (width, kernel) = (self.width(), self.tile.kernel);
        for &place in places {
            let (row, at) = self.row_and_at(place);
            self.values[row * width + at] = f32::NAN;
            let cell = row * self.columns.len() + at / kernel;
            if let Some(sum) = self.sums.get_mut(cell) {
                *sum = kernel_sum(&self.values[cell * kernel..][..kernel], self.edge);
            }
        }
        self.live -= places.len();
    }

    /// Index in the tensor of the scalar at a place.
    fn index(&self, place: u32) -> usize {
        let ((row, at), kernel) = (self.row_and_at(place), self.tile.kernel);
        self.tile.index(self.rows[row], self.columns[at / kernel]) + at % kernel
    }

    /// Drops dead rows and columns if they are many.
    pub(super) fn compact_if_sparse(&mut self) {
        if self.seen - self.live > self.seen / MANY {
            self.compact();
            self.seen = self.live;
        }
    }

    fn compact(&mut self) {
        let (n, kernel) = (self.columns.len(), self.tile.kernel);
        let (rows, columns) = match self.sums.is_empty() {
            true => occupied(&self.values, n, kernel, -1.0),
            false => occupied(&self.sums, n, 1, -1.0),
        };
        if rows.len() * columns.len() > self.rows.len() * n * (MANY - 1) / MANY {
            return;
        }
        self.values = select(&self.values, kernel, n, &rows, &columns);
        if !self.sums.is_empty() {
            self.sums = select(&self.sums, 1, n, &rows, &columns);
        }
        self.rows = rows.iter().map(|&r| self.rows[r]).collect();
        self.columns = columns.iter().map(|&c| self.columns[c]).collect();
    }

    /// Prunes the live weights that a mask does not keep.
    pub(super) fn prune_unless(&mut self, mask: &LayerMask) {
        let mut gone = Vec::new();
        self.each(|place, index| {
            if !mask.get(index) {
                gone.push(place);
            }
        });
        self.prune_some(&gone);
    }

    /// Calls `each(place, index in the tensor)` for every live weight.
    pub(super) fn each(&self, mut each: impl FnMut(u32, usize)) {
        let kernels = self.values.chunks_exact(self.tile.kernel);
        let cells = (0..self.rows.len()).flat_map(|r| (0..self.columns.len()).map(move |c| (r, c)));
        for ((r, c), kernel) in cells.zip(kernels) {
            let place = self.place(r, (c * self.tile.kernel) as u32);
            let first = self.tile.index(self.rows[r], self.columns[c]);
            let live = (0..).zip(kernel).filter(|(_, v)| !v.is_nan());
            live.for_each(|(i, _)| each(place + i, first + i as usize));
        }
    }
}

/// Each of `x` so many times.
fn repeated(x: Cow<'_, [f64]>, times: usize) -> Cow<'_, [f64]> {
    match times {
        1 => x,
        _ => x.iter().flat_map(|&x| std::iter::repeat_n(x, times)).collect(),
    }
}
