//! The kept weights of a layer, packed for the kernels.

use std::ops::Range;

use super::against_stride::{first_of, place};
use super::blocks::Blocks;
use super::entry::Entry;
use super::fold::Folded;
use super::geometry::Geometry;
use crate::arch::op::Window;

/// The kept weights by output unit, in the order of the tensor.
#[derive(Debug)]
pub(super) struct Packed {
    entries: Vec<Entry>,
    /// Where the entries of each unit begin; one more for the end.
    starts: Vec<usize>,
    /// What is computed of several units at once; none where it has not been asked for.
    pub(super) blocks: Option<Blocks>,
    /// What each unit's sum begins with.
    pub(super) shift: Vec<f32>,
    /// From the place for a position to that for the next, in positions of the input.
    pub(super) stride: [usize; 2],
    /// The units that are computed: those that something reads.
    pub(super) units: Vec<usize>,
}

/// A weight tensor `[out, in / groups, kernel rows, kernel columns]` and how it moves over its input.
pub(super) struct Layer<'w> {
    pub(super) weights: &'w [f32],
    pub(super) kept: &'w dyn Fn(usize) -> bool,
    pub(super) out: usize,
    pub(super) groups: usize,
    pub(super) window: Window,
    /// Whether what it reads has been parted by its stride: see [`Geometry::strided`].
    pub(super) parted: bool,
}

/// Where a kept weight stands in its tensor, and what it joins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tap {
    /// In the tensor.
    pub(super) index: usize,
    /// The unit that it reads.
    pub(super) from: usize,
    /// In the kernel.
    pub(super) row: usize,
    pub(super) column: usize,
}

impl Layer<'_> {
    /// The kept weights of a unit, in the order of the tensor, of a layer that reads so many units.
    pub(super) fn taps(&self, unit: usize, inputs: usize) -> impl Iterator<Item = Tap> {
        let [rows, columns] = self.window.kernel;
        let inputs = inputs / self.groups;
        let per_unit = inputs * rows * columns;
        let first = unit / (self.out / self.groups) * inputs;
        let tap = move |at: usize| Tap {
            index: unit * per_unit + at,
            from: first + at / (rows * columns),
            row: at / columns % rows,
            column: at % columns,
        };
        (0..per_unit).map(tap).filter(|tap| (self.kept)(tap.index))
    }

    /// The kept weights that read a unit, each with the unit to which it adds, of a layer that reads so many units.
    pub(super) fn readers(&self, from: usize, inputs: usize) -> impl Iterator<Item = (usize, Tap)> {
        let [rows, columns] = self.window.kernel;
        let (inputs, out) = (inputs / self.groups, self.out / self.groups);
        let (group, within) = (from / inputs, from % inputs);
        let tap = move |unit: usize, at: usize| {
            let index = (unit * inputs + within) * rows * columns + at;
            (unit, Tap { index, from, row: at / columns, column: at % columns })
        };
        let of_unit = move |unit| (0..rows * columns).map(move |at| tap(unit, at));
        let all = (group * out..(group + 1) * out).flat_map(of_unit);
        all.filter(|(_, tap)| (self.kept)(tap.index))
    }
}

impl Packed {
    /// `input` is as it is before it is parted, with a border of at least the window's padding, and `read` is what the
    /// layer reads: the same, or its parts.
    pub(super) fn new(
        layer: &Layer<'_>,
        folded: &Folded,
        input: &Geometry,
        read: &Geometry,
    ) -> Self {
        let Window { stride, padding, dilation, .. } = layer.window;
        let [above, left] = [input.border[0] - padding[0], input.border[1] - padding[1]];
        let entry = |unit: usize, tap: Tap| {
            let row = above + tap.row * dilation[0];
            let column = left + tap.column * dilation[1];
            let offset = if layer.parted {
                let part =
                    (tap.from * stride[0] + row % stride[0]) * stride[1] + column % stride[1];
                read.place(part, row / stride[0], column / stride[1])
            } else {
                row * read.down() + tap.from * read.next_unit() + column
            };
            let value = f64::from(layer.weights[tap.index]) * folded.scale[unit];
            Entry { values: [value as f32], offset: offset as u32 }
        };
        let of_unit = |unit: usize| {
            let taps = layer.taps(unit, input.units);
            let taps = taps.filter(|tap| layer.weights[tap.index] != 0.0);
            taps.map(|tap| entry(unit, tap)).collect()
        };
        let shift = folded.shift.iter().map(|&shift| shift as f32).collect();
        let stride = if layer.parted { [1; 2] } else { stride };
        Self::of_units((0..layer.out).map(of_unit), shift, stride)
    }

