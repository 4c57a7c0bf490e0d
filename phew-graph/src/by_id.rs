//! A value for each layer, connection or tensor.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut, Index, IndexMut};

use rayon::iter::{FromParallelIterator, IntoParallelIterator};

use crate::ids::{ConnectionId, Id, LayerId, TensorId};

/// A value for each layer of a path graph.
pub type ByLayer<T> = ById<LayerId, T>;

/// A value for each connection of a path graph.
pub type ByConnection<T> = ById<ConnectionId, T>;

/// A value for each prunable tensor of an architecture.
pub type ByTensor<T> = ById<TensorId, T>;

/// A vector that is indexed by identities of one kind, and by nothing else.
///
/// It is a slice besides: `iter`, `len`, `last`, and wherever a slice is wanted.
///
/// ```
/// use phew_graph::{Direction, PathGraph, zoo};
///
/// let graph = PathGraph::new(&zoo::mlp(&[784, 300, 10]).build()?);
/// for (layer, there) in graph.layers().with_ids() {
///     println!("layer {layer}: {} units", there.units);
/// }
/// let tensor = graph.tensors().next().unwrap();
/// let target = graph.uses(tensor).next().unwrap().target;
/// assert_eq!((graph[target].units, graph.layers()[target].units), (300, 300));
/// # Ok::<(), phew_graph::GraphError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ById<I, T> {
    values: Vec<T>,
    id: PhantomData<I>,
}

impl<I: Id, T> ById<I, T> {
    /// All identities, in order.
    #[must_use]
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = I> + ExactSizeIterator + use<I, T> {
        (0..self.values.len()).map(I::new)
    }

    /// All values, each with its identity.
    #[must_use]
    pub fn with_ids(&self) -> impl DoubleEndedIterator<Item = (I, &T)> + ExactSizeIterator {
        self.ids().zip(&self.values)
    }

    /// The values as a slice.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.values
    }

    /// Appends a value; its identity.
    pub(crate) fn push(&mut self, value: T) -> I {
        self.values.push(value);
        I::new(self.values.len() - 1)
    }
}

impl<I: Id, T> Index<I> for ById<I, T> {
    type Output = T;

    #[inline]
    fn index(&self, id: I) -> &T {
        &self.values[id.index()]
    }
}

impl<I: Id, T> IndexMut<I> for ById<I, T> {
    #[inline]
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.values[id.index()]
    }
}

impl<I, T> Deref for ById<I, T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        &self.values
    }
}

impl<I, T> DerefMut for ById<I, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values
    }
}

impl<I, T> From<Vec<T>> for ById<I, T> {
    fn from(values: Vec<T>) -> Self {
        Self { values, id: PhantomData }
    }
}

impl<I, T> From<ById<I, T>> for Vec<T> {
    fn from(by_id: ById<I, T>) -> Self {
        by_id.values
    }
}

impl<I, T> FromIterator<T> for ById<I, T> {
    fn from_iter<V: IntoIterator<Item = T>>(values: V) -> Self {
        values.into_iter().collect::<Vec<T>>().into()
    }
}

impl<I, T> IntoIterator for ById<I, T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.into_iter()
    }
}

impl<'a, I, T> IntoIterator for &'a ById<I, T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.iter()
    }
}

impl<'a, I, T> IntoIterator for &'a mut ById<I, T> {
    type Item = &'a mut T;
    type IntoIter = std::slice::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.iter_mut()
    }
}

impl<I: Send, T: Send> FromParallelIterator<T> for ById<I, T> {
    fn from_par_iter<V: IntoParallelIterator<Item = T>>(values: V) -> Self {
        Vec::from_par_iter(values).into()
    }
}

impl<I: Send, T: Send> IntoParallelIterator for ById<I, T> {
    type Item = T;
    type Iter = rayon::vec::IntoIter<T>;

    fn into_par_iter(self) -> Self::Iter {
        self.values.into_par_iter()
    }
}

impl<'a, I, T: Sync> IntoParallelIterator for &'a ById<I, T> {
    type Item = &'a T;
    type Iter = rayon::slice::Iter<'a, T>;

    fn into_par_iter(self) -> Self::Iter {
        self.values.into_par_iter()
    }
}
