//! The kept weights of a layer, packed for the kernels.

use super::fold::Folded;
use super::geometry::Geometry;
use crate::arch::op::Window;

/// A kept weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// With the normalisation's scale in it.
    pub(super) value: f32,
    /// The place that it reads for position (0, 0).
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

impl Packed {
    /// `input` is as it is before it is parted, with a border of at least the window's padding, and `read` is what the
    /// layer reads: the same, or its parts.
    pub(super) fn new(
        layer: &Layer<'_>,
        folded: &Folded,
        input: &Geometry,
        read: &Geometry,
    ) -> Self {
        let Window { kernel: [rows, columns], stride, padding, dilation, .. } = layer.window;
        let [above, left] = [input.border[0] - padding[0], input.border[1] - padding[1]];
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
                let from = first + at / (rows * columns);
                let row = above + at / columns % rows * dilation[0];
                let column = left + at % columns * dilation[1];
                let offset = if layer.parted {
                    let part =
                        (from * stride[0] + row % stride[0]) * stride[1] + column % stride[1];
                    read.place(part, row / stride[0], column / stride[1])
                } else {
                    row * read.down() + from * read.next_unit() + column
                };
                entries.push(Entry { value: weight as f32, offset: offset as u32 });
            }
            starts.push(entries.len());
        }
        let shift = folded.shift.iter().map(|&shift| shift as f32).collect();
        Self {
            entries,
            starts,
            shift,
            stride: if layer.parted { [1; 2] } else { stride },
            units: (0..layer.out).collect(),
        }
    }

    /// Kept weights of the units that are computed.
    pub(super) fn kept(&self) -> usize {
        self.units.iter().map(|&unit| self.unit(unit).len()).sum()
    }

    /// The kept weights of a unit.
    pub(super) fn unit(&self, unit: usize) -> &[Entry] {
        &self.entries[self.starts[unit]..self.starts[unit + 1]]
    }
}
