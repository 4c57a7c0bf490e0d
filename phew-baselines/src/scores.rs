//! Scores: one number for each prunable scalar, computed block by block when they are compared.

use phew_graph::ndarray::{Array1, ArrayD, CowArray, IxDyn};
use phew_graph::{Arch, ByTensor, TensorId, TensorSpec};

use crate::error::BaselineError;

/// `fill(tensor, start, block)`.
type Fill<'a> = dyn Fn(TensorId, usize, &mut [f64]) + Sync + 'a;

/// One score for each prunable scalar; the greatest are kept. Scalars are counted in the order of memory
/// ([`phew_graph::TensorShape`]).
///
/// A score is a function, not a table: the selection asks for blocks of a few thousand scalars that stay in
/// cache, so that a score that is cheap to compute never takes memory of its own.
pub struct Scores<'a> {
    fill: Box<Fill<'a>>,
}

impl std::fmt::Debug for Scores<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scores").finish_non_exhaustive()
    }
}

impl<'a> Scores<'a> {
    /// From the score of a prunable tensor's scalar, by its row-major index.
    pub fn from_fn(score: impl Fn(TensorId, usize) -> f64 + Sync + 'a) -> Self {
        Self::from_blocks(move |tensor, start, block| {
            for (i, s) in block.iter_mut().enumerate() {
                *s = score(tensor, start + i);
            }
        })
    }

    /// From a function that fills in the scores of consecutive scalars: `fill(tensor, start, block)`.
    pub fn from_blocks(fill: impl Fn(TensorId, usize, &mut [f64]) + Sync + 'a) -> Self {
        Self { fill: Box::new(fill) }
    }

    /// From one array for each prunable tensor, in the order of [`Arch::prunable`]: scores of one's own.
    ///
    /// Views are not copied, unless their memory is in another order than row-major.
    ///
    /// # Shapes
    /// Those of the tensors in files: convolutions `[out, in / groups, kh, kw]`, transposed ones `[in, out / groups, kh, kw]`,
    /// linear layers `[out, in]`.
    ///
    /// # Errors
    /// [`BaselineError::Shape`] for an array of another shape, [`BaselineError::Parameter`] if there are fewer or more
    /// arrays than tensors.
    ///
    /// # Examples
    /// ```
    /// use phew_graph::ndarray::Array2;
    /// use phew_baselines::{Counts, Scores, keep_highest};
    /// use phew_graph::{Mask, zoo};
    ///
    /// // The largest of three inputs of either unit.
    /// let arch = zoo::mlp(&[3, 2]).build()?;
    /// let mine = Array2::from_shape_vec((2, 3), vec![0.3, 0.1, 0.2, 4.0, 6.0, 5.0]).unwrap();
    /// let scores = Scores::from_arrays(&arch, [mine.view().into_dyn()])?;
    /// let mask = keep_highest(&scores, &Mask::dense(&arch), &Counts::Global(2))?;
    /// assert_eq!(mask.layers().as_slice()[0].iter().collect::<Vec<_>>(), [4, 5]);
    /// # Ok::<(), phew_baselines::BaselineError>(())
    /// ```
    pub fn from_arrays<A>(
        arch: &Arch,
        arrays: impl IntoIterator<Item = A>,
    ) -> Result<Self, BaselineError>
    where
        A: Into<CowArray<'a, f64, IxDyn>>,
    {
        let row_major = |array: CowArray<'a, f64, IxDyn>| match array.is_standard_layout() {
            true => array,
            false => CowArray::from(array.as_standard_layout().into_owned()),
        };
        let arrays: ByTensor<_> = arrays.into_iter().map(|array| row_major(array.into())).collect();
        let specs = arch.prunable();
        if arrays.len() != specs.len() {
            let expected = format!("one for each of the {} tensors", specs.len());
            return Err(BaselineError::parameter("number of score arrays", arrays.len(), expected));
        }
        for (spec, array) in specs.iter().zip(&arrays) {
            if array.shape() != spec.shape.in_files() {
                return Err(BaselineError::Shape {
                    what: "scores",
                    tensor: spec.name.clone(),
                    found: array.shape().to_vec(),
                    expected: spec.shape.in_files(),
                });
            }
        }
        let held = |(spec, array): (&TensorSpec, CowArray<'a, f64, IxDyn>)| match spec
            .shape
            .is_plain()
        {
            true => array,
            false => {
                let filed: Vec<f64> = array.iter().copied().collect();
                CowArray::from(Array1::from(spec.shape.to_memory(&filed).into_owned()).into_dyn())
            }
        };
        let arrays: ByTensor<_> = specs.iter().zip(Vec::from(arrays)).map(held).collect();
        Ok(Self::from_blocks(move |tensor, start, block| {
            let scores = arrays[tensor].as_slice().unwrap_or_else(|| unreachable!("row-major"));
            block.copy_from_slice(&scores[start..start + block.len()]);
        }))
    }

