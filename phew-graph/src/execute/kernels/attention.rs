//! Attention of several heads.

use super::pointwise::{row, row_mut};
use super::{Source, Target};
use crate::arch::op::Attention;
use crate::execute::geometry::{LANES, Layout};

/// `softmax(scale · QᵀK) V` for each head, of queries, keys and values; sums in the order of units and of positions.
pub(in crate::execute) fn attention(
    of: &Attention,
    inputs: [Source<'_>; 3],
    output: &mut Target<'_>,
) {
    match output.geometry.layout {
        Layout::Inputs => each_head::<LANES>(of, inputs, output),
        Layout::Positions => each_head::<1>(of, inputs, output),
    }
}

fn each_head<const LANES: usize>(
    of: &Attention,
    [query, key, value]: [Source<'_>; 3],
    output: &mut Target<'_>,
) {
    let to = output.geometry;
    let size = to.units / of.heads;
    let scale = of.scale.unwrap_or_else(|| 1.0 / (size as f64).sqrt()) as f32;
    let [rows, columns] = to.size;
    let [key_rows, key_columns] = key.geometry.size;
    let mut scores = vec![[0.0; LANES]; key_rows * key_columns];
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for head in 0..of.heads {
                let units = head * size..(head + 1) * size;
                for position in 0..rows * columns {
                    let (y, x) = (position / columns, position % columns);
                    let seen =
                        if of.causal { scores.len().min(position + 1) } else { scores.len() };
                    let scores = &mut scores[..seen];
                    scores.fill([0.0; LANES]);
                    for unit in units.clone() {
                        let own = row(query.numbers, query.geometry, unit, y);
                        let own = &own.as_chunks::<LANES>().0[x];
                        for (scores, key) in along::<LANES>(scores, key, unit) {
                            for (score, key) in scores.iter_mut().zip(key) {
                                for lane in 0..LANES {
                                    score[lane] += scale * own[lane] * key[lane];
                                }
                            }
                        }
                    }
                    softmax(scores);
                    for unit in units.clone() {
                        let mut sum = [0.0; LANES];
                        for (shares, value) in along::<LANES>(scores, value, unit) {
                            for (share, value) in shares.iter().zip(value) {
                                for lane in 0..LANES {
                                    sum[lane] += share[lane] * value[lane];
                                }
                            }
                        }
                        let there = row_mut(output.numbers, to, unit, y);
                        there.as_chunks_mut::<LANES>().0[x] = sum;
                    }
                }
            }
        },
    );
}

/// What belongs to the rows of a unit's map, beside these rows.
#[inline(always)]
fn along<'a, const LANES: usize>(
    all: &'a mut [[f32; LANES]],
    of: Source<'a>,
    unit: usize,
) -> impl Iterator<Item = (&'a mut [[f32; LANES]], &'a [[f32; LANES]])> {
    let rows = all.chunks_mut(of.geometry.size[1]).enumerate();
    rows.map(move |(y, all)| (all, row(of.numbers, of.geometry, unit, y).as_chunks::<LANES>().0))
}

#[inline(always)]
fn softmax<const LANES: usize>(scores: &mut [[f32; LANES]]) {
    for lane in 0..LANES {
        let most = scores.iter().fold(f32::NEG_INFINITY, |most, score| most.max(score[lane]));
        let mut sum = 0.0;
        for score in &mut *scores {
            score[lane] = libm::expf(score[lane] - most);
            sum += score[lane];
        }
        scores.iter_mut().for_each(|score| score[lane] /= sum);
    }
}
