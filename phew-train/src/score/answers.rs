//! The oracle as the scorers of `phew-baselines` ask it.

use phew_baselines::{BaselineError, HessianGradient, Oracle, Point, Power};

use super::failed::failed;
use super::oracle::TorchOracle;
use super::spatial::ones_pass;

impl Oracle for TorchOracle {
    fn gradient(&mut self, at: &Point<'_>) -> Result<Vec<Vec<f32>>, BaselineError> {
        TorchOracle::gradient(self, at.weights, at.mask).map_err(failed)
    }

    fn hessian_gradient(
        &mut self,
        at: &Point<'_>,
        how: HessianGradient,
    ) -> Result<Vec<Vec<f32>>, BaselineError> {
        TorchOracle::hessian_gradient(self, at.weights, at.mask, how).map_err(failed)
    }

    fn perturbation(
        &mut self,
        at: &Point<'_>,
        perturbed: &[&[f32]],
        draw: u64,
    ) -> Result<Vec<Vec<f32>>, BaselineError> {
        TorchOracle::perturbation(self, at.weights, perturbed, at.mask, draw).map_err(failed)
    }

    fn path_activation(&mut self, at: &Point<'_>) -> Result<Vec<f64>, BaselineError> {
        TorchOracle::path_activation(self, at.weights, at.mask).map_err(failed)
    }

    fn ones_pass(&mut self, at: &Point<'_>, power: Power) -> Result<Vec<Vec<f64>>, BaselineError> {
        let pass = ones_pass(self.network(), at.weights, at.mask, power).map_err(failed)?;
        Ok(pass.derivative)
    }
}
