//! What an operator does to the path graph.

use crate::paths::wiring::Wiring;

/// What an operator does to the path graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Its output is the layer where paths start.
    Start,
    /// Its output belongs to the layer that it reads.
    Within,
    /// Its output is a new layer; every scalar of its weight `[out, in / groups, …]` is one edge from the layer that
    /// it reads.
    Weighted {
        /// Blocks of the weight: each output unit sees the input units of its group.
        groups: usize,
        /// Scalars that join two units.
        kernel: usize,
    },
    /// Its output is a new layer: the sum of so many inputs, which are each other's skips.
    Sum(usize),
    /// Its output is a new layer, with a parameter-free connection from the layer of each input.
    Free(Vec<Wiring>),
}
