//! Gradients and Hessian-gradient products of the loss, at any weights and mask.

use phew_baselines::{HessianGradient, Parameters};
use phew_graph::{Init, Mask, Network, Role, TensorSpec};
use tch::{Device, Kind, Tensor};

use super::activity::activity;
use super::vectors::{by_tensor, effective};
use super::{OracleMode, SampleSpec, score_batches};
use crate::batches::Batch;
use crate::data::Dataset;
use crate::error::Result;
use crate::loss::Loss;
use crate::model::{Mode, Model, mask_vector};

/// Answers questions about the loss of a network on a few batches that are fixed when it is made.
///
/// All answers are for every prunable scalar, kept or pruned, by its *effective* weight, one vector for each tensor in
/// the order of the architecture. The derivatives of several batches are added up.
#[derive(Debug)]
pub struct TorchOracle {
    network: Network,
    model: Model,
    batches: Vec<Batch>,
    loss: Loss,
    mode: Mode,
    random: usize,
}

/// Random inputs of a batch, where a question is about random inputs: as many as training batches hold.
const RANDOM: usize = 256;

impl TorchOracle {
    /// An oracle for a network's biases, normalisation and statistics; weights and masks come with each question.
    ///
    /// # Errors
    /// [`TrainError::Torch`](crate::TrainError::Torch) if the device has no room.
    pub fn new(
        network: &Network,
        batches: Vec<Batch>,
        loss: Loss,
        mode: OracleMode,
    ) -> Result<Self> {
        let device = batches.first().map_or(Device::Cpu, |batch| batch.input.device());
        let mode = match mode {
            OracleMode::Train => Mode::TrainFrozen,
            OracleMode::Eval => Mode::Eval,
        };
        let model = Model::new(network, device, Kind::Float)?;
        Ok(Self { network: network.clone(), model, batches, loss, mode, random: RANDOM })
    }

    /// An oracle that looks at images of a data set, by the loss that suits it.
    ///
    /// # Errors
    /// Those of [`score_batches`] and of [`TorchOracle::new`].
    pub fn of_data(
        network: &Network,
        data: &Dataset,
        samples: SampleSpec,
        device: crate::Device,
        mode: OracleMode,
    ) -> Result<Self> {
        Self::new(network, score_batches(data, samples, device)?, Loss::suiting(data), mode)
    }

    /// Sets how many random inputs a batch of them has; 256 by default.
    #[must_use]
    pub fn random_inputs(self, random: usize) -> Self {
        Self { random, ..self }
    }

    /// The loss, summed over the batches.
    ///
    /// # Errors
    /// [`TrainError::Torch`](crate::TrainError::Torch).
    pub fn loss(&self, weights: &[&[f32]], mask: &Mask) -> Result<f64> {
        let _guard = tch::no_grad_guard();
        let (weights, rest) = self.leaf(weights, mask)?;
        let parameters = Tensor::f_cat(&[weights, rest], 0)?;
        self.batches
            .iter()
            .map(|batch| Ok(self.loss_of(&parameters, batch, 1.0)?.double_value(&[])))
            .sum()
    }

    /// `∂L/∂w`.
    ///
    /// # Errors
    /// [`TrainError::Torch`](crate::TrainError::Torch) if the device has no room.
    pub fn gradient(&self, weights: &[&[f32]], mask: &Mask) -> Result<Vec<Vec<f32>>> {
        let (weights, rest) = self.leaf(weights, mask)?;
        let weights = weights.set_requires_grad(true);
        let parameters = Tensor::f_cat(&[&weights, &rest], 0)?;
        let mut sum = weights.f_detach()?.f_zeros_like()?;
        for batch in &self.batches {
            let loss = self.loss_of(&parameters, batch, 1.0)?;
            // The concatenation is shared by all batches.
            let gradient = Tensor::f_run_backward(&[&loss], &[&weights], true, false)?;
            let _ = sum.f_add_(&gradient[0])?;
        }
        self.answer(&sum)
    }

    /// The weights' part of `H g`: gradient and Hessian of the loss of the outputs divided by a temperature, over the
    /// prunable weights alone, as in GraSP's paper, or over all parameters, as in PHEW's program.
    ///
    /// With several batches `g` is summed over all of them before it is multiplied by the summed `H`.
    ///
    /// # Errors
    /// [`TrainError::Torch`](crate::TrainError::Torch) if the device has no room.
    pub fn hessian_gradient(
        &self,
        weights: &[&[f32]],
        mask: &Mask,
        how: HessianGradient,
    ) -> Result<Vec<Vec<f32>>> {
        let (weights, rest) = self.leaf(weights, mask)?;
        let temperature = how.temperature.get();
        let (leaf, parameters) = match how.parameters {
            Parameters::Weights => {
                let leaf = weights.set_requires_grad(true);
                let parameters = Tensor::f_cat(&[&leaf, &rest], 0)?;
                (leaf, parameters)
            }
            Parameters::All => {
                let leaf = Tensor::f_cat(&[weights, rest], 0)?.set_requires_grad(true);
                let parameters = leaf.shallow_clone();
                (leaf, parameters)
            }
        };
        let mut total = leaf.f_detach()?.f_zeros_like()?;
        for batch in &self.batches {
            let loss = self.loss_of(&parameters, batch, temperature)?;
            let gradient = Tensor::f_run_backward(&[&loss], &[&leaf], true, false)?;
            let _ = total.f_add_(&gradient[0])?;
        }
        let mut product = total.f_zeros_like()?;
        for batch in &self.batches {
            let loss = self.loss_of(&parameters, batch, temperature)?;
            let gradient = Tensor::f_run_backward(&[&loss], &[&leaf], true, true)?;
            let along = gradient[0].f_dot(&total)?;
            let part = Tensor::f_run_backward(&[&along], &[&leaf], true, false)?;
            let _ = product.f_add_(&part[0])?;
        }
        self.answer(&product)
    }

