//! Weights from and to ndarray's arrays, by name.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use ndarray::{ArrayD, ArrayViewD, CowArray, IxDyn};

use super::Network;
use super::check::{Extra, check_names};
use super::network::initial;
use super::storage::Values;
use crate::arch::{Arch, TensorSpec};
use crate::error::GraphError;

/// What errors call arrays.
const ORIGIN: &str = "arrays";

impl Network {
    /// A network of arrays by their state-dict names: weights of one's own.
    ///
    /// Owned arrays (`ArrayD`) in row-major order are taken without a copy; views (`ArrayViewD`) and arrays in any other
    /// memory order are copied. Arrays of a fixed number of dimensions become such by `into_dyn`. A batch normalisation
    /// of which there is no array at all takes its initial values.
    ///
    /// # Shapes
    /// Those of [`Arch::prunable`] and [`Arch::auxiliary`] in files: convolutions `[out, in / groups, kh, kw]`, transposed ones
    /// `[in, out / groups, kh, kw]`, linear layers `[out, in]`.
    ///
    /// # Errors
    /// [`GraphError::Missing`], [`GraphError::Extra`], [`GraphError::TensorShape`], [`GraphError::NotFinite`], each with
    /// the tensor; [`GraphError::Parameter`] if a name comes twice.
    ///
    /// # Examples
    /// ```
    /// use phew_graph::ndarray::{Array1, array};
    /// use phew_graph::{Extra, Network, zoo};
    ///
    /// let arrays = [
    ///     ("fc1.weight", array![[1.0, 0.0, 2.0], [0.5, -1.0, 0.0]].into_dyn()),
    ///     ("fc1.bias", Array1::zeros(2).into_dyn()),
    /// ];
    /// let network = Network::from_arrays(zoo::mlp(&[3, 2]).build()?, arrays, Extra::Refuse)?;
    /// assert_eq!(network.view("fc1.weight").unwrap()[[1, 1]], -1.0);
    /// # Ok::<(), phew_graph::GraphError>(())
    /// ```
    pub fn from_arrays<'a, N, A>(
        arch: impl Into<Arc<Arch>>,
        arrays: impl IntoIterator<Item = (N, A)>,
        extra: Extra,
    ) -> Result<Self, GraphError>
    where
        N: Into<String>,
        A: Into<CowArray<'a, f32, IxDyn>>,
    {
        let arch = arch.into();
        let mut found: BTreeMap<String, CowArray<'a, f32, IxDyn>> = BTreeMap::new();
        for (name, array) in arrays {
            let name = name.into();
            if found.contains_key(&name) {
                let expected = "each name once";
                return Err(GraphError::Parameter { name: "arrays", found: name, expected });
            }
            found.insert(name, array.into());
        }
        check_names(ORIGIN, &arch, found.keys().map(String::as_str), extra)?;
        let mut tensor = |spec: &TensorSpec| match found.remove(&spec.name) {
            Some(array) => values(Some(spec), array),
            None => Ok(initial(spec)),
        };
        let weights = arch.prunable().iter().map(&mut tensor).collect::<Result<_, _>>()?;
        let auxiliary = arch.auxiliary().iter().map(&mut tensor).collect::<Result<_, _>>()?;
        Self::checked(arch, ORIGIN, weights, auxiliary)
    }

    /// The same network with other prunable weights, in the order of [`Arch::prunable`].
    ///
    /// # Errors
    /// As [`Network::with_weights`]; [`GraphError::TensorShape`] for another shape even if it has as many scalars.
    pub fn with_arrays<'a, A>(
        &self,
        arrays: impl IntoIterator<Item = A>,
    ) -> Result<Self, GraphError>
    where
        A: Into<CowArray<'a, f32, IxDyn>>,
    {
        let specs = self.arch().prunable().iter().map(Some).chain(std::iter::repeat(None));
        let weights = specs.zip(arrays).map(|(spec, array)| values(spec, array.into()));
        self.replaced(ORIGIN, weights.collect::<Result<_, _>>()?)
    }

    /// Every tensor by its state-dict name, in its shape there: the prunable ones first. Nothing is copied but what state dicts
    /// have in another order, the weights of transposed convolutions.
    pub fn arrays(&self) -> impl Iterator<Item = (&str, CowArray<'_, f32, IxDyn>)> {
        self.tensors().map(|(spec, values)| (spec.name.as_str(), shaped(spec, values)))
    }

    /// A tensor by its state-dict name, in its shape there, as [`Network::arrays`] has it.
    #[must_use]
    pub fn view(&self, name: &str) -> Option<CowArray<'_, f32, IxDyn>> {
        let (spec, values) = self.tensors().find(|(spec, _)| spec.name == name)?;
        Some(shaped(spec, values))
    }
}

/// The values of a tensor in its shape in state dicts.
fn shaped<'a>(spec: &TensorSpec, values: &'a [f32]) -> CowArray<'a, f32, IxDyn> {
    let sizes = spec.shape.in_files();
    let array = match spec.shape.to_files(values) {
        Cow::Borrowed(values) => ArrayViewD::from_shape(sizes, values).map(CowArray::from),
        Cow::Owned(values) => ArrayD::from_shape_vec(sizes, values).map(CowArray::from),
    };
    array.unwrap_or_else(|e| unreachable!("the number of values was checked: {e}"))
}

/// The values of an array in the order of memory, if it has the shape of its tensor; one too many is counted later.
fn values(
    spec: Option<&TensorSpec>,
    array: CowArray<'_, f32, IxDyn>,
) -> Result<Values, GraphError> {
    if let Some(spec) = spec.filter(|spec| array.shape() != spec.shape.in_files()) {
        return Err(GraphError::TensorShape {
            origin: ORIGIN.to_owned(),
            name: spec.name.clone(),
            found: array.shape().to_vec(),
            expected: spec.shape.in_files(),
        });
    }
    if let Some(spec) = spec.filter(|spec| !spec.shape.is_plain()) {
        let filed: Vec<f32> = array.iter().copied().collect();
        return Ok(spec.shape.to_memory(&filed).into_owned().into());
    }
    if array.is_view() || !array.is_standard_layout() {
        return Ok(array.iter().copied().collect::<Vec<f32>>().into());
    }
    let len = array.len();
    let (mut values, offset) = array.into_owned().into_raw_vec_and_offset();
    // A slice of a larger array brings all of it.
    let start = offset.unwrap_or(0);
    values.truncate(start + len);
    values.drain(..start);
    Ok(values.into())
}
