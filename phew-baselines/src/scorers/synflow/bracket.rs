//! Brackets round the threshold of a step, and what a search of a block finds below and inside one.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Scores from `low` to `high`, both included, among which the threshold is looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bracket {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Bracket {
    /// All scores.
    pub(super) const EVERYTHING: Self = Self { low: 0.0, high: f64::INFINITY };
}

/// The lowest scoring weights of a block.
#[derive(Default)]
pub(super) struct Lowest {
    /// Places of the weights below the bracket.
    pub(super) below: Vec<u32>,
    /// Scores inside it, with their places.
    pub(super) inside: Vec<(f64, u32)>,
}

impl Lowest {
    pub(super) fn clear(&mut self) {
        self.below.clear();
        self.inside.clear();
    }
}

/// How many scores inside a bracket are too many: the bracket is useless then, and the search stops.
pub(super) struct Limit {
    most: usize,
    found: AtomicUsize,
}

impl Limit {
    pub(super) fn new(most: usize) -> Self {
        Self { most, found: AtomicUsize::new(0) }
    }

    /// Whether more was found than is allowed.
    pub(super) fn exceeded(&self) -> bool {
        self.found.load(Ordering::Relaxed) > self.most
    }

    pub(super) fn add(&self, found: usize) {
        self.found.fetch_add(found, Ordering::Relaxed);
    }
}
