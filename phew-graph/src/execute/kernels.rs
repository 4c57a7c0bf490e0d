//! The inner loops, compiled for the widest vectors that the machine has.

mod attention;
mod move_units;
mod over_units;
mod planes;
mod pointwise;
mod pool;
mod weighted;

pub(super) use attention::attention;
pub(super) use move_units::{
    concat, crop, flatten, pad, part, shuffle, shuffled, slice, tokens, turn,
};
pub(super) use over_units::{channel_mean, group_norm, layer_norm, softmax};
pub(super) use pointwise::{activate, affine, product, shift, sum};
pub(super) use pool::{avg_pool, max_pool};
pub(super) use weighted::{After, weighted};

use super::geometry::Geometry;

/// A value to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'b> {
    pub(super) numbers: &'b [f32],
    pub(super) geometry: Geometry,
}

/// A value to write.
#[derive(Debug)]
pub(super) struct Target<'b> {
    pub(super) numbers: &'b mut [f32],
    pub(super) geometry: Geometry,
}
