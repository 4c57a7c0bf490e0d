//! A pass of ones through the real layers: SynFlow and SynFlow-L2 as their authors' programs compute them, and the
//! path kernel trace likewise.
//!
//! The path graph's own sums count every path once; here a path through a convolution counts once for every position
//! of its kernels, padding and max-pooling included. Both are SynFlow; the figures of the papers are of this one.

use phew_baselines::Power;
use phew_graph::{Mask, Network};
use tch::{Device, Kind, Tensor};

use super::vectors::{by_tensor, effective};
use crate::error::Result;
use crate::model::{Mode, Model};

/// What a pass of ones gives.
#[derive(Debug, Clone, PartialEq)]
pub struct OnesPass {
    /// `R`, the sum of the outputs.
    pub objective: f64,
    /// `∂R/∂f(w)` for every prunable scalar, kept or pruned, by tensor.
    pub derivative: Vec<Vec<f64>>,
    /// Whether operators share a weight.
    tied: bool,
}

impl OnesPass {
    /// Trace of the path kernel: the sum over paths of the squares of their derivatives by every kept weight, which
    /// is the sum of `∂R/∂(w²)` over the kept weights.
    ///
    /// Only where the pass was of [`Power::Square`].
    ///
    /// # Returns
    /// `None` where operators share a weight: R is not linear in the square of one that a path passes twice.
    #[must_use]
    pub fn path_kernel_trace(&self, mask: &Mask) -> Option<f64> {
        let kept = self.derivative.iter().zip(mask.layers());
        let all = kept.flat_map(|(values, layer)| layer.iter().map(move |index| values[index]));
        (!self.tied).then(|| all.sum())
    }
}

/// Sends ones through a network whose effective weights, biases and normalisation parameters are all replaced by
/// `f` of them, in evaluation mode and f64.
///
/// # Errors
/// [`TrainError::Graph`](crate::TrainError::Graph) if the mask is of another architecture,
/// [`TrainError::Torch`](crate::TrainError::Torch) if there is no room.
pub fn ones_pass(
    network: &Network,
    weights: &[&[f32]],
    mask: &Mask,
    power: Power,
) -> Result<OnesPass> {
    mask.check(network.arch(), "mask")?;
    let model = Model::new(network, Device::Cpu, Kind::Double)?;
    let weights = Tensor::f_from_slice(&effective(weights, mask))?.f_to_kind(Kind::Double)?;
    let parameters = model.parameters().f_detach()?;
    let from = model.prunable_len() as i64;
    let rest = parameters.f_narrow(0, from, parameters.size()[0] - from)?;
    let value = |x: &Tensor| match power {
        Power::Abs => x.f_abs(),
        Power::Square => x.f_square(),
    };
    let leaf = value(&weights)?.set_requires_grad(true);
    let parameters = Tensor::f_cat(&[&leaf, &value(&rest)?], 0)?;
    let mut shape = vec![1];
    shape.extend(network.arch().input_shape().sizes().iter().map(|&n| n as i64));
    let ones = Tensor::f_ones(shape.as_slice(), (Kind::Double, Device::Cpu))?;
    let objective = model.forward_with(&parameters, &ones, Mode::Eval)?.f_sum(Kind::Double)?;
    let derivative = Tensor::f_run_backward(&[&objective], &[&leaf], false, false)?;
    let all = Vec::<f64>::try_from(&derivative[0])?;
    let objective = objective.double_value(&[]);
    let tied = network.arch().tied_weight().is_some();
    Ok(OnesPass { objective, derivative: by_tensor(network, &all), tied })
}
