//! The shape of a tensor: as it lies in memory, and as state dicts have it.

use std::borrow::Cow;
use std::ops::Deref;

/// The sizes of a tensor in memory, and the order in which files and arrays have the same scalars.
///
/// In memory, which is what flat slices of weights, masks and scores show, a prunable weight begins with the units that it
/// leads to: `[out, in / groups, …]`, of which this is a slice. Nearly all state dicts have it so too. PyTorch's transposed
/// convolutions do not: their weight is `[in, out / groups, …]`. Whatever comes from a file or an array, or goes there, passes
/// [`TensorShape::to_memory`] or [`TensorShape::to_files`]; masks, scores and weights all carry the shape that knows how.
///
/// ```
/// use phew_graph::TensorShape;
///
/// // Two groups of two outputs and one input: [out, in / groups] and [in, out / groups].
/// let shape = TensorShape::inputs_first(vec![4, 1], 2);
/// assert_eq!((&shape[..], shape.in_files()), (&[4, 1][..], vec![2, 2]));
/// // A plain shape is the same in both.
/// assert_eq!(TensorShape::from(&[4, 1]).in_files(), [4, 1]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TensorShape {
    sizes: Vec<usize>,
    order: Order,
}

/// How files have the scalars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Order {
    /// As memory has them.
    Same,
    /// Inputs and outputs of each group exchanged.
    InputsFirst { groups: usize },
}

impl TensorShape {
    /// A shape `[out, in / groups, …]` of which files have `[in, out / groups, …]`: a transposed convolution's.
    ///
    /// # Panics
    /// If there are fewer than two sizes, or the groups do not divide the first.
    #[must_use]
    pub fn inputs_first(sizes: Vec<usize>, groups: usize) -> Self {
        assert!(sizes.len() >= 2, "outputs and inputs, of {sizes:?}");
        assert!(groups > 0 && sizes[0].is_multiple_of(groups), "{groups} groups of {sizes:?}");
        Self { sizes, order: Order::InputsFirst { groups } }
    }

    /// Whether files have the scalars as memory does.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.order == Order::Same
    }

    /// Number of scalars.
    #[must_use]
    pub fn scalars(&self) -> usize {
        self.sizes.iter().product()
    }

    /// The sizes that state dicts, files and arrays have.
    #[must_use]
    pub fn in_files(&self) -> Vec<usize> {
        match self.order {
            Order::Same => self.sizes.clone(),
            Order::InputsFirst { groups } => {
                let mut sizes = self.sizes.clone();
                (sizes[0], sizes[1]) = (sizes[1] * groups, sizes[0] / groups);
                sizes
            }
        }
    }

    /// Groups, outputs and inputs of a group, and scalars of a kernel, where the order is another.
    fn blocks(&self) -> Option<[usize; 4]> {
        let Order::InputsFirst { groups } = self.order else { return None };
        let kernel = self.sizes[2..].iter().product();
        Some([groups, self.sizes[0] / groups, self.sizes[1], kernel])
    }

    /// The values of a tensor in the order of files, from those in memory. Nothing is copied if that is the same.
    ///
    /// # Panics
    /// If there are not as many values as scalars.
    #[must_use]
    pub fn to_files<'a, T: Copy>(&self, values: &'a [T]) -> Cow<'a, [T]> {
        assert_eq!(values.len(), self.scalars(), "a value for each scalar");
        match self.blocks() {
            None => Cow::Borrowed(values),
            Some([_, outputs, inputs, kernel]) => exchanged(values, [outputs, inputs, kernel]),
        }
    }

    /// The values of a tensor in the order of memory, from those of a file. Nothing is copied if that is the same.
    ///
    /// # Panics
    /// If there are not as many values as scalars.
    #[must_use]
    pub fn to_memory<'a, T: Copy>(&self, values: &'a [T]) -> Cow<'a, [T]> {
        assert_eq!(values.len(), self.scalars(), "a value for each scalar");
        match self.blocks() {
            None => Cow::Borrowed(values),
            Some([_, outputs, inputs, kernel]) => exchanged(values, [inputs, outputs, kernel]),
        }
    }

    /// The place in files of a scalar by its place in memory.
    #[must_use]
    pub fn place_in_files(&self, index: usize) -> usize {
        let Some([_, outputs, inputs, kernel]) = self.blocks() else { return index };
        let (pair, scalar) = (index / kernel, index % kernel);
        let (output, input) = (pair / inputs, pair % inputs);
        let (group, output) = (output / outputs, output % outputs);
        ((group * inputs + input) * outputs + output) * kernel + scalar
    }
}

