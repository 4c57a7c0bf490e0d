//! Scores: one number for each prunable scalar, computed block by block when they are compared.

/// `fill(tensor, start, block)`.
type Fill<'a> = dyn Fn(usize, usize, &mut [f64]) + Sync + 'a;

/// One score for each prunable scalar; the greatest are kept.
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
    /// From the score of scalar `index` (row-major) of prunable tensor `tensor`.
    pub fn from_fn(score: impl Fn(usize, usize) -> f64 + Sync + 'a) -> Self {
        Self::from_blocks(move |tensor, start, block| {
            for (i, s) in block.iter_mut().enumerate() {
                *s = score(tensor, start + i);
            }
        })
    }

    /// From a function that fills in the scores of consecutive scalars: `fill(tensor, start, block)`.
    pub fn from_blocks(fill: impl Fn(usize, usize, &mut [f64]) + Sync + 'a) -> Self {
        Self { fill: Box::new(fill) }
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
    pub fn block(&self, tensor: usize, start: usize, block: &mut [f64]) {
        (self.fill)(tensor, start, block);
    }

    /// Score of one scalar.
    ///
    /// # Panics
    /// If there is no such tensor or scalar.
    #[must_use]
    pub fn at(&self, tensor: usize, index: usize) -> f64 {
        let mut one = [0.0];
        self.block(tensor, index, &mut one);
        one[0]
    }

    /// Scores of a whole tensor of `len` scalars.
    ///
    /// # Panics
    /// If there is no such tensor or it is shorter.
    #[must_use]
    pub fn tensor(&self, tensor: usize, len: usize) -> Vec<f64> {
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
        let scores = Scores::from_fn(|t, i| (10 * t + i) as f64);
        assert_eq!(scores.tensor(2, 3), [20.0, 21.0, 22.0]);
        assert_eq!(scores.at(1, 4).to_bits(), 14f64.to_bits());
        assert_eq!(scores.negated().tensor(1, 2), [-10.0, -11.0]);
    }
}
