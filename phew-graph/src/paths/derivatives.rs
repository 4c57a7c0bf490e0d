//! Derivatives of the sum over all paths by the values of edges.

use super::graph::Weighted;

/// `∂ total / ∂ f(w)`, over the total, for the scalars of one tensor: the sum over the tensor's uses.
#[derive(Clone, Debug)]
pub struct Derivatives<'a> {
    pub(super) shape: Weighted,
    pub(super) uses: Vec<UseDerivatives<'a>>,
}

/// What one use of a tensor adds to the derivatives: a product of a source and a target factor.
#[derive(Clone, Copy, Debug)]
pub struct UseDerivatives<'a> {
    /// Factor of each source unit.
    pub source: &'a [f64],
    /// Factor of each target unit.
    pub target: &'a [f64],
    /// Common factor.
    pub factor: f64,
}

impl<'a> Derivatives<'a> {
    /// The terms of the sum: one, unless several operators share the tensor.
    #[must_use]
    pub fn uses(&self) -> &[UseDerivatives<'a>] {
        &self.uses
    }

    /// The derivative by one scalar's value.
    ///
    /// # Panics
    /// If there is no such scalar.
    #[must_use]
    pub fn at(&self, index: usize) -> f64 {
        let (source, target) = self.shape.ends(index);
        self.uses.iter().map(|u| u.source[source] * u.target[target] * u.factor).sum()
    }
}
