//! Sums over the kept weights of a convolution or a linear layer, of one input, at several positions at once.
//!
//! The rows of what is read and of what is written are equally long, so a map is one run of numbers and the window of
//! the next position begins one number on: between the rows, where there is no position, sums are computed that nobody
//! wants, and zeros put back in the end. Every sum is that of [`weighted`](super::weighted::weighted), in the same order.
//!
//! Loops stand where an iterator's closure would: what is not inlined here is not compiled for these vectors.

use pulp::{Simd, WithSimd};

use super::weighted::{After, SUMS};
use super::{Source, Target};
use crate::execute::geometry::LANES;
use crate::execute::packed::{Entry, Packed};

/// Computes a layer.
pub(in crate::execute) fn planes(
    packed: &Packed,
    input: Source<'_>,
    output: &mut Target<'_>,
    after: After<'_>,
) {
    pulp::Arch::new().dispatch(Planes { packed, input, output, after });
}

struct Planes<'a, 'b> {
    packed: &'a Packed,
    input: Source<'a>,
    output: &'a mut Target<'b>,
    after: After<'a>,
}

impl WithSimd for Planes<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let [rows, columns] = self.output.geometry.size;
        if [rows, columns] == [1, 1] {
            return self.features();
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
}

impl Planes<'_, '_> {
    /// `T` vectors from a number on, of all units.
    #[inline(always)]
    fn run<S: Simd, const T: usize>(&mut self, simd: S, at: usize) {
        let Self { packed, input, output, after } = self;
        let zero = simd.splat_f32s(0.0);
        for &unit in &packed.units {
            let mut sums = [simd.splat_f32s(packed.shift[unit]); T];
            for &Entry { value, offset } in packed.unit(unit) {
                let weight = simd.splat_f32s(value);
                let here = vectors::<S, T>(input.numbers, offset as usize + at);
                for t in 0..T {
                    sums[t] = simd.mul_add_f32s(weight, here[t], sums[t]);
                }
            }
            if let Some(Source { numbers, geometry }) = after.add {
                let other = vectors::<S, T>(numbers, geometry.place(unit, 0, 0) + at);
                for t in 0..T {
                    sums[t] = simd.add_f32s(sums[t], other[t]);
                }
            }
            if after.relu {
                for sum in &mut sums {
                    *sum = simd.max_f32s(*sum, zero);
                }
            }
            let place = output.geometry.place(unit, 0, 0) + at;
            let length = T * S::F32_LANES;
            let there = S::as_mut_simd_f32s(&mut output.numbers[place..place + length]).0;
            there[..T].copy_from_slice(&sums);
        }
    }

    /// A run that is shorter than a vector: what is read and computed beyond its end is not stored.
    #[inline(always)]
    fn few<S: Simd>(&mut self, simd: S, all: usize) {
        let Self { packed, input, output, after } = self;
        for &unit in &packed.units {
            let mut sum = simd.splat_f32s(packed.shift[unit]);
            for &Entry { value, offset } in packed.unit(unit) {
                let here = vectors::<S, 1>(input.numbers, offset as usize)[0];
                sum = simd.mul_add_f32s(simd.splat_f32s(value), here, sum);
            }
            if let Some(Source { numbers, geometry }) = after.add {
                let other = vectors::<S, 1>(numbers, geometry.place(unit, 0, 0))[0];
                sum = simd.add_f32s(sum, other);
            }
            if after.relu {
                sum = simd.max_f32s(sum, simd.splat_f32s(0.0));
            }
            let mut numbers = [0.0; LANES];
            S::as_mut_simd_f32s(&mut numbers).0[0] = sum;
            let place = output.geometry.place(unit, 0, 0);
            output.numbers[place..place + all].copy_from_slice(&numbers[..all]);
        }
    }

    /// Units of a single position.
    #[inline(always)]
    fn features(&mut self) {
        let Self { packed, input, output, after } = self;
        for &unit in &packed.units {
            let mut sums = [0.0; SUMS];
            sums[0] = packed.shift[unit];
            let (groups, rest) = packed.unit(unit).as_chunks::<SUMS>();
            for group in groups {
                for s in 0..SUMS {
                    let here = input.numbers[group[s].offset as usize];
                    sums[s] = group[s].value.mul_add(here, sums[s]);
                }
            }
            for s in 0..rest.len() {
                let here = input.numbers[rest[s].offset as usize];
                sums[s] = rest[s].value.mul_add(here, sums[s]);
            }
            let mut sum = sums[0];
            for &more in &sums[1..] {
                sum += more;
            }
            if let Some(Source { numbers, geometry }) = after.add {
                sum += numbers[geometry.place(unit, 0, 0)];
            }
            let place = output.geometry.place(unit, 0, 0);
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
        for &unit in &self.packed.units {
            for y in 1..rows {
                let next = to.place(unit, y, 0);
                self.output.numbers[next - (to.row - columns)..next].fill(0.0);
            }
        }
    }
}

/// So many vectors of numbers, from a number on.
#[inline(always)]
fn vectors<S: Simd, const T: usize>(numbers: &[f32], from: usize) -> &[S::f32s; T] {
    match S::as_simd_f32s(&numbers[from..from + T * S::F32_LANES]).0.first_chunk() {
        Some(vectors) => vectors,
        None => unreachable!("as many numbers as fit"),
    }
}
