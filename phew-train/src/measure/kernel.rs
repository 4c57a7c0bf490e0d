//! The empirical neural tangent kernel `Θ(x, x')ₖₗ = Σ_θ ∂f_k(x)/∂θ · ∂f_l(x')/∂θ`.

use phew_baselines::Parameters;
use phew_graph::{Mask, Network};
use phew_metrics::Lanczos;
use tch::{Device, Kind, Tensor};

use super::{copy_to, masked};
use crate::error::Result;
use crate::model::{Mode, Model};

/// The kernel of a network on a batch, in f64 and evaluation mode.
#[derive(Debug)]
pub struct TangentKernel {
    model: Model,
    /// All parameters, masked, ready to be differentiated by.
    parameters: Tensor,
    /// 1 for every scalar that counts.
    counted: Tensor,
    inputs: Tensor,
}

impl TangentKernel {
    /// The kernel on a batch `[n, …input shape]`.
    ///
    /// # Errors
    /// [`TrainError::Graph`](crate::TrainError::Graph) if the mask is of another architecture,
    /// [`TrainError::Torch`](crate::TrainError::Torch) if there is no room.
    pub fn new(network: &Network, mask: &Mask, inputs: &Tensor, over: Parameters) -> Result<Self> {
        let (model, parameters, ones) = masked(network, mask, inputs.device())?;
        let counted = ones;
        if over == Parameters::Weights {
            let from = model.prunable_len() as i64;
            let _ = counted.f_narrow(0, from, counted.size()[0] - from)?.f_zero_()?;
        }
        let inputs = inputs.f_detach()?.f_to_kind(Kind::Double)?;
        Ok(Self { model, parameters: parameters.set_requires_grad(true), counted, inputs })
    }

    fn outputs(&self) -> Result<Tensor> {
        Ok(self.model.forward_with(&self.parameters, &self.inputs, Mode::Eval)?.f_flatten(0, -1)?)
    }

    /// The matrix, `[n · outputs, n · outputs]`, inputs first.
    ///
    /// # Errors
    /// [`TrainError::Torch`](crate::TrainError::Torch) if there is no room: it holds a gradient for each output of each
    /// input.
    ///
    /// # Complexity
    /// One backward pass for each output of each input; `n · outputs · parameters` numbers.
    pub fn matrix(&self) -> Result<Tensor> {
        let outputs = self.outputs()?;
        let rows = (0..outputs.size()[0])
            .map(|index| {
                let one = outputs.f_select(0, index)?;
                let gradient = Tensor::f_run_backward(&[&one], &[&self.parameters], true, false)?;
                Ok(gradient[0].f_mul(&self.counted)?)
            })
            .collect::<Result<Vec<_>>>()?;
        let rows = Tensor::f_stack(&rows, 0)?;
        Ok(rows.f_matmul(&rows.f_tr()?)?)
    }

    /// All eigenvalues, greatest first, from the matrix.
    ///
    /// # Errors
    /// As [`TangentKernel::matrix`].
    pub fn spectrum(&self) -> Result<Vec<f64>> {
        let values = self.matrix()?.f_linalg_eigvalsh("L")?.f_flip([0])?;
        Ok(Vec::<f64>::try_from(values.f_to_device(Device::Cpu)?)?)
    }

    /// The `count` greatest eigenvalues, greatest first, without the matrix: to a millionth of the greatest.
    ///
    /// # Errors
    /// [`TrainError::Torch`](crate::TrainError::Torch) if there is no room;
    /// [`TrainError::Metric`](crate::TrainError::Metric) if `count` is 0.
    ///
    /// # Complexity
    /// Two backward passes of the batch, one of them twice differentiated, for each step of a Lanczos iteration.
    pub fn greatest(&self, count: usize) -> Result<Vec<f64>> {
        let outputs = self.outputs()?;
        let device = outputs.device();
        let lanczos = Lanczos::greatest(count)?.tolerance(1e-6)?.max_products(usize::MAX);
        let found = lanczos.eigenvalues(outputs.numel(), |vector, out| {
            // Gᵀv as a function of v; its derivative along G's own image is G(Gᵀv).
            let vector = Tensor::f_from_slice(vector)?.f_to_device(device)?.set_requires_grad(true);
            let weighted = outputs.f_dot(&vector)?;
            let down = Tensor::f_run_backward(&[&weighted], &[&self.parameters], true, true)?;
            let down = down[0].f_mul(&self.counted)?;
            let along = down.f_dot(&down.f_detach()?)?;
            let up = Tensor::f_run_backward(&[&along], &[&vector], true, false)?;
            copy_to(&up[0], out)
        })?;
        Ok(found.greatest.into_iter().map(|e| e.value).collect())
    }
}

#[cfg(test)]
mod tests {
    use phew_graph::{ArchBuilder, Init, Shape, zoo};

    use super::*;

    fn close(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-9 * (1.0 + wanted.abs()), "{found} for {wanted}");
    }

    #[test]
    fn the_kernel_of_a_linear_map_is_the_inner_product_of_the_inputs() {
        let arch = ArchBuilder::new("linear", Shape::Features(3)).linear("fc", 2).build().unwrap();
        let network = Network::initialise(arch, Init::default(), 0).unwrap();
        let inputs = Tensor::from_slice(&[1_f32, 2., 3., 4., 0., -1.]).view([2, 3]);
        let mut mask = Mask::dense(network.arch());
        let at = |mask: &Mask, over, i: i64, j: i64| {
            let kernel = TangentKernel::new(&network, mask, &inputs, over).unwrap();
            kernel.matrix().unwrap().double_value(&[i, j])
        };
        // Inputs first, outputs within: entries 0 and 2 are output 0 of the two inputs, 1 and 3 output 1.
        close(at(&mask, Parameters::Weights, 0, 0), 14.0);
        close(at(&mask, Parameters::Weights, 0, 2), 1.0);
        close(at(&mask, Parameters::Weights, 3, 3), 17.0);
        close(at(&mask, Parameters::Weights, 0, 1), 0.0);
        close(at(&mask, Parameters::All, 0, 2), 2.0);
        // Without the weight from input 2 to output 0 its products are gone.
        mask.layer_mut(0).remove(2);
        close(at(&mask, Parameters::Weights, 0, 0), 5.0);
        close(at(&mask, Parameters::Weights, 0, 2), 4.0);
        close(at(&mask, Parameters::Weights, 1, 3), 1.0);
    }

    #[test]
    fn without_the_matrix_the_greatest_eigenvalues_are_the_same() {
        let arch = zoo::mlp(&[12, 20, 20, 4]).build().unwrap();
        let network = Network::initialise(arch, Init::default(), 1).unwrap();
        tch::manual_seed(0);
        let inputs = Tensor::randn([10, 12], (Kind::Float, Device::Cpu));
        let mut mask = Mask::dense(network.arch());
        for index in (0..400).filter(|i| i % 3 == 0) {
            mask.layer_mut(1).remove(index);
        }
        for over in [Parameters::Weights, Parameters::All] {
            let kernel = TangentKernel::new(&network, &mask, &inputs, over).unwrap();
            let (all, some) = (kernel.spectrum().unwrap(), kernel.greatest(3).unwrap());
            assert_eq!((all.len(), some.len()), (40, 3));
            for (some, all) in some.iter().zip(&all) {
                assert!((some - all).abs() <= 1e-5 * all, "{some} {all}");
            }
            // The trace is the sum of all squares of gradients.
            let trace = kernel.matrix().unwrap().trace().double_value(&[]);
            close(all.iter().sum::<f64>(), trace);
        }
    }
}