/// Of each block of `rows · columns` kernels the matrix transposed.
fn exchanged<T: Copy>(values: &[T], [rows, columns, kernel]: [usize; 3]) -> Cow<'_, [T]> {
    let mut all = Vec::with_capacity(values.len());
    for block in values.chunks(rows * columns * kernel) {
        for column in 0..columns {
            for row in 0..rows {
                let first = (row * columns + column) * kernel;
                all.extend_from_slice(&block[first..first + kernel]);
            }
        }
    }
    Cow::Owned(all)
}

impl Deref for TensorShape {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        &self.sizes
    }
}

impl From<Vec<usize>> for TensorShape {
    fn from(sizes: Vec<usize>) -> Self {
        Self { sizes, order: Order::Same }
    }
}

impl From<&[usize]> for TensorShape {
    fn from(sizes: &[usize]) -> Self {
        sizes.to_vec().into()
    }
}

impl<const N: usize> From<&[usize; N]> for TensorShape {
    fn from(sizes: &[usize; N]) -> Self {
        sizes.to_vec().into()
    }
}

impl From<&TensorShape> for TensorShape {
    fn from(shape: &TensorShape) -> Self {
        shape.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_shape_changes_nothing() {
        let shape = TensorShape::from(&[2, 3]);
        assert!(shape.is_plain());
        assert!(matches!(shape.to_files(&[1, 2, 3, 4, 5, 6]), Cow::Borrowed([1, 2, 3, 4, 5, 6])));
        assert!((0..6).all(|i| shape.place_in_files(i) == i));
    }

    #[test]
    fn outputs_and_inputs_of_a_group_change_places_and_back() {
        // One group of 2 outputs and 3 inputs with kernels of two: written as output, input, scalar.
        let shape = TensorShape::inputs_first(vec![2, 3, 2], 1);
        let held = [10, 11, 20, 21, 30, 31, 110, 111, 120, 121, 130, 131];
        let filed = [10, 11, 110, 111, 20, 21, 120, 121, 30, 31, 130, 131];
        assert_eq!(shape.in_files(), [3, 2, 2]);
        assert_eq!(*shape.to_files(&held), filed);
        assert_eq!(*shape.to_memory(&filed), held);
    }

    #[test]
    fn places_are_those_of_the_values_in_groups_and_square_shapes_too() {
        for (sizes, groups) in
            [(vec![6, 2, 3], 2), (vec![4, 4], 1), (vec![4, 1, 2, 2], 4), (vec![6, 3, 1], 3)]
        {
            let shape = TensorShape::inputs_first(sizes, groups);
            let held: Vec<usize> = (0..shape.scalars()).collect();
            let filed = shape.to_files(&held);
            assert_eq!(*shape.to_memory(&filed), held);
            for &index in &held {
                assert_eq!(filed[shape.place_in_files(index)], index);
                // By hand: group, output and input of a group, and scalar.
                let [_, outputs, inputs, kernel] = shape.blocks().unwrap();
                let (output, input) = (index / kernel / inputs, index / kernel % inputs);
                let row = output / outputs * inputs + input;
                let place = (row * outputs + output % outputs) * kernel + index % kernel;
                assert_eq!(shape.place_in_files(index), place);
            }
        }
    }
}
