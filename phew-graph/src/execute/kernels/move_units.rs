//! What only moves numbers.

use super::{Source, Target};

/// The units of each input after those of the inputs before.
pub(in crate::execute) fn concat(inputs: &[Source<'_>], output: &mut Target<'_>) {
    let mut first = 0;
    for &input in inputs {
        for unit in 0..input.geometry.units {
            map(input, unit, output, first + unit);
        }
        first += input.geometry.units;
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

/// As many units as the output has, from a first one on.
pub(in crate::execute) fn slice(first: usize, input: Source<'_>, output: &mut Target<'_>) {
    for unit in 0..output.geometry.units {
        map(input, first + unit, output, unit);
    }
}

/// The units as a matrix of so many rows, transposed.
pub(in crate::execute) fn shuffle(rows: usize, input: Source<'_>, output: &mut Target<'_>) {
    let units = input.geometry.units;
    for unit in 0..units {
        map(input, unit, output, shuffled(unit, rows, units));
    }
}

/// Where a unit goes when all, as a matrix of so many rows, are transposed.
pub(in crate::execute) fn shuffled(unit: usize, rows: usize, units: usize) -> usize {
    let columns = units / rows;
    unit % columns * rows + unit / columns
}

/// A unit's map in the place of another's.
fn map(input: Source<'_>, from: usize, output: &mut Target<'_>, to: usize) {
    let (geometry, lanes) = (output.geometry, output.geometry.lanes());
    let length = geometry.size[1] * lanes;
    for y in 0..geometry.size[0] {
        let here = input.geometry.place(from, y, 0) * lanes;
        let there = geometry.place(to, y, 0) * lanes;
        output.numbers[there..there + length].copy_from_slice(&input.numbers[here..here + length]);
    }
}

/// Each map behind so many rows and columns of zeros, and zeros where it does not reach.
pub(in crate::execute) fn pad(
    [above, left]: [usize; 2],
    input: Source<'_>,
    output: &mut Target<'_>,
) {
    let (from, to) = (input.geometry, output.geometry);
    let lanes = to.lanes();
    let (length, whole) = (from.size[1] * lanes, to.size[1] * lanes);
    for unit in 0..to.units {
        for y in 0..to.size[0] {
            let there = to.place(unit, y, 0) * lanes;
            let row = &mut output.numbers[there..there + whole];
            row.fill(0.0);
            if (above..above + from.size[0]).contains(&y) {
                let here = from.place(unit, y - above, 0) * lanes;
                row[left * lanes..][..length].copy_from_slice(&input.numbers[here..here + length]);
            }
        }
    }
}

/// Each position, counted row by row, as a unit, and each unit as a position.
pub(in crate::execute) fn turn(input: Source<'_>, output: &mut Target<'_>) {
    let (from, to) = (input.geometry, output.geometry);
    let lanes = to.lanes();
    let [rows, columns] = from.size;
    for position in 0..rows * columns {
        for unit in 0..from.units {
            let here = from.place(unit, position / columns, position % columns) * lanes;
            let there = to.place(position, unit / to.size[1], unit % to.size[1]) * lanes;
            output.numbers[there..there + lanes]
                .copy_from_slice(&input.numbers[here..here + lanes]);
        }
    }
}

/// Some positions of a map read row by row, from a first one on.
pub(in crate::execute) fn crop(first: usize, input: Source<'_>, output: &mut Target<'_>) {
    for position in 0..output.geometry.size[1] {
        place(input, first + position, output, position);
    }
}

/// Learnt positions, `[position, unit]`, and those of a map read row by row.
pub(in crate::execute) fn tokens(
    learnt: &[f32],
    behind: bool,
    input: Source<'_>,
    output: &mut Target<'_>,
) {
    let to = output.geometry;
    let [rows, columns] = input.geometry.size;
    let (own, others) = (to.size[1] - rows * columns, rows * columns);
    let (first_own, first_other) = if behind { (others, 0) } else { (0, own) };
    for (number, value) in learnt.iter().enumerate() {
        let (position, unit) = (first_own + number / to.units, number % to.units);
        let there = to.place(unit, 0, position) * to.lanes();
        output.numbers[there..there + to.lanes()].fill(*value);
    }
    for position in 0..others {
        place(input, position, output, first_other + position);
    }
}

/// What all units have at a position of a map read row by row, in the place of another position of a row.
fn place(input: Source<'_>, from: usize, output: &mut Target<'_>, to: usize) {
    let columns = input.geometry.size[1];
    let lanes = output.geometry.lanes();
    for unit in 0..output.geometry.units {
        let here = input.geometry.place(unit, from / columns, from % columns) * lanes;
        let there = output.geometry.place(unit, 0, to) * lanes;
        output.numbers[there..there + lanes].copy_from_slice(&input.numbers[here..here + lanes]);
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

/// The maps whose parts are there: see [`Values::joined`](crate::execute::values::Values::joined).
pub(in crate::execute) fn join(stride: [usize; 2], input: Source<'_>, output: &mut Target<'_>) {
    let (from, to) = (input.geometry, output.geometry);
    let (lanes, length) = (to.lanes(), to.size[1] * to.lanes());
    for y in 0..to.size[0] {
        for unit in 0..to.units {
            let there = to.place(unit, y, 0) * lanes;
            let row = &mut output.numbers[there..there + length];
            for x in 0..stride[1].min(to.size[1]) {
                let part = y % stride[0] * stride[1] + x;
                let here = from.place(part * to.units + unit, y / stride[0], 0) * lanes;
                let numbers = input.numbers[here..].chunks_exact(lanes);
                let places = row.chunks_exact_mut(lanes).skip(x).step_by(stride[1]);
                places.zip(numbers).for_each(|(to, from)| to.copy_from_slice(from));
            }
        }
    }
}
