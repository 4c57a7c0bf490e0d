//! The inner loops, compiled for the widest vectors that the machine has.

mod activation_gradient;
mod attention;
mod bands;
mod batch_norm;
mod gradients;
mod lane_sums;
mod move_units;
mod over_units;
mod planes;
mod pointwise;
mod pool;
mod pool_gradient;
mod tiles;
mod weight_gradient;
mod weighted;

pub(super) use activation_gradient::activation_gradient;
pub(super) use attention::attention;
pub(super) use bands::weighted_in_bands;
pub(super) use batch_norm::{Slopes, gradient_sums, moments, normalise, normalise_gradient};
pub(super) use gradients::{
    add_gradient, concat_gradient, flatten_gradient, relu_gradient, spread, unit_sums,
};
pub(super) use move_units::{
    concat, crop, flatten, join, pad, part, shuffle, shuffled, slice, tokens, turn,
};
pub(super) use over_units::{channel_mean, group_norm, layer_norm, softmax};
pub(super) use pointwise::{activate, affine, product, shift, sum};
pub(super) use pool::{avg_pool, max_pool};
pub(super) use pool_gradient::{avg_pool_gradient, max_pool_gradient};
pub(super) use tiles::tiles_apart;
pub(super) use weight_gradient::weight_gradient;
pub(super) use weighted::{Add, After, weighted};

use super::geometry::Geometry;

/// A value to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'b> {
    pub(super) numbers: &'b [f32],
    pub(super) geometry: Geometry,
}

impl<'b> Source<'b> {
    /// The same from a row on.
    pub(super) fn below(self, row: usize) -> Source<'b> {
        let first = row * self.geometry.down() * self.geometry.lanes();
        Source { numbers: &self.numbers[first..], ..self }
    }
}

/// A value to write.
#[derive(Debug)]
pub(super) struct Target<'b> {
    pub(super) numbers: &'b mut [f32],
    pub(super) geometry: Geometry,
}
