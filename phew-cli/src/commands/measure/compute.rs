//! The measures of one network, dense or masked.

use phew_graph::{Mask, Network};
use phew_train::{
    Inputs, Parameters, TangentKernel, TorchOracle, connection_sensitivity, gradient_norm,
    jacobian_extremes, jacobian_singular_values,
};

use super::report::{Gradient, Jacobian, Kernel};

/// Outputs up to which all singular values are computed.
const MANY_OUTPUTS: usize = 128;
/// Numbers of a kernel's gradients up to which its matrix is made: 2 GiB of them.
const MANY_GRADIENTS: usize = 1 << 28;

/// A network, under a mask, and the images that it is measured on.
pub(super) struct Subject<'a> {
    pub(super) network: &'a Network,
    pub(super) mask: &'a Mask,
    /// All images in a batch, for the gradient.
    pub(super) oracle: &'a TorchOracle,
    /// How many of them are for kernel and Jacobian.
    pub(super) inputs: usize,
    /// Whether to do without the matrices, however small they are.
    pub(super) matrix_free: bool,
}

impl Subject<'_> {
    fn outputs(&self) -> usize {
        self.network.arch().output_shape().sizes().iter().product()
    }

    pub(super) fn gradient(&self) -> anyhow::Result<Gradient> {
        let weights = self.network.weights();
        let loss = self.oracle.loss(&weights, self.mask)?;
        let gradient = self.oracle.gradient(&weights, self.mask)?;
        Ok(Gradient {
            loss,
            norm: gradient_norm(&gradient, self.mask),
            sensitivity: connection_sensitivity(&gradient, &weights, self.mask),
        })
    }

    /// With the `top` greatest eigenvalues.
    pub(super) fn kernel(&self, top: usize) -> anyhow::Result<Kernel> {
        let Self { network, mask, oracle, inputs, .. } = *self;
        let images = Inputs::of_batch(&oracle.batches()[0], inputs)?;
        let kernel = TangentKernel::new(network, mask, &images, Parameters::Weights)?;
        let size = inputs * self.outputs();
        if self.matrix_free || size * network.arch().prunable_len() > MANY_GRADIENTS {
            let eigenvalues = kernel.greatest(top)?;
            return Ok(Kernel { size, eigenvalues, least: None, trace: None });
        }
        let all = kernel.spectrum()?;
        let (least, trace) = (all.last().copied(), Some(all.iter().sum()));
        let eigenvalues = all.into_iter().take(top).collect();
        Ok(Kernel { size, eigenvalues, least, trace })
    }

    pub(super) fn jacobian(&self) -> anyhow::Result<Jacobian> {
        let Self { network, mask, oracle, inputs, .. } = *self;
        let images = Inputs::of_batch(&oracle.batches()[0], inputs)?;
        if self.matrix_free || self.outputs() > MANY_OUTPUTS {
            let ends = jacobian_extremes(network, mask, &images)?;
            let greatest = ends.iter().map(|[most, _]| *most).fold(0.0, f64::max);
            let least = ends.iter().map(|[_, least]| *least).fold(f64::INFINITY, f64::min);
            return Ok(Jacobian { greatest, least, mean: None, deviation: None });
        }
        let spread = jacobian_singular_values(network, mask, &images)?;
        Ok(Jacobian {
            greatest: spread.greatest,
            least: spread.least,
            mean: Some(spread.mean),
            deviation: Some(spread.deviation),
        })
    }
}
