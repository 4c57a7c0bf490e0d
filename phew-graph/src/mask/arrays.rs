//! Masks from and to ndarray's boolean arrays.

use ndarray::{ArrayD, ArrayView, Dimension};

use super::{LayerMask, Mask};
use crate::arch::Arch;
use crate::error::GraphError;

impl LayerMask {
    /// Keeps the scalars where an array of the tensor's shape is true. Its shape is that of the array, as files have it:
    /// [`Mask::in_order_of`] takes it to the order of an architecture.
    ///
    /// ```
    /// use phew_graph::{LayerMask, ndarray::array};
    ///
    /// let kept = array![[true, false], [false, true], [false, false]];
    /// let layer = LayerMask::from_array("fc.weight", kept.view());
    /// assert_eq!((&layer.shape()[..], layer.kept()), (&[3, 2][..], 2));
    /// assert_eq!(layer.to_array(), kept.into_dyn());
    /// ```
    #[must_use]
    pub fn from_array<D: Dimension>(name: &str, kept: ArrayView<'_, bool, D>) -> Self {
        match kept.as_slice() {
            Some(flat) => Self::from_fn(name, kept.shape(), |i| flat[i]),
            None => {
                let flat: Vec<bool> = kept.iter().copied().collect();
                Self::from_fn(name, kept.shape(), |i| flat[i])
            }
        }
    }

    /// An array of the tensor's shape in files that is true where a scalar is kept.
    #[must_use]
    pub fn to_array(&self) -> ArrayD<bool> {
        let filed = self.in_files();
        let kept = (0..filed.len()).map(|i| filed.get(i)).collect();
        ArrayD::from_shape_vec(&filed.shape()[..], kept)
            .unwrap_or_else(|e| unreachable!("a bit for each scalar: {e}"))
    }
}

impl Mask {
    /// From boolean arrays by the weights' names.
    ///
    /// # Shapes
    /// Those of [`Arch::prunable`] in files.
    ///
    /// # Errors
    /// [`GraphError::Missing`], [`GraphError::Extra`], [`GraphError::TensorShape`], each with the tensor.
    ///
    /// # Examples
    /// ```
    /// use phew_graph::{Mask, ndarray::array, zoo};
    ///
    /// let arch = zoo::mlp(&[2, 3]).build()?;
    /// let kept = array![[true, false], [false, true], [false, false]].into_dyn();
    /// let mask = Mask::from_arrays(&arch, [("fc1.weight", kept.view())])?;
    /// assert_eq!(mask.kept(), 2);
    /// let (name, back) = mask.arrays().next().unwrap();
    /// assert_eq!((name, back), ("fc1.weight", kept));
    /// # Ok::<(), phew_graph::GraphError>(())
    /// ```
    pub fn from_arrays<'a, N: AsRef<str>, D: Dimension>(
        arch: &Arch,
        arrays: impl IntoIterator<Item = (N, ArrayView<'a, bool, D>)>,
    ) -> Result<Self, GraphError> {
        let layer = |(name, kept): (N, _)| LayerMask::from_array(name.as_ref(), kept);
        let layers = arrays.into_iter().map(layer).collect();
        Self::from_layers(layers).in_order_of(arch, "arrays")
    }

    /// Every tensor as a boolean array by its name, in the order of the tensors.
    pub fn arrays(&self) -> impl Iterator<Item = (&str, ArrayD<bool>)> {
        self.layers().iter().map(|layer| (layer.name(), layer.to_array()))
    }
}