    /// The parts of a transposed convolution, all units of the first, then all of the next: see
    /// [`against_stride`](super::against_stride). The entries of each are ordered by what they read.
    pub(super) fn transposed(layer: &Layer<'_>, folded: &Folded, read: &Geometry) -> Self {
        let [rows, columns] = layer.window.stride;
        let mut units = vec![Vec::new(); rows * columns * layer.out];
        for unit in 0..layer.out {
            let scale = folded.scale[unit];
            for tap in layer.taps(unit, read.units).filter(|tap| layer.weights[tap.index] != 0.0) {
                let at = [tap.row, tap.column];
                let first = first_of(layer.window, at);
                let value = (f64::from(layer.weights[tap.index]) * scale) as f32;
                if let Some(offset) = place(layer.window, first, at, tap.from, read) {
                    let part = first[0] * columns + first[1];
                    units[part * layer.out + unit].push(Entry { values: [value], offset });
                }
            }
        }
        for entries in &mut units {
            entries.sort_by_key(|entry: &Entry| read.position_of(entry.offset as usize));
        }
        let shift = folded.shift.iter().map(|&shift| shift as f32);
        let shift = shift.cycle().take(units.len()).collect();
        Self::of_units(units.into_iter(), shift, [1; 2])
    }

    /// The entries of each unit, what its sum begins with, and how far the places for two positions are apart.
    pub(super) fn of_units(
        units: impl Iterator<Item = Vec<Entry>>,
        shift: Vec<f32>,
        stride: [usize; 2],
    ) -> Self {
        let (mut entries, mut starts) = (Vec::new(), vec![0]);
        for unit in units {
            entries.extend(unit);
            starts.push(entries.len());
        }
        let units = (0..shift.len()).collect();
        Self { entries, starts, blocks: None, units, shift, stride }
    }

    /// Computes several units at once where that costs less; `order` is that of the entries of each unit.
    pub(super) fn in_blocks<K: Ord>(&mut self, order: impl Fn(u32) -> K) {
        let entries_of = |unit| self.entries_of(unit);
        let blocks = Blocks::new(&self.units, &self.entries, entries_of, order);
        self.blocks = (!blocks.units.is_empty()).then_some(blocks);
    }

    /// Orders the units by the number of their entries: a machine that guesses how long the next loop is, is then seldom wrong.
    pub(super) fn by_length(&mut self) {
        let starts = &self.starts;
        self.units.sort_by_key(|&unit| starts[unit + 1] - starts[unit]);
    }

    /// Other values for all entries.
    pub(super) fn set_values(&mut self, values: impl Iterator<Item = f32>) {
        self.entries.iter_mut().zip(values).for_each(|(entry, value)| entry.values = [value]);
        if let Some(blocks) = &mut self.blocks {
            blocks.load(&self.entries);
        }
    }

    /// Entries of all units.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The numbers of a unit's entries.
    #[inline(always)]
    pub(super) fn entries_of(&self, unit: usize) -> Range<usize> {
        self.starts[unit]..self.starts[unit + 1]
    }

    /// What the units that are computed cost, in entries of a single unit.
    pub(super) fn cost(&self) -> f64 {
        let (blocks, singles) = match &self.blocks {
            Some(blocks) => (blocks.cost(), &blocks.singles),
            None => (0.0, &self.units),
        };
        blocks + singles.iter().map(|&unit| self.unit(unit).len() as f64).sum::<f64>()
    }

    /// The kept weights of a unit.
    pub(super) fn unit(&self, unit: usize) -> &[Entry] {
        self.some(self.entries_of(unit))
    }

    /// The kept weights of these numbers.
    #[inline(always)]
    pub(super) fn some(&self, numbers: Range<usize>) -> &[Entry] {
        &self.entries[numbers]
    }
}
