//! The rows of a layer's maps in bands, one for each thread: for so few inputs that groups of them leave threads idle.

use rayon::prelude::*;

use super::weighted::{After, weighted};
use super::{Source, Target};
use crate::execute::geometry::{Geometry, LANES, Layout};
use crate::execute::packed::Packed;

/// Columns and rows at least, so that tiles keep their shape.
const COLUMNS: usize = 4;
const ROWS: usize = 2;

/// What a band has to be worth, in entries times positions: some 4 µs.
const WORTH: f64 = 10_000.0;

/// Computes a layer in up to so many bands of rows. Each number is the same, in however many.
pub(in crate::execute) fn weighted_in_bands(
    bands: usize,
    packed: &Packed,
    input: Source<'_>,
    output: &mut Target<'_>,
    after: After<'_>,
) {
    let whole = output.geometry;
    let Geometry { size: [rows, columns], border: [above, left], layout, .. } = whole;
    let worth = packed.cost() * (rows * columns) as f64;
    let bands = bands.min(rows / ROWS).min((worth / WORTH) as usize);
    if bands < 2 || columns < COLUMNS || layout == Layout::Positions {
        return weighted(packed, input, output, after);
    }
    let down = whole.down() * LANES;
    let each = rows.div_ceil(bands).next_multiple_of(ROWS);
    let own = &mut output.numbers[above * down..][..rows * down];
    own.par_chunks_mut(each * down).enumerate().for_each(|(band, numbers)| {
        let size = [numbers.len() / down, columns];
        let geometry = Geometry { size, border: [0, left], ..whole };
        let add = after.add.map(|other| other.below(band * each));
        let input = input.below(band * each * packed.stride[0]);
        weighted(packed, input, &mut Target { numbers, geometry }, After { add, ..after });
    });
}
