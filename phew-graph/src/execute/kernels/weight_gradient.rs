//! The gradient by the kept weights of a convolution or a linear layer, of [`LANES`] inputs at once: for each weight the sum,
//! over inputs and positions, of what it reads times the gradient by what it adds to.
//!
//! Tiles are those of `weighted`: the gradients of a unit's tile stay in registers while all of its kept weights are gone
//! through. Each weight has a sum for every input, to which the tile's sum is added.

use pulp::{Simd, WithSimd};

use super::Source;
use super::tiles::{Tiled, first_places, row_of};
use crate::execute::entry::Entry;
use crate::execute::geometry::LANES;
use crate::execute::packed::Packed;

/// Adds to the sums of every entry of a layer that reads `input`, of whose output `gradient` is the gradient.
///
/// Where there are fewer inputs than lanes, the others' gradients are zero.
pub(in crate::execute) fn weight_gradient(
    packed: &Packed,
    input: Source<'_>,
    gradient: Source<'_>,
    sums: &mut [[f32; LANES]],
) {
    pulp::Arch::new().dispatch(WeightGradient { packed, input, gradient, sums });
}

struct WeightGradient<'a> {
    packed: &'a Packed,
    input: Source<'a>,
    gradient: Source<'a>,
    sums: &'a mut [[f32; LANES]],
}

impl WithSimd for WeightGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        self.in_tiles(simd, self.gradient.geometry.size, self.packed.stride);
    }
}

impl Tiled for WeightGradient<'_> {
    #[inline(always)]
    fn tiles<S: Simd, const R: usize, const C: usize, const STRIDE: usize>(&mut self, simd: S) {
        let [rows, columns] = self.gradient.geometry.size;
        for row in (0..rows).step_by(R) {
            for column in (0..columns).step_by(C) {
                // A last tile that begins earlier leaves out what the one before has had.
                let first = [row.min(rows - R), column.min(columns - C)];
                let had = [row - first[0], column - first[1]];
                for unit in 0..self.gradient.geometry.units {
                    for chunk in 0..LANES / S::F32_LANES {
                        self.tile::<S, R, C, STRIDE>(simd, unit, first, had, chunk);
                    }
                }
            }
        }
    }
}

impl WeightGradient<'_> {
    /// One unit's tile at a position, of as many inputs as a vector holds, without its first rows and columns.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const C: usize, const STRIDE: usize>(
        &mut self,
        simd: S,
        unit: usize,
        [y, x]: [usize; 2],
        had: [usize; 2],
        chunk: usize,
    ) {
        let vectors = const { LANES / S::F32_LANES };
        let Self { packed, input, gradient, sums } = self;
        let entries = packed.unit(unit);
        if entries.is_empty() {
            return;
        }
        let numbers = S::as_simd_f32s(input.numbers).0;
        let gradients = S::as_simd_f32s(gradient.numbers).0;
        let sums = S::as_mut_simd_f32s(sums[packed.entries_of(unit)].as_flattened_mut()).0;
        let first: [usize; R] = first_places(packed, *input, [y, x], vectors);
        let mut tile = [[simd.splat_f32s(0.0); C]; R];
        for (r, row) in tile.iter_mut().enumerate() {
            let place = gradient.geometry.place(unit, y + r, x) * vectors;
            let here = &gradients[place..][..C * vectors];
            for c in 0..C {
                if r >= had[0] && c >= had[1] {
                    row[c] = here[c * vectors + chunk];
                }
            }
        }
        for (number, &Entry { offset, .. }) in entries.iter().enumerate() {
            let sum = &mut sums[number * vectors + chunk];
            // Two sums, so that one need not wait for the other.
            let mut both = [*sum, simd.splat_f32s(0.0)];
            for r in 0..R {
                let from = first[r] + offset as usize * vectors + chunk;
                let row = row_of::<_, C, STRIDE>(numbers, from, vectors);
                for c in 0..C {
                    let half = &mut both[(r + c) % 2];
                    *half = simd.mul_add_f32s(tile[r][c], row[c * STRIDE * vectors], *half);
                }
            }
            *sum = simd.add_f32s(both[0], both[1]);
        }
    }
}
