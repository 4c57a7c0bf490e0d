//! A block of one tensor: a dense matrix of the rows and columns that still hold live weights.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use phew_graph::{LayerMask, Weighted};

use super::kernels;
use super::search::{Ends, Near, Search};
use crate::simd::widest;

/// Scalars of a block: it fits in the second-level cache, so that a second look at it costs little.
const SCALARS: usize = 1 << 16;

/// Columns of a block at most: what belongs to them stays in the first-level cache from row to row.
const COLUMNS: usize = 1 << 9;

/// Dead rows and columns are looked for when one in so many weights has gone since the last time, and dropped when
/// that saves one place in so many.
const MANY: usize = 8;

/// What a weight contributes to a product: |w| or w².
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Factor {
    Abs,
    Square,
}

impl Factor {
    #[inline(always)]
    pub(super) fn of(self, value: f32) -> f64 {
        match self {
            Factor::Abs => f64::from(value),
            Factor::Square => f64::from(value) * f64::from(value),
        }
    }
}

/// Where a block lies in its tensor. All its rows belong to one group.
#[derive(Clone, Debug)]
pub(super) struct Area {
    pub(super) tensor: usize,
    /// Target units.
    pub(super) targets: Range<usize>,
    /// Scalars of each target's row.
    columns: Range<usize>,
    /// Scalars of a whole row.
    row: usize,
    group: usize,
}

impl Area {
    /// Its columns among those of all groups.
    pub(super) fn sources(&self) -> Range<usize> {
        let group = self.group * self.row;
        group + self.columns.start..group + self.columns.end
    }
}

/// The areas of a tensor, which depend on its shape alone.
pub(super) fn cut(tensor: usize, shape: &Weighted) -> Vec<Area> {
    let (row, per_group) = (shape.row(), shape.outputs_per_group());
    let parts = row.div_ceil(COLUMNS);
    let columns = row.div_ceil(parts);
    let rows = (SCALARS / columns).clamp(1, per_group);
    let mut areas = Vec::new();
    for group in 0..shape.groups {
        let (first, end) = (group * per_group, (group + 1) * per_group);
        for from in (first..end).step_by(rows) {
            let targets = from..end.min(from + rows);
            areas.extend((0..row).step_by(columns).map(|c| {
                let columns = c..row.min(c + columns);
                Area { tensor, targets: targets.clone(), columns, row, group }
            }));
        }
    }
    areas
}

/// The weights of a block.
pub(super) struct Block {
    pub(super) area: Area,
    /// Rows and columns of the area that may hold live weights.
    pub(super) rows: Vec<u32>,
    pub(super) columns: Vec<u32>,
    /// |w|, row by row; NaN where the weight is pruned.
    pub(super) values: Vec<f32>,
    live: usize,
    /// Live weights when dead rows and columns were last looked for.
    seen: usize,
    /// The worst weights at the last step.
    pub(super) near: Near,
}

impl Block {
    pub(super) fn dense(area: Area, weights: &[f32]) -> Self {
        let (row, columns) = (area.row, area.columns.clone());
        let rows = weights[area.targets.start * row..area.targets.end * row].chunks_exact(row);
        let mut values = Vec::with_capacity(area.targets.len() * columns.len());
        rows.for_each(|row| values.extend(row[columns.clone()].iter().map(|w| w.abs())));
        let (rows, live) = (area.targets.len() as u32, values.len());
        let columns = (0..columns.len() as u32).collect();
        let near = Near::default();
        Self { area, rows: (0..rows).collect(), columns, values, live, seen: live, near }
    }

