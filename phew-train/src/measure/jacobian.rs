//! Singular values of the Jacobian of the outputs by the inputs.

use phew_graph::{Mask, Network};
use phew_metrics::{Eigenvalue, Lanczos};
use tch::{Kind, Tensor};

use super::{copy_to, masked};
use crate::error::Result;
use crate::model::Mode;

/// Singular values over all inputs of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// Singular values of each input's Jacobian, greatest first: as many as the smaller of outputs and inputs.
    pub values: Vec<Vec<f64>>,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
}

/// Singular values of `∂f(x)/∂x` for each input of a batch, exactly, in f64 and evaluation mode.
///
/// A network in which signals neither grow nor fade has all of them near 1 (dynamical isometry).
///
/// # Shapes
/// `inputs` is `[n, …input shape]`; a Jacobian is `[outputs, input scalars]`.
///
/// # Errors
/// [`TrainError::Graph`](crate::TrainError::Graph) if the mask is of another architecture,
/// [`TrainError::Torch`](crate::TrainError::Torch) if the inputs do not fit or there is no room.
///
/// # Complexity
/// One backward pass of the batch for each output, and a singular value decomposition for each input.
///
/// # References
/// Lee et al. 2020, *A signal propagation perspective for pruning neural networks at initialization*, figures 2 and 4.
pub fn jacobian_singular_values(network: &Network, mask: &Mask, inputs: &Tensor) -> Result<Spread> {
    let (model, parameters, _) = masked(network, mask, inputs.device())?;
    let inputs = inputs.f_detach()?.f_to_kind(Kind::Double)?.f_contiguous()?;
    let inputs = inputs.copy().set_requires_grad(true);
    let output = model.forward_with(&parameters, &inputs, Mode::Eval)?;
    let outputs = output.size()[1];
    // Inputs do not see each other in evaluation mode: the gradient of a sum over the batch has a row for each.
    let rows = (0..outputs)
        .map(|k| {
            let one = output.f_select(1, k)?.f_sum(Kind::Double)?;
            let mut gradient = Tensor::f_run_backward(&[&one], &[&inputs], true, false)?;
            let Some(gradient) = gradient.pop() else { unreachable!("one gradient for one input") };
            Ok(gradient.f_flatten(1, -1)?)
        })
        .collect::<Result<Vec<_>>>()?;
    let jacobians = Tensor::f_stack(&rows, 1)?;
    let (_, singular, _) = jacobians.f_svd(true, false)?;
    let each = singular.size()[1] as usize;
    let all = Vec::<f64>::try_from(singular.f_to_device(tch::Device::Cpu)?.f_flatten(0, -1)?)?;
    let count = all.len() as f64;
    let mean = all.iter().sum::<f64>() / count;
    Ok(Spread {
        mean,
        deviation: (all.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt(),
        least: all.iter().copied().fold(f64::INFINITY, f64::min),
        greatest: all.iter().copied().fold(0.0, f64::max),
        values: all.chunks(each).map(<[f64]>::to_vec).collect(),
    })
}

/// Greatest and least singular value of `∂f(x)/∂x` for each input of a batch, without the matrix, in f64 and evaluation
/// mode.
///
/// For networks with many outputs, where [`jacobian_singular_values`] has to differentiate each of them. A singular
/// value is right to about a thousandth of the greatest, mostly far better.
///
/// # Returns
/// `[greatest, least]` for each input; the least of as many as the smaller of outputs and input scalars.
///
/// # Errors
/// As [`jacobian_singular_values`].
///
/// # Complexity
/// Two backward passes of one input, one of them twice differentiated, for each step of a Lanczos iteration: some tens
/// of steps for the greatest alone, more where small singular values lie close together.
pub fn jacobian_extremes(network: &Network, mask: &Mask, inputs: &Tensor) -> Result<Vec<[f64; 2]>> {
    let (model, parameters, _) = masked(network, mask, inputs.device())?;
    let inputs = inputs.f_detach()?.f_to_kind(Kind::Double)?.f_contiguous()?;
    (0..inputs.size()[0])
        .map(|index| {
            let input = inputs.f_narrow(0, index, 1)?.copy().set_requires_grad(true);
            let output = model.forward_with(&parameters, &input, Mode::Eval)?.f_flatten(0, -1)?;
            let squares = Product { input, output }.ends()?;
            Ok(squares.map(|square| square.max(0.0).sqrt()))
        })
        .collect()
}

/// Vectors of a Lanczos iteration: small singular values lie close together, and few vectors tell them apart late.
const BASIS: usize = 800;

/// `J Jᵀ` or `Jᵀ J`, whichever is smaller, by what it does to vectors.
struct Product {
    input: Tensor,
    output: Tensor,
}

impl Product {
    /// The greatest and the least eigenvalue.
    fn ends(&self) -> Result<[f64; 2]> {
        let (outputs, inputs) = (self.output.numel(), self.input.numel());
        // An eigenvalue's error is at most this share of the greatest: a singular value's its root, a thousandth.
        let lanczos = Lanczos::greatest(1)?.least(1).tolerance(1e-6)?.basis(BASIS)?;
        let lanczos = lanczos.max_products(usize::MAX);
        let found = lanczos.eigenvalues(outputs.min(inputs), |vector, out| {
            let vector = Tensor::f_from_slice(vector)?.f_to_device(self.input.device())?;
            let product = if outputs <= inputs {
                self.ahead(&self.back(&vector)?)?
            } else {
                self.back(&self.ahead(&vector)?)?
            };
            copy_to(&product, out)
        })?;
        let value = |list: &[Eigenvalue]| list.first().map_or(0.0, |e| e.value);
        Ok([value(&found.greatest), value(&found.least)])
    }

    /// `Jᵀu`.
    fn back(&self, u: &Tensor) -> Result<Tensor> {
        let along = self.output.f_dot(u)?;
        let found = Tensor::f_run_backward(&[&along], &[&self.input], true, false)?;
        Ok(found[0].f_flatten(0, -1)?)
    }

    /// `Jv`: the derivative of `Jᵀu · v` by `u`, wherever that is taken.
    fn ahead(&self, v: &Tensor) -> Result<Tensor> {
        let u = self.output.f_zeros_like()?.f_detach()?.set_requires_grad(true);
        let along = self.output.f_dot(&u)?;
        let back = Tensor::f_run_backward(&[&along], &[&self.input], true, true)?;
        let along = back[0].f_flatten(0, -1)?.f_dot(v)?;
        Ok(Tensor::f_run_backward(&[&along], &[&u], true, false)?.swap_remove(0))
    }
}

#[cfg(test)]
mod tests {
    use phew_graph::{Activation, ArchBuilder, Init, Shape, zoo};
    use tch::Device;

    use super::*;

    #[test]
    fn a_diagonal_network_has_its_diagonal_products_as_singular_values() {
        let arch = ArchBuilder::new("diagonal", Shape::Features(3))
            .linear_unbiased("fc1", 3)
            .activation("same", Activation::Identity)
            .linear_unbiased("fc2", 2)
            .build()
            .unwrap();
        let network = Network::initialise(arch, Init::default(), 0).unwrap();
        let first = vec![2., 0., 0., 0., -3., 0., 0., 0., 5.];
        let network = network.with_weights(vec![first, vec![1., 0., 0., 0., 0.5, 0.]]).unwrap();
        let inputs = Tensor::ones([4, 3], (Kind::Float, Device::Cpu));
        let mut mask = Mask::dense(network.arch());
        let spread = jacobian_singular_values(&network, &mask, &inputs).unwrap();
        assert_eq!(spread.values.len(), 4);
        let close = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-12, "{found}");
        close(spread.greatest, 2.0);
        close(spread.least, 1.5);
        close(spread.mean, 1.75);
        close(spread.deviation, 0.25);
        mask.layer_mut(0).remove(0);
        close(jacobian_singular_values(&network, &mask, &inputs).unwrap().least, 0.0);
    }

    #[test]
    fn an_orthogonal_linear_network_is_isometric_and_pruning_breaks_it() {
        let arch = zoo::by_name("mlp7-linear-100").unwrap().build().unwrap();
        let network = Network::initialise(arch, Init::Orthogonal, 0).unwrap();
        let inputs = Tensor::ones([2, 784], (Kind::Float, Device::Cpu));
        let mut mask = Mask::dense(network.arch());
        let spread = jacobian_singular_values(&network, &mask, &inputs).unwrap();
        // Weights are f32, each of seven layers orthogonal to about 1e-6.
        assert!((spread.least - 1.0).abs() < 1e-5 && (spread.greatest - 1.0).abs() < 1e-5);
        for layer in mask.layers_mut() {
            for index in (0..layer.len()).filter(|i| (i.wrapping_mul(2_654_435_761) >> 7) % 10 < 5)
            {
                layer.remove(index);
            }
        }
        let pruned = jacobian_singular_values(&network, &mask, &inputs).unwrap();
        assert!(pruned.mean < 0.3 * spread.mean, "{pruned:?}");
    }

    #[test]
    fn without_the_matrix_the_extremes_are_the_same() {
        tch::manual_seed(0);
        // More inputs than outputs, and the other way round; a mask leaves some singular values at 0.
        for widths in [[12, 20, 20, 6], [6, 20, 20, 12]] {
            let arch = zoo::mlp(&widths).build().unwrap();
            let network = Network::initialise(arch, Init::default(), 1).unwrap();
            let inputs = Tensor::randn([4, widths[0] as i64], (Kind::Float, Device::Cpu));
            let mut mask = Mask::dense(network.arch());
            for density in [10, 3] {
                for layer in mask.layers_mut() {
                    (0..layer.len()).filter(|i| i * 7919 % 10 >= density).for_each(|i| {
                        layer.remove(i);
                    });
                }
                let exact = jacobian_singular_values(&network, &mask, &inputs).unwrap();
                let found = jacobian_extremes(&network, &mask, &inputs).unwrap();
                assert_eq!(found.len(), 4);
                for (exact, [most, least]) in exact.values.iter().zip(found) {
                    let (first, last) = (exact[0], exact[exact.len() - 1]);
                    assert!((most - first).abs() <= 1e-6 * first, "{most} {first}");
                    assert!((least - last).abs() <= 1e-3 * first, "{least} {last}");
                }
            }
        }
    }
}
