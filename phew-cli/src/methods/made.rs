//! A mask that a method made, with what there is to say about it.

use std::collections::BTreeMap;

use phew_graph::Mask;
use serde::Serialize;
use serde_json::Value;

/// A mask, and how it was made.
#[derive(Debug)]
pub(crate) struct Made {
    /// What is kept.
    pub(crate) mask: Mask,
    /// Density asked for, or what so many paths came to.
    pub(crate) density: f64,
    /// The method's parameters, as the mask's metadata has them.
    pub(crate) parameters: BTreeMap<String, Value>,
    /// What only some methods have to say.
    pub(crate) how: How,
    /// Seconds by phase, in the order of the phases.
    pub(crate) phases: Vec<(&'static str, f64)>,
}

/// How a mask was made.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum How {
    /// By walks.
    Walks {
        /// Weights to keep.
        target: usize,
        /// Walks made.
        walks: u64,
        /// Of the walks, those drawn in batches.
        bulk_walks: u64,
        /// Weights kept beyond the target.
        overshoot: usize,
        /// Walks a second.
        walks_per_second: f64,
        /// Weights kept a second.
        weights_per_second: f64,
    },
    /// By sets of paths.
    Paths {
        /// Paths.
        paths: usize,
        /// Natural logarithm of the first path's product.
        ln_product_first: f64,
        /// Of the last one's.
        ln_product_last: f64,
        /// What the products are of.
        #[serde(skip)]
        of: &'static str,
    },
    /// By scores.
    Scores {
        /// Steps.
        steps: usize,
    },
}
