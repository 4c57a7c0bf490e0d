//! Which units anything reads: the rest is not computed.

use super::geometry::Geometry;
use super::kernels::shuffled;
use super::step::{Step, Work};

/// Leaves out of each layer the units on which the output does not depend.
///
/// What such a unit's place in a buffer holds is whatever was there, and nothing that counts reads it.
pub(super) fn keep_live_units(steps: &mut [Step], geometries: &[Geometry], last: usize) {
    let values = geometries.iter().enumerate();
    let mut live: Vec<Vec<bool>> =
        values.map(|(value, geometry)| vec![value == last; geometry.units]).collect();
    for step in steps.iter_mut().rev() {
        let own = std::mem::take(&mut live[step.output]);
        if let Some(other) = step.add {
            mark(&mut live[other], own.iter().copied());
        }
        match &mut step.work {
            Work::Weighted(packed) => {
                packed.units.retain(|&unit| own[unit]);
                let input = geometries[step.inputs[0]];
                let read = packed.units.iter().flat_map(|&unit| packed.unit(unit));
                for entry in read {
                    live[step.inputs[0]][input.unit_of(entry.offset as usize)] = true;
                }
            }
            Work::Part(stride) => {
                let any = own.chunks(stride[0] * stride[1]).map(|parts| parts.contains(&true));
                mark(&mut live[step.inputs[0]], any);
            }
            Work::Join(_) => {
                mark(&mut live[step.inputs[0]], own.iter().copied().cycle());
            }
            Work::Affine(_)
            | Work::Shift(_)
            | Work::MaxPool(_)
            | Work::AvgPool(_)
            | Work::Pad(_)
            | Work::Crop(_)
            | Work::Tokens { .. }
            | Work::Sum
            | Work::Product => {
                for &input in &step.inputs {
                    // Of a product an input may have one unit for all.
                    match live[input].len() == own.len() {
                        true => mark(&mut live[input], own.iter().copied()),
                        false => mark(&mut live[input], [own.contains(&true)].into_iter()),
                    }
                }
            }
            Work::Slice(first) => {
                mark(&mut live[step.inputs[0]][*first..], own.iter().copied());
            }
            Work::Shuffle(rows) => {
                let moved = (0..own.len()).map(|unit| own[shuffled(unit, *rows, own.len())]);
                mark(&mut live[step.inputs[0]], moved);
            }
            Work::Concat => {
                let mut rest = own.as_slice();
                for &input in &step.inputs {
                    let (here, after) = rest.split_at(live[input].len());
                    mark(&mut live[input], here.iter().copied());
                    rest = after;
                }
            }
            Work::Normalise { groups, .. } => {
                let size = own.len() / groups.unwrap_or(1);
                mark(&mut live[step.inputs[0]], blocks(&own, size));
            }
            Work::Softmax { .. } => mark(&mut live[step.inputs[0]], blocks(&own, own.len())),
            Work::Turn if own.contains(&true) => live[step.inputs[0]].fill(true),
            Work::Turn => {}
            Work::ChannelMean if own[0] => live[step.inputs[0]].fill(true),
            Work::ChannelMean => {}
            Work::Attention(attention) => {
                let size = own.len() / attention.heads;
                mark(&mut live[step.inputs[0]], blocks(&own, size));
                mark(&mut live[step.inputs[1]], blocks(&own, size));
                mark(&mut live[step.inputs[2]], own.iter().copied());
            }
            Work::Flatten => {
                let [rows, columns] = geometries[step.inputs[0]].size;
                let any = own.chunks(rows * columns).map(|features| features.contains(&true));
                mark(&mut live[step.inputs[0]], any);
            }
        }
        live[step.output] = own;
    }
}

/// For each unit whether anything reads a unit of its block of so many.
fn blocks(own: &[bool], size: usize) -> impl Iterator<Item = bool> + '_ {
    own.chunks(size).flat_map(|block| std::iter::repeat_n(block.contains(&true), block.len()))
}

fn mark(live: &mut [bool], also: impl Iterator<Item = bool>) {
    live.iter_mut().zip(also).for_each(|(live, also)| *live |= also);
}
