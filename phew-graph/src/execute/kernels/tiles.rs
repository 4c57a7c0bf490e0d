//! Tiles: positions of a map that are computed together, `R` rows of `C` columns.

use pulp::Simd;

use super::Source;
use crate::execute::packed::Packed;

/// What is computed in tiles.
pub(super) trait Tiled {
    /// All tiles of `R` rows and `C` columns; `STRIDE` is that of the columns, if there is more than one in a tile.
    fn tiles<S: Simd, const R: usize, const C: usize, const STRIDE: usize>(&mut self, simd: S);

    /// All tiles of a map, of the shape that fits it and the stride.
    #[inline(always)]
    fn in_tiles<S: Simd>(&mut self, simd: S, [rows, columns]: [usize; 2], stride: [usize; 2]) {
        match (stride, rows, columns) {
            ([_, 1], _, 8..) => self.tiles::<S, 1, 8, 1>(simd),
            ([_, 1], 2.., 4..) => self.tiles::<S, 2, 4, 1>(simd),
            ([_, 1], _, 4..) => self.tiles::<S, 1, 4, 1>(simd),
            ([_, 1], 4.., 2..) => self.tiles::<S, 4, 2, 1>(simd),
            ([_, 1], 2.., 2..) => self.tiles::<S, 2, 2, 1>(simd),
            ([_, 2], _, 8..) => self.tiles::<S, 1, 8, 2>(simd),
            ([_, 2], 2.., 4..) => self.tiles::<S, 2, 4, 2>(simd),
            ([_, 2], 2.., 2..) => self.tiles::<S, 2, 2, 2>(simd),
            (_, 8.., _) => self.tiles::<S, 8, 1, 1>(simd),
            (_, 2.., _) => self.tiles::<S, 2, 1, 1>(simd),
            _ => self.tiles::<S, 1, 1, 1>(simd),
        }
    }
}

/// Whether no two tiles share a position, whatever the rows that are computed together and the vectors: then a sum may be added to
/// what is there.
pub(in crate::execute) fn tiles_apart(columns: usize, stride: [usize; 2]) -> bool {
    columns.is_multiple_of(8) && matches!(stride, [_, 1 | 2])
}

/// Where the window of a tile's first position begins in each of its rows, in vectors.
#[inline(always)]
pub(super) fn first_places<const R: usize>(
    packed: &Packed,
    input: Source<'_>,
    [y, x]: [usize; 2],
    vectors: usize,
) -> [usize; R] {
    let mut first = [0; R];
    for (r, first) in first.iter_mut().enumerate() {
        let row = (y + r) * packed.stride[0] * input.geometry.down();
        *first = (row + x * packed.stride[1]) * vectors;
    }
    first
}

/// What a tile's row reads for an entry, whose numbers lie `STRIDE` places apart.
#[inline(always)]
pub(super) fn row_of<V, const C: usize, const STRIDE: usize>(
    numbers: &[V],
    from: usize,
    vectors: usize,
) -> &[V] {
    &numbers[from..][..(C - 1) * STRIDE * vectors + 1]
}
