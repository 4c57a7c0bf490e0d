//! A layer with weights, packed for both directions.
//!
//! The gradient by what a convolution reads is itself a sum over kept weights: at each position of the input, of each weight
//! that reads it times the gradient where it adds. With a stride it is computed in parts: see
//! [`against_stride`](crate::execute::against_stride). The gradient by the output has a border of zeros, as wide as they reach.

use std::cmp::Reverse;

use crate::arch::op::Window;
use crate::execute::against_stride::place;
use crate::execute::entry::Entry;
use crate::execute::geometry::Geometry;
use crate::execute::packed::{Layer, Packed};
use crate::ids::TensorId;

/// The kept weights of a layer, by output unit and by input unit.
#[derive(Debug)]
pub(super) struct TrainedLayer {
    pub(super) tensor: TensorId,
    /// Its bias, among the tensors that are not prunable.
    pub(super) bias: Option<usize>,
    pub(super) forward: Packed,
    pub(super) stride: [usize; 2],
    /// Where each entry's weight stands in the tensor.
    pub(super) indices: Vec<u32>,
    /// The parts of the gradient by the input; none where nothing asks for it.
    pub(super) parts: Vec<Part>,
}

/// The positions of the input that leave one remainder by the stride.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) first: [usize; 2],
    /// Of the part by itself.
    pub(super) geometry: Geometry,
    pub(super) packed: Packed,
    indices: Vec<u32>,
}

impl TrainedLayer {
    /// `input` is where the layer's input lies, `output` where the gradient by its output does.
    pub(super) fn new(
        layer: &Layer<'_>,
        tensor: TensorId,
        bias: Option<usize>,
        input: Geometry,
        output: Geometry,
        gradient_by_input: bool,
    ) -> Self {
        let Window { stride, padding, dilation, .. } = layer.window;
        let [above, left] = [input.border[0] - padding[0], input.border[1] - padding[1]];
        let mut indices = Vec::new();
        let mut by_output = Vec::with_capacity(layer.out);
        for unit in 0..layer.out {
            let mut entries = Vec::new();
            for tap in layer.taps(unit, input.units) {
                let row = (above + tap.row * dilation[0]) * input.down();
                let column = left + tap.column * dilation[1];
                let offset = row + tap.from * input.next_unit() + column;
                entries.push(Entry { values: [0.0], offset: offset as u32 });
                indices.push(tap.index as u32);
            }
            by_output.push(entries);
        }
        let mut forward = Packed::of_units(by_output.into_iter(), vec![0.0; layer.out], stride);
        if input.size != [1; 2] {
            forward.in_blocks(|offset| input.position_of(offset as usize));
        }
        let parts = match gradient_by_input {
            true => parts(layer, input, output),
            false => Vec::new(),
        };
        Self { tensor, bias, forward, stride, indices, parts }
    }

    /// Takes the values of the weights and of the bias.
    pub(super) fn load(&mut self, weights: &[f32], bias: Option<&[f32]>) {
        let value = |&index: &u32| weights[index as usize];
        self.forward.set_values(self.indices.iter().map(value));
        for part in &mut self.parts {
            part.packed.set_values(part.indices.iter().map(value));
        }
        if let Some(bias) = bias {
            self.forward.shift.copy_from_slice(bias);
        }
    }
}

fn parts(layer: &Layer<'_>, input: Geometry, output: Geometry) -> Vec<Part> {
    let window = layer.window;
    let [rows, columns] = [0, 1].map(|axis| window.stride[axis].min(input.size[axis]));
    let firsts = (0..rows).flat_map(|row| (0..columns).map(move |column| [row, column]));
    let part = |first: [usize; 2]| {
        let mut indices = Vec::new();
        let mut of_unit = |from: usize| {
            let mut entries = Vec::new();
            for (unit, tap) in layer.readers(from, input.units) {
                if let Some(offset) = place(window, first, [tap.row, tap.column], unit, &output) {
                    entries.push(Entry { values: [0.0], offset });
                    indices.push(tap.index as u32);
                }
            }
            entries
        };
        let units: Vec<Vec<Entry>> = (0..input.units).map(&mut of_unit).collect();
        let size =
            [0, 1].map(|axis| (input.size[axis] - first[axis]).div_ceil(window.stride[axis]));
        let mut packed = Packed::of_units(units.into_iter(), vec![0.0; input.units], [1; 2]);
        if input.size != [1; 2] {
            packed.in_blocks(|offset| {
                // What the first position of the kernel reads lies last.
                let [unit, row, column] = output.position_of(offset as usize);
                (unit, Reverse(row), Reverse(column))
            });
        }
        let geometry = Geometry { size, border: [0; 2], row: size[1], ..input };
        Part { first, geometry, packed, indices }
    };
    firsts.map(part).collect()
}
