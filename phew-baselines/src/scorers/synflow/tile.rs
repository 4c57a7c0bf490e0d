//! Tiles: where blocks lie in a tensor, cut into pieces that fit the caches.

use std::ops::Range;

use phew_graph::{TensorId, Weighted};

/// Scalars of a block: it fits in the second-level cache, so that a second look at it costs little.
const SCALARS: usize = 1 << 17;

/// Scalars of a row at most, where kernels are smaller: what belongs to its columns stays in the first-level cache
/// from row to row.
const WIDTH: usize = 1 << 10;

/// Where a block lies in its tensor. All its rows belong to one group.
#[derive(Clone, Debug)]
pub(super) struct Tile {
    pub(super) tensor: TensorId,
    /// Target units.
    pub(super) targets: Range<usize>,
    /// Source units, among those of the group.
    pub(super) columns: Range<usize>,
    /// Source units of the group.
    inputs: usize,
    /// Scalars of a kernel.
    pub(super) kernel: usize,
    group: usize,
}

impl Tile {
    /// Its columns among the source units of all groups.
    pub(super) fn sources(&self) -> Range<usize> {
        let group = self.group * self.inputs;
        group + self.columns.start..group + self.columns.end
    }

    /// Index in the tensor of the first scalar of a kernel, whose row and column are counted in the tile.
    pub(super) fn index(&self, row: u32, column: u32) -> usize {
        let (target, source) =
            (self.targets.start + row as usize, self.columns.start + column as usize);
        (target * self.inputs + source) * self.kernel
    }

    /// Bits of a place that tell where it is in its row.
    pub(super) fn bits(&self) -> u32 {
        (self.columns.len() * self.kernel).next_power_of_two().trailing_zeros()
    }
}

/// The tiles of a tensor, which depend on its shape alone.
pub(super) fn cut(shape: &Weighted) -> Vec<Tile> {
    let Weighted { tensor, inputs, kernel, .. } = *shape;
    let per_group = shape.outputs_per_group();
    let columns = inputs.div_ceil((inputs * kernel).div_ceil(WIDTH));
    let rows = (SCALARS / (columns * kernel)).clamp(1, per_group);
    let mut tiles = Vec::new();
    for group in 0..shape.groups {
        let (first, end) = (group * per_group, (group + 1) * per_group);
        for from in (first..end).step_by(rows) {
            let targets = from..end.min(from + rows);
            tiles.extend((0..inputs).step_by(columns).map(|c| {
                let columns = c..inputs.min(c + columns);
                Tile { tensor, targets: targets.clone(), columns, inputs, kernel, group }
            }));
        }
    }
    tiles
}

/// Divides by the same number again and again: by a product, which takes less time.
#[derive(Clone, Copy)]
pub(super) struct Divider(u64);

impl Divider {
    pub(super) fn new(divisor: usize) -> Self {
        Self((1 << 63) / divisor as u64 + 1)
    }

    /// The quotient, exact if number and divisor have a product below 2⁶³.
    #[inline(always)]
    pub(super) fn of(self, number: usize) -> usize {
        ((number as u128 * u128::from(self.0)) >> 63) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_divide_as_quotients_do() {
        for divisor in [1, 2, 3, 9, 25, 49, 121, 1000, 65_537, 262_144] {
            let by = Divider::new(divisor);
            assert!((0..600_000).all(|n| by.of(n) == n / divisor), "by {divisor}");
        }
    }
}
