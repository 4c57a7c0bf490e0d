//! SynFlow as the authors' programs compute it: ones through the real layers.

use super::saliency::{Saliency, comparable};
use crate::error::BaselineError;
use crate::oracle::{Oracle, Point};
use crate::scorer::{Scorer, State};
use crate::scores::Scores;

/// SynFlow and SynFlow-L2 of an image of ones sent through the real layers.
///
/// Where [`crate::SynFlow`] counts a path of scalar weights once, this counts it for every position at which
/// its kernels fit: padding favours central weights of a kernel, stride and pooling weigh the layers. On
/// networks without convolutions the two are the same.
///
/// # References
/// Tanaka et al. 2020 and Gebhart et al. 2021, their programs.
#[derive(Clone, Debug)]
pub struct SpatialSynFlow<O> {
    oracle: O,
    saliency: Saliency,
}

impl<O: Oracle> SpatialSynFlow<O> {
    /// With the given saliency.
    #[must_use]
    pub fn new(oracle: O, saliency: Saliency) -> Self {
        Self { oracle, saliency }
    }
}

impl<O: Oracle> Scorer for SpatialSynFlow<O> {
    fn score<'s>(&'s mut self, state: &'s State<'_>) -> Result<Scores<'s>, BaselineError> {
        let at = Point { weights: state.weights, mask: state.mask };
        let power = self.saliency.edge();
        let derivative = state.check("the pass of ones", self.oracle.ones_pass(&at, power)?)?;
        let factor = self.saliency.factor();
        Ok(Scores::from_fn(move |t, i| {
            comparable((factor.of(state.weights[t][i]) * derivative[t][i]).abs())
        }))
    }
}
