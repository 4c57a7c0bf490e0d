//! Sums over the kept weights of a convolution or a linear layer, of one input, at several positions at once.
//!
//! The rows of what is read and of what is written are equally long, so a map is one run of numbers and the window of
//! the next position begins one number on: between the rows, where there is no position, sums are computed that nobody
//! wants, and zeros put back in the end. Every sum is that of [`LANES`] inputs at once, in the same order.
//!
//! Loops stand where an iterator's closure would: what is not inlined here is not compiled for these vectors.

use pulp::Simd;

use super::Source;
use super::weighted::{Add, After, SUMS, Weighted, rectify};
use crate::execute::entry::Entry;
use crate::execute::geometry::LANES;
use crate::execute::packed::Packed;

impl Weighted<'_, '_> {
    /// All positions of all units.
    #[inline(always)]
    pub(super) fn planes<S: Simd>(mut self, simd: S) {
        let [rows, columns] = self.output.geometry.size;
        if [rows, columns] == [1, 1] {
            return self.one_position();
        }
        let all = (rows - 1) * self.output.geometry.row + columns;
        let lanes = const { S::F32_LANES };
        if all < lanes {
            self.few(simd, all);
        } else {
            let mut at = 0;
            while all - at >= 8 * lanes {
                self.run::<S, 8>(simd, at);
                at += 8 * lanes;
            }
            if all - at >= 4 * lanes {
                self.run::<S, 4>(simd, at);
                at += 4 * lanes;
            }
            if all - at >= 2 * lanes {
                self.run::<S, 2>(simd, at);
                at += 2 * lanes;
            }
            if all - at >= lanes {
                self.run::<S, 1>(simd, at);
                at += lanes;
            }
            if at < all {
                // Some numbers once more: they are the same.
                self.run::<S, 1>(simd, all - lanes);
            }
        }
        self.clear_gaps();
    }

    /// `T` vectors from a number on, of all units.
    #[inline(always)]
    fn run<S: Simd, const T: usize>(&mut self, simd: S, at: usize) {
        let Self { packed, units, first, input, output, after } = self;
        for &unit in *units {
            let sums = sums::<S, T>(simd, packed, unit, input.numbers, *after, at);
            let place = output.geometry.place(unit - *first, 0, 0) + at;
            let length = T * S::F32_LANES;
            let there = S::as_mut_simd_f32s(&mut output.numbers[place..place + length]).0;
            there[..T].copy_from_slice(&sums);
        }
    }

    /// A run that is shorter than a vector: what is read and computed beyond its end is not stored.
    #[inline(always)]
    fn few<S: Simd>(&mut self, simd: S, all: usize) {
        let Self { packed, units, first, input, output, after } = self;
        for &unit in *units {
            let sum = sums::<S, 1>(simd, packed, unit, input.numbers, *after, 0);
            let mut numbers = [0.0; LANES];
            S::as_mut_simd_f32s(&mut numbers).0[..1].copy_from_slice(&sum);
            let place = output.geometry.place(unit - *first, 0, 0);
            output.numbers[place..place + all].copy_from_slice(&numbers[..all]);
        }
    }

    /// Units of a single position.
    #[inline(always)]
    fn one_position(&mut self) {
        let Self { packed, units, first, input, output, after } = self;
        for &unit in *units {
            let mut sums = [0.0; SUMS];
            sums[0] = packed.shift[unit];
            let (groups, rest) = packed.unit(unit).as_chunks::<SUMS>();
            for group in groups {
                for s in 0..SUMS {
                    let here = input.numbers[group[s].offset as usize];
                    sums[s] = group[s].values[0].mul_add(here, sums[s]);
                }
            }
            for s in 0..rest.len() {
                let here = input.numbers[rest[s].offset as usize];
                sums[s] = rest[s].values[0].mul_add(here, sums[s]);
            }
            let mut sum = sums[0];
            for &more in &sums[1..] {
                sum += more;
            }
            if let Add::Of(Source { numbers, geometry }) = after.add {
                sum += numbers[geometry.place(unit, 0, 0)];
            }
            let place = output.geometry.place(unit - *first, 0, 0);
            output.numbers[place] = if after.relu { sum.max(0.0) } else { sum };
        }
    }

    /// Puts back the zeros between the rows.
    #[inline(always)]
    fn clear_gaps(&mut self) {
        let to = self.output.geometry;
        let [rows, columns] = to.size;
        if to.row == columns {
            return;
        }
        for &unit in self.units {
            for y in 1..rows {
                let next = to.place(unit - self.first, y, 0);
                self.output.numbers[next - (to.row - columns)..next].fill(0.0);
            }
        }
    }
}

/// A unit's sums of `T` vectors from a number on, with what is done to them before they are stored.
#[inline(always)]
fn sums<S: Simd, const T: usize>(
    simd: S,
    packed: &Packed,
    unit: usize,
    numbers: &[f32],
    after: After<'_>,
    at: usize,
) -> [S::f32s; T] {
    let mut sums = [simd.splat_f32s(packed.shift[unit]); T];
    for &Entry { values: [value], offset } in packed.unit(unit) {
        let weight = simd.splat_f32s(value);
        let here = vectors::<S, T>(numbers, offset as usize + at);
        for t in 0..T {
            sums[t] = simd.mul_add_f32s(weight, here[t], sums[t]);
        }
    }
    if let Add::Of(Source { numbers, geometry }) = after.add {
        let other = vectors::<S, T>(numbers, geometry.place(unit, 0, 0) + at);
        for t in 0..T {
            sums[t] = simd.add_f32s(sums[t], other[t]);
        }
    }
    if after.relu {
        rectify(simd, &mut sums);
    }
    sums
}

/// So many vectors of numbers, from a number on.
#[inline(always)]
fn vectors<S: Simd, const T: usize>(numbers: &[f32], from: usize) -> &[S::f32s; T] {
    match S::as_simd_f32s(&numbers[from..from + T * S::F32_LANES]).0.first_chunk() {
        Some(vectors) => vectors,
        None => unreachable!("as many numbers as fit"),
    }
}