    /// All scores, as one array for each prunable tensor in its shape in files, in the order of [`Arch::prunable`].
    ///
    /// # Panics
    /// If the scores are of another architecture.
    #[must_use]
    pub fn to_arrays(&self, arch: &Arch) -> Vec<ArrayD<f64>> {
        let array = |(t, spec): (TensorId, &TensorSpec)| {
            let scores = spec.shape.to_files(&self.tensor(t, spec.len())).into_owned();
            ArrayD::from_shape_vec(spec.shape.in_files(), scores)
                .unwrap_or_else(|e| unreachable!("as many scores as scalars: {e}"))
        };
        arch.prunable().with_ids().map(array).collect()
    }

    /// The same scores with their sign turned: what was kept first goes first.
    #[must_use]
    pub fn negated(self) -> Self {
        Self::from_blocks(move |tensor, start, block| {
            self.block(tensor, start, block);
            block.iter_mut().for_each(|s| *s = -*s);
        })
    }

    /// Scores of the scalars from `start`, as many as the block holds.
    ///
    /// # Panics
    /// If the tensor or a scalar does not exist.
    pub fn block(&self, tensor: TensorId, start: usize, block: &mut [f64]) {
        (self.fill)(tensor, start, block);
    }

    /// Score of one scalar.
    ///
    /// # Panics
    /// If there is no such tensor or scalar.
    #[must_use]
    pub fn at(&self, tensor: TensorId, index: usize) -> f64 {
        let mut one = [0.0];
        self.block(tensor, index, &mut one);
        one[0]
    }

    /// Scores of a whole tensor of `len` scalars.
    ///
    /// # Panics
    /// If there is no such tensor or it is shorter.
    #[must_use]
    pub fn tensor(&self, tensor: TensorId, len: usize) -> Vec<f64> {
        let mut all = vec![0.0; len];
        self.block(tensor, 0, &mut all);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_single_scores_and_whole_tensors_agree() {
        let scores = Scores::from_fn(|t, i| (10 * t.index() + i) as f64);
        let [one, two] = [1, 2].map(TensorId::new);
        assert_eq!(scores.tensor(two, 3), [20.0, 21.0, 22.0]);
        assert_eq!(scores.at(one, 4).to_bits(), 14f64.to_bits());
        assert_eq!(scores.negated().tensor(one, 2), [-10.0, -11.0]);
    }

    #[test]
    fn arrays_in_any_memory_order_come_back_and_wrong_shapes_are_refused() {
        let arch = phew_graph::zoo::mlp(&[3, 2, 4]).build().unwrap();
        let first = phew_graph::ndarray::array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]].into_dyn();
        let turned =
            phew_graph::ndarray::array![[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]].reversed_axes();
        let second = turned.into_dyn();
        let views = || [first.view(), second.view()];
        let scores = Scores::from_arrays(&arch, views()).unwrap();
        assert_eq!(scores.to_arrays(&arch), views());
        assert_eq!(scores.tensor(TensorId::new(1), 3), [1.0, 5.0, 2.0]);
        assert!(Scores::from_arrays(&arch, [first.view()]).is_err());
        let error = Scores::from_arrays(&arch, [second.view(), first.view()]).unwrap_err();
        let text = "scores: found shape [4, 2] for `fc1.weight`, expected [2, 3]";
        assert_eq!(error.to_string(), text);
    }
}
