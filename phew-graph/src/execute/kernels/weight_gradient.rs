//! The gradient by the kept weights of a convolution or a linear layer, of [`LANES`] inputs at once: for each weight the sum,
//! over inputs and positions, of what it reads times the gradient by what it adds to.
//!
//! Tiles are those of `weighted`: the gradients of a unit's tile stay in registers while its kept weights are gone through. Each
//! weight has a sum for every input, to which the tile's sum is added. On a large map tiles are the outer loop, so that what they
//! read stays in the nearest cache for all units, and the sums of the whole layer go through memory; on a small one the weights are,
//! as many as have their sums in the nearest cache. The numbers are the same.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::Source;
use super::tiles::{Tiled, first_places, row_of};
use crate::execute::entry::Entry;
use crate::execute::geometry::{Geometry, LANES};
use crate::execute::packed::Packed;

/// Positions of a small map at most.
const SMALL: usize = 64;

/// Weights whose sums lie in the nearest cache.
const NEAR: usize = 256;

/// Writes the gradient by every entry of a layer that reads `input`, of whose output `gradient` is the gradient. `room` is for sums:
/// what is in it does not matter.
///
/// Where there are fewer inputs than lanes, the others' gradients are zero.
pub(in crate::execute) fn weight_gradient(
    packed: &Packed,
    input: Source<'_>,
    gradient: Source<'_>,
    room: &mut Vec<[f32; LANES]>,
    by_weight: &mut [f32],
) {
    pulp::Arch::new().dispatch(WeightGradient { packed, input, gradient, room, by_weight });
}

struct WeightGradient<'a> {
    packed: &'a Packed,
    input: Source<'a>,
    gradient: Source<'a>,
    room: &'a mut Vec<[f32; LANES]>,
    by_weight: &'a mut [f32],
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
        let Geometry { units, size: [rows, columns], .. } = self.gradient.geometry;
        if rows * columns > SMALL {
            self.clear(self.packed.len());
            for row in (0..rows).step_by(R) {
                for column in (0..columns).step_by(C) {
                    for unit in 0..units {
                        let own = self.packed.entries_of(unit);
                        let room = own.clone();
                        self.tile::<S, R, C, STRIDE>(simd, unit, [row, column], own, room);
                    }
                }
            }
            return self.add_lanes(0..self.packed.len());
        }
        for unit in 0..units {
            let own = self.packed.entries_of(unit);
            for first in own.clone().step_by(NEAR) {
                let near = first..own.end.min(first + NEAR);
                self.clear(near.len());
                for row in (0..rows).step_by(R) {
                    for column in (0..columns).step_by(C) {
                        let room = 0..near.len();
                        self.tile::<S, R, C, STRIDE>(simd, unit, [row, column], near.clone(), room);
                    }
                }
                self.add_lanes(near);
            }
        }
    }
}

impl WeightGradient<'_> {
    /// Makes so many sums zero.
    #[inline(always)]
    fn clear(&mut self, sums: usize) {
        self.room.clear();
        self.room.resize(sums, [0.0; LANES]);
    }

    /// Takes the sums that there are as those of some entries.
    #[inline(always)]
    fn add_lanes(&mut self, entries: Range<usize>) {
        for (by_weight, lanes) in self.by_weight[entries].iter_mut().zip(&*self.room) {
            *by_weight = total(lanes);
        }
    }

    /// Adds what a unit's tile gives to some of its entries to their sums. A last tile of a row or column begins earlier, and leaves
    /// out what the one before has had.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const C: usize, const STRIDE: usize>(
        &mut self,
        simd: S,
        unit: usize,
        [row, column]: [usize; 2],
        entries: Range<usize>,
        room: Range<usize>,
    ) {
        if entries.is_empty() {
            return;
        }
        let vectors = const { LANES / S::F32_LANES };
        let Self { packed, input, gradient, .. } = self;
        let numbers = S::as_simd_f32s(input.numbers).0;
        let gradients = S::as_simd_f32s(gradient.numbers).0;
        let sums = S::as_mut_simd_f32s(self.room[room].as_flattened_mut()).0;
        let [rows, columns] = gradient.geometry.size;
        let [y, x] = [row.min(rows - R), column.min(columns - C)];
        let had = [row - y, column - x];
        let first: [usize; R] = first_places(packed, *input, [y, x], vectors);
        for chunk in 0..vectors {
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
            for (number, &Entry { offset, .. }) in packed.some(entries.clone()).iter().enumerate() {
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
}

/// The sum of the lanes, halves added to halves.
#[inline(always)]
fn total(lanes: &[f32; LANES]) -> f32 {
    let mut sums = *lanes;
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
        half /= 2;
    }
    sums[0]
}
