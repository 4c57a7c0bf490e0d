//! Derivatives of the sum over all paths by the values of edges.

use super::graph::Weighted;

/// `∂ total / ∂ f(w)`, over the total, for the scalars of one tensor: a product of a source and a target factor.
#[derive(Clone, Copy, Debug)]
pub struct Derivatives<'a> {
    pub(super) shape: Weighted,
    /// Factor of each source unit.
    pub source: &'a [f64],
    /// Factor of each target unit.
    pub target: &'a [f64],
    /// Common factor.
    pub factor: f64,
}

impl Derivatives<'_> {
    /// The derivative by one scalar's value.
    ///
    /// # Panics
    /// If there is no such scalar.
    #[must_use]
    pub fn at(&self, index: usize) -> f64 {
        let (source, target) = self.shape.ends(index);
        self.source[source] * self.target[target] * self.factor
    }
}
