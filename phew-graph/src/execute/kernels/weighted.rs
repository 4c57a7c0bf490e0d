//! Sums over the kept weights of a convolution or a linear layer. Here of [`LANES`] inputs at once; `planes` has those of one
//! input at several positions.
//!
//! A tile is a few positions of the output map, `R` rows of `C` columns, of [`LANES`] inputs each. Its sums stay in
//! registers while all kept weights of a unit are applied to them. Tiles are the outer loop and units the inner one: what
//! a tile reads stays in the nearest cache for all units. Where a map is no multiple of the tile, the last tile of a row
//! or column overlaps the one before; the numbers in both are the same.
//!
//! Loops stand where an iterator's closure would: what is not inlined here is not compiled for these vectors.

use pulp::{Simd, WithSimd};

use super::tiles::{Tiled, first_places, row_of};
use super::{Source, Target};
use crate::execute::blocks::UNITS;
use crate::execute::entry::Entry;
use crate::execute::geometry::{Geometry, LANES, Layout};
use crate::execute::packed::Packed;

/// What is added to a sum.
#[derive(Clone, Copy, Debug)]
pub(in crate::execute) enum Add<'b> {
    Nothing,
    Of(Source<'b>),
    /// What the output holds: only where [`tiles_apart`](super::tiles_apart) says so, and positions do not lie innermost.
    Here,
}

impl Add<'_> {
    /// The same from a row on.
    pub(in crate::execute) fn below(self, row: usize) -> Self {
        match self {
            Self::Of(source) => Self::Of(source.below(row)),
            same => same,
        }
    }
}

/// What is done to a sum before it is stored.
#[derive(Clone, Copy, Debug)]
pub(in crate::execute) struct After<'b> {
    pub(in crate::execute) add: Add<'b>,
    pub(in crate::execute) relu: bool,
}

/// Interleaved sums of a unit at a single position, so that one need not wait for the other.
pub(super) const SUMS: usize = 8;

/// Computes a layer.
pub(in crate::execute) fn weighted(
    packed: &Packed,
    input: Source<'_>,
    output: &mut Target<'_>,
    after: After<'_>,
) {
    Weighted::new(packed, input, output, after).compute();
}

pub(super) struct Weighted<'a, 'b> {
    pub(super) packed: &'a Packed,
    /// Those that are computed, where positions lie innermost.
    pub(super) units: &'a [usize],
    /// The unit that the output begins with.
    pub(super) first: usize,
    pub(super) input: Source<'a>,
    pub(super) output: &'a mut Target<'b>,
    pub(super) after: After<'a>,
}

impl<'a, 'b> Weighted<'a, 'b> {
    /// All units.
    pub(super) fn new(
        packed: &'a Packed,
        input: Source<'a>,
        output: &'a mut Target<'b>,
        after: After<'a>,
    ) -> Self {
        Self { packed, units: &packed.units, first: 0, input, output, after }
    }

    pub(super) fn compute(self) {
        pulp::Arch::new().dispatch(self);
    }
}

impl WithSimd for Weighted<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let Geometry { size: [rows, columns], layout, .. } = self.output.geometry;
        if layout == Layout::Positions {
            return self.planes(simd);
        }
        match [rows, columns] {
            [1, 1] => self.features(simd),
            size => self.in_tiles(simd, size, self.packed.stride),
        }
    }
}

impl Tiled for Weighted<'_, '_> {
    #[inline(always)]
    fn tiles<S: Simd, const R: usize, const C: usize, const STRIDE: usize>(&mut self, simd: S) {
        let packed = self.packed;
        let mut singles = &packed.units;
        if let Some(blocks) = &packed.blocks {
            let of = |block: usize| (blocks.units[block], blocks.of(block));
            self.all::<S, R, C, STRIDE, UNITS>(simd, blocks.units.len(), of);
            singles = &blocks.singles;
        }
        let of = |single: usize| ([singles[single]], packed.unit(singles[single]));
        self.all::<S, R, C, STRIDE, 1>(simd, singles.len(), of);
    }
}

/// The places of a tile's rows, in vectors: in what is read, and of the first unit in the output and in what is added.
struct Places<const R: usize> {
    read: [usize; R],
    to: [usize; R],
    /// From a unit to the next.
    next_to: usize,
    other: [usize; R],
    next_other: usize,
}

