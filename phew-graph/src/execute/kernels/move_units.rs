//! What only moves numbers.

use super::{Source, Target};

/// The units of each input after those of the inputs before.
pub(in crate::execute) fn concat(inputs: &[Source<'_>], output: &mut Target<'_>) {
    let to = output.geometry;
    let (lanes, length) = (to.lanes(), to.size[1] * to.lanes());
    let mut first = 0;
    for Source { numbers, geometry: from } in inputs {
        for unit in 0..from.units {
            for y in 0..to.size[0] {
                let here = from.place(unit, y, 0) * lanes;
                let there = to.place(first + unit, y, 0) * lanes;
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
    let (lanes, length) = (from.lanes(), from.size[1] * from.lanes());
    let mut there = 0;
    for unit in 0..from.units {
        for y in 0..from.size[0] {
            let here = from.place(unit, y, 0) * lanes;
            output.numbers[there..there + length]
                .copy_from_slice(&input.numbers[here..here + length]);
            there += length;
        }
    }
}

/// The maps parted by a stride, border included: see [`Geometry::strided`](crate::execute::geometry::Geometry::strided).
pub(in crate::execute) fn part(stride: [usize; 2], input: Source<'_>, output: &mut Target<'_>) {
    let (from, to) = (input.geometry, output.geometry);
    let length = from.size[1] + 2 * from.border[1];
    let parts = stride[0] * stride[1];
    for unit in 0..from.units {
        for y in 0..from.size[0] {
            // The border is zero there as it is here.
            let row = &input.numbers[from.place(unit, y, 0) - from.border[1]..][..length];
            let y = y + from.border[0];
            for x in 0..stride[1] {
                let part = unit * parts + y % stride[0] * stride[1] + x;
                let there = to.place(part, y / stride[0], 0);
                let numbers = output.numbers[there..][..to.size[1]].iter_mut();
                numbers.zip(row.iter().skip(x).step_by(stride[1])).for_each(|(to, x)| *to = *x);
            }
        }
    }
}
