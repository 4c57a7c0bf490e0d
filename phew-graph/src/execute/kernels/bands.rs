//! A layer in bands, one for each thread: of rows, where so few inputs lie side by side that groups of them leave threads idle;
//! of units, where the positions of one input do.

use rayon::prelude::*;

use super::weighted::{After, Weighted, weighted};
use super::{Source, Target};
use crate::execute::geometry::{Geometry, LANES, Layout};
use crate::execute::packed::Packed;

/// Columns and rows at least, so that tiles keep their shape.
const COLUMNS: usize = 4;
const ROWS: usize = 2;

/// What a band has to be worth, in entries times vectors: some 4 µs.
const WORTH: f64 = 10_000.0;

/// Computes a layer in up to so many bands. Each number is the same, in however many.
pub(in crate::execute) fn weighted_in_bands(
    bands: usize,
    packed: &Packed,
    input: Source<'_>,
    output: &mut Target<'_>,
    after: After<'_>,
) {
    let layer = Weighted::new(packed, input, output, after);
    if bands < 2 {
        return layer.compute();
    }
    let Geometry { size: [rows, columns], layout, .. } = layer.output.geometry;
    let vectors = layer.output.geometry.vectors();
    let bands = bands.min((packed.cost() * vectors as f64 / WORTH) as usize);
    match layout {
        Layout::Positions if bands > 1 => layer.in_bands_of_units(bands),
        Layout::Inputs if bands.min(rows / ROWS) > 1 && columns >= COLUMNS => {
            layer.in_bands_of_rows(bands.min(rows / ROWS));
        }
        _ => layer.compute(),
    }
}

impl Weighted<'_, '_> {
    fn in_bands_of_rows(self, bands: usize) {
        let Self { packed, input, output, after, .. } = self;
        let whole = output.geometry;
        let Geometry { size: [rows, columns], border: [above, left], .. } = whole;
        let down = whole.down() * LANES;
        let each = rows.div_ceil(bands).next_multiple_of(ROWS);
        let own = &mut output.numbers[above * down..][..rows * down];
        own.par_chunks_mut(each * down).enumerate().for_each(|(band, numbers)| {
            let size = [numbers.len() / down, columns];
            let geometry = Geometry { size, border: [0, left], ..whole };
            let add = after.add.below(band * each);
            let input = input.below(band * each * packed.stride[0]);
            weighted(packed, input, &mut Target { numbers, geometry }, After { add, ..after });
        });
    }

    fn in_bands_of_units(self, bands: usize) {
        let Self { packed, input, output, after, .. } = self;
        let geometry = output.geometry;
        let next = geometry.next_unit();
        let each = geometry.units.div_ceil(bands);
        let own = &mut output.numbers[..geometry.units * next];
        own.par_chunks_mut(each * next).enumerate().for_each(|(band, numbers)| {
            let first = band * each;
            let [from, to] = [first, first + each]
                .map(|unit| packed.units.partition_point(|&computed| computed < unit));
            let output = &mut Target { numbers, geometry };
            let units = &packed.units[from..to];
            Weighted { units, first, ..Weighted::new(packed, input, output, after) }.compute();
        });
    }
}
