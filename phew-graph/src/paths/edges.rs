//! What an edge is worth in a path sum: a function of its weight, and whether the mask keeps it.

use crate::by_id::ByTensor;
use crate::ids::TensorId;
use crate::mask::Mask;

/// Value f(w) of an edge in a path sum.
///
/// ```
/// use phew_graph::{EdgeValue, TensorId};
/// /// The fourth power.
/// #[derive(Clone, Copy)]
/// struct Fourth;
/// impl EdgeValue for Fourth {
///     fn value(&self, _tensor: TensorId, _index: usize, weight: f32) -> f64 {
///         f64::from(weight).powi(4)
///     }
/// }
/// ```
pub trait EdgeValue: Sync {
    /// Value of scalar `index` of a prunable tensor, whose weight is `weight`.
    fn value(&self, tensor: TensorId, index: usize, weight: f32) -> f64;
}

/// 1 for every edge: sums count paths.
#[derive(Clone, Copy, Debug)]
pub struct One;

/// |w|: sums are the SynFlow objective Σ|π|.
#[derive(Clone, Copy, Debug)]
pub struct Abs;

/// w²: sums are the SynFlow-L2 objective Σπ².
#[derive(Clone, Copy, Debug)]
pub struct Square;

/// 1 where w ≠ 0: sums count effective paths.
#[derive(Clone, Copy, Debug)]
pub struct NonZero;

impl EdgeValue for One {
    #[inline]
    fn value(&self, _: TensorId, _: usize, _: f32) -> f64 {
        1.0
    }
}

impl EdgeValue for Abs {
    #[inline]
    fn value(&self, _: TensorId, _: usize, weight: f32) -> f64 {
        f64::from(weight.abs())
    }
}

impl EdgeValue for Square {
    #[inline]
    fn value(&self, _: TensorId, _: usize, weight: f32) -> f64 {
        f64::from(weight) * f64::from(weight)
    }
}

impl EdgeValue for NonZero {
    #[inline]
    fn value(&self, _: TensorId, _: usize, weight: f32) -> f64 {
        f64::from(u8::from(weight != 0.0))
    }
}

/// The edges of a network as a path sum sees them.
#[derive(Clone, Copy, Debug)]
pub struct Edges<'a, E> {
    /// `None`: every weight counts as 1.
    pub(crate) weights: Option<&'a ByTensor<&'a [f32]>>,
    pub(crate) mask: Option<&'a Mask>,
    pub(crate) value: E,
}

impl<'a, E: EdgeValue> Edges<'a, E> {
    /// All edges: `weights` are those of [`crate::Network::weights`], say.
    pub fn new(weights: &'a ByTensor<&'a [f32]>, value: E) -> Self {
        Self { weights: Some(weights), mask: None, value }
    }

    /// Only the edges that `mask` keeps.
    #[must_use]
    pub fn masked(self, mask: &'a Mask) -> Self {
        Self { mask: Some(mask), ..self }
    }

    /// As [`Edges::masked`], where a mask is given.
    #[must_use]
    pub fn masked_by(self, mask: Option<&'a Mask>) -> Self {
        Self { mask, ..self }
    }

    /// Value of one edge: 0 where the mask prunes it.
    ///
    /// # Panics
    /// If there is no such tensor or scalar.
    #[must_use]
    pub fn value(&self, tensor: TensorId, index: usize) -> f64 {
        match self.mask {
            Some(mask) if !mask.layer(tensor).get(index) => 0.0,
            _ => self.value.value(tensor, index, self.weights.map_or(1.0, |w| w[tensor][index])),
        }
    }
}

impl Edges<'_, One> {
    /// All edges of the architecture, each worth 1, without any weights.
    #[must_use]
    pub fn structure() -> Self {
        Self { weights: None, mask: None, value: One }
    }
}
