//! The kept weights of a layer, packed for the kernels.

use super::fold::Folded;
use super::geometry::Geometry;
use crate::arch::op::Window;

/// A kept weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// With the normalisation's scale in it.
    pub(super) value: f32,
    /// Where it reads, from the window's first place on, in groups of lanes.
    pub(super) offset: u32,
}

/// The kept weights by output unit, in the order of the tensor.
#[derive(Debug)]
pub(super) struct Packed {
    entries: Vec<Entry>,
    /// Where the entries of each unit begin; one more for the end.
    starts: Vec<usize>,
    /// What each unit's sum begins with.
    pub(super) shift: Vec<f32>,
    pub(super) stride: [usize; 2],
    /// The first place of the window of position (0, 0).
    pub(super) origin: usize,
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
}

impl Packed {
    /// The border of the input is at least the window's padding.
    pub(super) fn new(layer: &Layer<'_>, folded: &Folded, input: &Geometry) -> Self {
        let Window { kernel: [rows, columns], stride, padding, .. } = layer.window;
        let inputs = input.units / layer.groups;
        let per_unit = inputs * rows * columns;
        let (mut entries, mut starts) = (Vec::new(), vec![0]);
        for unit in 0..layer.out {
            let first = unit / (layer.out / layer.groups) * inputs;
            for at in 0..per_unit {
                let index = unit * per_unit + at;
                let weight = f64::from(layer.weights[index]) * folded.scale[unit];
                if !(layer.kept)(index) || layer.weights[index] == 0.0 {
                    continue;
                }
                let (from, row, column) =
                    (at / (rows * columns), at / columns % rows, at % columns);
                let offset = row * input.down() + (first + from) * input.row() + column;
                entries.push(Entry { value: weight as f32, offset: offset as u32 });
            }
            starts.push(entries.len());
        }
        let [above, left] = [input.border[0] - padding[0], input.border[1] - padding[1]];
        let shift = folded.shift.iter().map(|&shift| shift as f32).collect();
        Self {
            entries,
            starts,
            shift,
            stride,
            origin: above * input.down() + left,
            units: (0..layer.out).collect(),
        }
    }

    /// The kept weights of a unit.
    pub(super) fn unit(&self, unit: usize) -> &[Entry] {
        &self.entries[self.starts[unit]..self.starts[unit + 1]]
    }
}