    /// Places, live or not.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Those of `x`, by column of all groups, that belong to the block's columns.
    pub(super) fn pick<'x>(&self, x: &'x [f64]) -> Cow<'x, [f64]> {
        let x = &x[self.area.sources()];
        match self.columns.len() == x.len() {
            true => Cow::Borrowed(x),
            false => self.columns.iter().map(|&c| x[c as usize]).collect(),
        }
    }

    /// Those of `y`, by target unit, that belong to the block's rows.
    pub(super) fn pick_targets(&self, y: &[f64]) -> Vec<f64> {
        let y = &y[self.area.targets.clone()];
        self.rows.iter().map(|&r| y[r as usize]).collect()
    }

    /// `Σ f(w) x` of each of the block's rows.
    pub(super) fn gather(&self, x: &[f64], factor: Factor) -> Vec<f64> {
        let mut y = vec![0.0; self.rows.len()];
        if !self.values.is_empty() {
            let x = self.pick(x);
            widest(
                #[inline(always)]
                || kernels::gather(&self.values, &x, factor, &mut y),
            );
        }
        y
    }

    /// `Σ f(w) y` of each of the block's columns.
    pub(super) fn scatter(&self, y: &[f64], factor: Factor) -> Vec<f64> {
        let mut x = vec![0.0; self.columns.len()];
        if !self.values.is_empty() {
            let y = self.pick_targets(y);
            widest(
                #[inline(always)]
                || kernels::scatter(&self.values, &y, factor, &mut x),
            );
        }
        x
    }

    /// Adds what [`Block::gather`] gave to the target units.
    pub(super) fn add_to_targets(&self, part: Vec<f64>, total: &mut [f64]) {
        let total = &mut total[self.area.targets.clone()];
        self.rows.iter().zip(part).for_each(|(&r, p)| total[r as usize] += p);
    }

    /// Adds what [`Block::scatter`] gave to the columns of all groups.
    pub(super) fn add_to_sources(&self, part: Vec<f64>, total: &mut [f64]) {
        let total = &mut total[self.area.sources()];
        self.columns.iter().zip(part).for_each(|(&c, p)| total[c as usize] += p);
    }

    /// Finds what scores below `low`, and prunes it; and what scores from there to `high`.
    pub(super) fn find(&mut self, bracket: (f64, f64), ends: &Ends<'_>) {
        let near = std::mem::take(&mut self.near);
        self.near = widest(
            #[inline(always)]
            || Search::new(self, bracket, ends).run(near),
        );
        // At once, while the block is in the cache: brackets are seldom wrong.
        for &place in &self.near.below {
            self.values[place as usize] = f32::NAN;
        }
        self.live -= self.near.below.len();
    }

    /// Brings back what [`Block::find`] pruned, from the tensor's weights.
    pub(super) fn undo(&mut self, weights: &[f32]) {
        let near = std::mem::take(&mut self.near);
        for &place in &near.below {
            self.values[place as usize] = weights[self.index(place as usize)].abs();
        }
        self.live += near.below.len();
    }

    /// Prunes what was found inside the bracket below a threshold; tensor and index of what is at it.
    pub(super) fn prune_inside(&mut self, threshold: f64) -> Vec<(usize, usize)> {
        let mut ties = Vec::new();
        for &(score, place) in &self.near.inside {
            match score.total_cmp(&threshold) {
                Ordering::Less => {
                    self.values[place as usize] = f32::NAN;
                    self.live -= 1;
                }
                Ordering::Equal => ties.push((self.area.tensor, self.index(place as usize))),
                Ordering::Greater => {}
            }
        }
        ties
    }

    /// Prunes what scores the threshold and stands in a sorted list.
    pub(super) fn prune_ties(&mut self, threshold: f64, gone: &[(usize, usize)]) {
        for &(score, place) in &self.near.inside {
            if score.total_cmp(&threshold).is_ne() {
                continue;
            }
            let at = (self.area.tensor, self.index(place as usize));
            if gone.binary_search(&at).is_ok() {
                self.values[place as usize] = f32::NAN;
                self.live -= 1;
            }
        }
    }

    /// Index in the tensor of the scalar at a place.
    fn index(&self, place: usize) -> usize {
        let (row, column) = (place / self.columns.len(), place % self.columns.len());
        let target = self.area.targets.start + self.rows[row] as usize;
        target * self.area.row + self.area.columns.start + self.columns[column] as usize
    }

    /// Drops dead rows and columns if they are many.
    pub(super) fn settle(&mut self) {
        if self.seen - self.live > self.seen / MANY {
            self.compact();
            self.seen = self.live;
        }
    }

    fn compact(&mut self) {
        let n = self.columns.len();
        // The greatest live weight, if there is any: a loop of comparisons alone is made of vectors.
        let greater = |a: f32, b: f32| if b > a { b } else { a };
        let mut greatest = vec![-1.0; n];
        let mut rows = Vec::with_capacity(self.rows.len());
        for (r, row) in self.values.chunks_exact(n).enumerate() {
            greatest.iter_mut().zip(row).for_each(|(g, &v)| *g = greater(*g, v));
            if row.iter().any(|v| !v.is_nan()) {
                rows.push(r);
            }
        }
        let columns: Vec<usize> = (0..n).filter(|&c| greatest[c] >= 0.0).collect();
        if rows.len() * columns.len() > self.values.len() - self.values.len() / MANY {
            return;
        }
        let mut values = Vec::with_capacity(rows.len() * columns.len());
        for &r in &rows {
            let row = &self.values[r * n..][..n];
            values.extend(columns.iter().map(|&c| row[c]));
        }
        self.values = values;
        self.rows = rows.iter().map(|&r| self.rows[r]).collect();
        self.columns = columns.iter().map(|&c| self.columns[c]).collect();
    }

    /// Prunes the live weights that a mask does not keep.
    pub(super) fn prune_unless(&mut self, mask: &LayerMask) {
        for place in 0..self.values.len() {
            if !self.values[place].is_nan() && !mask.get(self.index(place)) {
                self.values[place] = f32::NAN;
                self.live -= 1;
            }
        }
    }

    /// Calls `each(index in the tensor)` for every live weight.
    pub(super) fn each(&self, mut each: impl FnMut(usize)) {
        if self.columns.is_empty() {
            return;
        }
        for (&r, row) in self.rows.iter().zip(self.values.chunks_exact(self.columns.len())) {
            let target = self.area.targets.start + r as usize;
            let start = target * self.area.row + self.area.columns.start;
            let live = self.columns.iter().zip(row).filter(|(_, v)| !v.is_nan());
            live.for_each(|(&c, _)| each(start + c as usize));
        }
    }
}