impl<'a> Weighted<'a, '_> {
    /// All tiles of so many units, or of so many blocks of units.
    #[inline(always)]
    fn all<S: Simd, const R: usize, const C: usize, const STRIDE: usize, const UNITS: usize>(
        &mut self,
        simd: S,
        count: usize,
        of: impl Fn(usize) -> ([usize; UNITS], &'a [Entry<UNITS>]),
    ) {
        let [rows, columns] = self.output.geometry.size;
        for y in (0..rows).step_by(R).map(|y| y.min(rows - R)) {
            for x in (0..columns).step_by(C).map(|x| x.min(columns - C)) {
                let at = self.places::<S, R>([y, x]);
                for number in 0..count {
                    let (units, entries) = of(number);
                    for chunk in 0..LANES / S::F32_LANES {
                        self.tile::<S, R, C, STRIDE, UNITS>(simd, units, entries, &at, chunk);
                    }
                }
            }
        }
    }

    /// The places of a tile at a position.
    #[inline(always)]
    fn places<S: Simd, const R: usize>(&self, [y, x]: [usize; 2]) -> Places<R> {
        let vectors = const { LANES / S::F32_LANES };
        let rows = |of: Geometry| {
            let mut places = [0; R];
            for (r, place) in places.iter_mut().enumerate() {
                *place = of.place(0, y + r, x) * vectors;
            }
            (places, of.next_unit() * vectors)
        };
        let (to, next_to) = rows(self.output.geometry);
        let (other, next_other) = match self.after.add {
            Add::Of(source) => rows(source.geometry),
            Add::Nothing | Add::Here => (to, next_to),
        };
        let read = first_places(self.packed, self.input, [y, x], vectors);
        Places { read, to, next_to, other, next_other }
    }

    /// The tiles at a position of units that are computed at once, of as many inputs as a vector holds.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const C: usize, const STRIDE: usize, const UNITS: usize>(
        &mut self,
        simd: S,
        units: [usize; UNITS],
        entries: &[Entry<UNITS>],
        at: &Places<R>,
        chunk: usize,
    ) {
        let vectors = const { LANES / S::F32_LANES };
        let Self { packed, input, output, after, .. } = self;
        let numbers = S::as_simd_f32s(input.numbers).0;
        let first = at.read;
        let mut sums = [[[simd.splat_f32s(0.0); C]; R]; UNITS];
        for u in 0..UNITS {
            sums[u] = [[simd.splat_f32s(packed.shift[units[u]]); C]; R];
        }
        for &Entry { values, offset } in entries {
            let mut weights = [simd.splat_f32s(0.0); UNITS];
            for u in 0..UNITS {
                weights[u] = simd.splat_f32s(values[u]);
            }
            for r in 0..R {
                let from = first[r] + offset as usize * vectors + chunk;
                let row = row_of::<_, C, STRIDE>(numbers, from, vectors);
                for c in 0..C {
                    let here = row[c * STRIDE * vectors];
                    for u in 0..UNITS {
                        sums[u][r][c] = simd.mul_add_f32s(weights[u], here, sums[u][r][c]);
                    }
                }
            }
        }
        for u in 0..UNITS {
            let to = units[u] * at.next_to + chunk;
            let other = units[u] * at.next_other + chunk;
            for (r, row) in sums[u].iter().enumerate() {
                store(simd, row, output, *after, [at.to[r] + to, at.other[r] + other]);
            }
        }
    }

    /// A unit at a single position, its weights in [`SUMS`] interleaved sums.
    #[inline(always)]
    fn features<S: Simd>(&mut self, simd: S) {
        let vectors = const { LANES / S::F32_LANES };
        let at = self.places::<S, 1>([0, 0]);
        let Self { packed, input, output, after, .. } = self;
        let numbers = S::as_simd_f32s(input.numbers).0;
        for &unit in &packed.units {
            for chunk in 0..vectors {
                let place = |offset: u32| offset as usize * vectors + chunk;
                let mut sums = [simd.splat_f32s(0.0); SUMS];
                sums[0] = simd.splat_f32s(packed.shift[unit]);
                let (groups, rest) = packed.unit(unit).as_chunks::<SUMS>();
                for group in groups {
                    for (sum, entry) in sums.iter_mut().zip(group) {
                        let weight = simd.splat_f32s(entry.values[0]);
                        *sum = simd.mul_add_f32s(weight, numbers[place(entry.offset)], *sum);
                    }
                }
                for (sum, entry) in sums.iter_mut().zip(rest) {
                    let weight = simd.splat_f32s(entry.values[0]);
                    *sum = simd.mul_add_f32s(weight, numbers[place(entry.offset)], *sum);
                }
                let mut sum = sums[0];
                for &more in &sums[1..] {
                    sum = simd.add_f32s(sum, more);
                }
                let [to, other] =
                    [unit * at.next_to, unit * at.next_other].map(|place| place + chunk);
                store(simd, &[sum], output, *after, [at.to[0] + to, at.other[0] + other]);
            }
        }
    }
}

/// Adds the other branch, applies ReLU, and stores sums that lie beside each other.
#[inline(always)]
fn store<S: Simd, const C: usize>(
    simd: S,
    sums: &[S::f32s; C],
    output: &mut Target<'_>,
    after: After<'_>,
    [to, other]: [usize; 2],
) {
    let vectors = const { LANES / S::F32_LANES };
    let length = const { (C - 1) * (LANES / S::F32_LANES) + 1 };
    let mut sums = *sums;
    let row = &mut S::as_mut_simd_f32s(output.numbers).0[to..][..length];
    match after.add {
        Add::Nothing => {}
        Add::Of(Source { numbers, .. }) => {
            let other = &S::as_simd_f32s(numbers).0[other..][..length];
            for c in 0..C {
                sums[c] = simd.add_f32s(sums[c], other[c * vectors]);
            }
        }
        Add::Here => {
            for c in 0..C {
                sums[c] = simd.add_f32s(sums[c], row[c * vectors]);
            }
        }
    }
    if after.relu {
        rectify(simd, &mut sums);
    }
    for c in 0..C {
        row[c * vectors] = sums[c];
    }
}

/// ReLU.
#[inline(always)]
pub(super) fn rectify<S: Simd, const C: usize>(simd: S, sums: &mut [S::f32s; C]) {
    for sum in sums {
        *sum = simd.max_f32s(*sum, simd.splat_f32s(0.0));
    }
}
