//! What only moves numbers.

use super::{Source, Target};
use crate::execute::geometry::LANES;

/// The units of each input after those of the inputs before.
pub(in crate::execute) fn concat(inputs: &[Source<'_>], output: &mut Target<'_>) {
    let to = output.geometry;
    let length = to.size[1] * LANES;
    let mut first = 0;
    for Source { numbers, geometry: from } in inputs {
        for unit in 0..from.units {
            for y in 0..to.size[0] {
                let here = from.place(unit, y, 0) * LANES;
                let there = to.place(first + unit, y, 0) * LANES;
                output.numbers[there..there + length]
                    .copy_from_slice(&numbers[here..here + length]);
            }
        }
        first += from.units;
    }
}

/// The positions of a map as features, row by row.
pub(in crate::execute) fn flatten(input: Source<'_>, output: &mut Target<'_>) {
    let from = input.geometry;
    let length = from.size[1] * LANES;
    let mut there = 0;
    for unit in 0..from.units {
        for y in 0..from.size[0] {
            let here = from.place(unit, y, 0) * LANES;
            output.numbers[there..there + length]
                .copy_from_slice(&input.numbers[here..here + length]);
            there += length;
        }
    }
}