    /// `∂/∂m Σ_x ‖f(x; w ⊙ m) − f(x; w̃ ⊙ m)‖²` by the mask's entries `m`, kept or pruned: NTK-SAP's question.
    ///
    /// The inputs are normal numbers of the network's shape, drawn from stream `draw`; both networks are normalised by
    /// the statistics that the inputs have under `w ⊙ m`, which are not differentiated; one that is used several times by
    /// those of its last use.
    ///
    /// # Errors
    /// [`TrainError::Torch`](crate::TrainError::Torch) if the device has no room.
    ///
    /// # References
    /// Wang et al. 2023 (NTK-SAP), equation 8.
    pub fn perturbation(
        &self,
        weights: &[&[f32]],
        perturbed: &[&[f32]],
        mask: &Mask,
        draw: u64,
    ) -> Result<Vec<Vec<f32>>> {
        let dense = Mask::dense(self.network.arch());
        let (weights, rest) = self.leaf(weights, &dense)?;
        let (perturbed, _) = self.leaf(perturbed, &dense)?;
        let kept = mask_vector(self.network.arch(), mask, self.model.device())?;
        let kept = kept.f_narrow(0, 0, self.model.prunable_len() as i64)?;
        let leaf = kept.f_detach()?.copy().set_requires_grad(true);
        let parameters =
            |weights: &Tensor| Tensor::f_cat(&[weights.f_mul(&leaf)?, rest.shallow_clone()], 0);
        let input = self.random_batch(draw)?;
        let statistics = self
            .model
            .buffers()
            .iter()
            .map(Tensor::f_zeros_like)
            .collect::<std::result::Result<Vec<_>, _>>()?;
        let one = parameters(&weights)?;
        let _ = tch::no_grad(|| self.model.forward_at(&one, &statistics, &input, Mode::Record))?;
        let output = |parameters: &Tensor| {
            self.model.forward_at(parameters, &statistics, &input, Mode::Eval)
        };
        let change = output(&one)?.f_sub(&output(&parameters(&perturbed)?)?)?;
        let change = change.f_square()?.f_sum(Kind::Float)?;
        self.answer(&Tensor::f_run_backward(&[&change], &[&leaf], false, false)?[0])
    }

    /// Standard normal inputs `[n, …input shape]`.
    fn random_batch(&self, draw: u64) -> Result<Tensor> {
        let mut shape = vec![self.random];
        shape.extend(self.network.arch().input_shape().sizes());
        let spec = TensorSpec {
            name: "random inputs".into(),
            shape: shape.into(),
            role: Role::Weight,
            nodes: vec![0],
        };
        let values = Init::Normal { std: 1.0 }.sample(&spec, draw);
        let sizes: Vec<i64> = spec.shape.iter().map(|&n| n as i64).collect();
        let values = Tensor::f_from_slice(&values)?.f_view(sizes.as_slice())?;
        Ok(values.f_to_device(self.model.device())?)
    }

    /// For each output, the squared inputs summed over the active paths that lead to it, over all batches: PX's
    /// question.
    ///
    /// # Errors
    /// [`TrainError::Torch`](crate::TrainError::Torch) if the device has no room.
    pub fn path_activation(&self, weights: &[&[f32]], mask: &Mask) -> Result<Vec<f64>> {
        let (weights, rest) = self.leaf(weights, mask)?;
        let parameters = Tensor::f_cat(&[weights, rest], 0)?;
        let kept = mask_vector(self.network.arch(), mask, self.model.device())?;
        let mut total = vec![0.0; self.network.arch().output_shape().sizes().iter().product()];
        for batch in &self.batches {
            let part = activity(&self.model, &parameters, &kept, &batch.input, self.mode)?;
            total.iter_mut().zip(part).for_each(|(total, part)| *total += part);
        }
        Ok(total)
    }

    /// The network whose biases, normalisation and statistics it answers for.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The batches that it looks at.
    #[must_use]
    pub fn batches(&self) -> &[Batch] {
        &self.batches
    }

    /// Effective weights, and all other parameters.
    fn leaf(&self, weights: &[&[f32]], mask: &Mask) -> Result<(Tensor, Tensor)> {
        mask.check(self.network.arch(), "mask")?;
        let device = self.model.device();
        let weights = Tensor::f_from_slice(&effective(weights, mask))?.f_to_device(device)?;
        let parameters = self.model.parameters().f_detach()?;
        let from = self.model.prunable_len() as i64;
        let rest = parameters.f_narrow(0, from, parameters.size()[0] - from)?;
        Ok((weights, rest))
    }

    fn loss_of(&self, parameters: &Tensor, batch: &Batch, temperature: f64) -> Result<Tensor> {
        let output = self.model.forward_with(parameters, &batch.input, self.mode)?;
        self.loss.of(&output.f_div_scalar(temperature)?, &batch.target)
    }

    /// The prunable part of a vector, by tensor.
    fn answer(&self, vector: &Tensor) -> Result<Vec<Vec<f32>>> {
        let part = vector.f_narrow(0, 0, self.model.prunable_len() as i64)?;
        let all = Vec::<f32>::try_from(part.f_to_device(Device::Cpu)?)?;
        Ok(by_tensor(&self.network, &all))
    }
}
