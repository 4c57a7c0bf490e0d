//! What a scorer may ask about data: the one thing that crosses to the crate that has a tensor library.

use phew_graph::Mask;

use crate::error::BaselineError;
use crate::option::OptionValue;
use crate::positive::Positive;
use crate::power::Power;

/// Where a network is evaluated.
///
/// The effective weight of a prunable scalar is its weight where the mask keeps it and 0 elsewhere; biases
/// and normalisation are the oracle's own network's.
#[derive(Clone, Copy, Debug)]
pub struct Point<'a> {
    /// Prunable weights before masking, in the order of [`phew_graph::Arch::prunable`], row-major.
    pub weights: &'a [&'a [f32]],
    /// The mask.
    pub mask: &'a Mask,
}

/// The parameters over which a gradient is taken before it is multiplied by the Hessian.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parameters {
    /// The prunable weights alone, as GraSP's paper has it.
    #[default]
    Weights,
    /// Biases and normalisation too, as PHEW's program has it.
    All,
}

phew_graph::choice! {
    Parameters, "parameters":
    Weights => "weights", "The prunable weights alone",
    All => "all", "Biases and normalisation too",
}

impl OptionValue for Parameters {
    const EXPECTED: &'static str = "weights or all";
}

/// How a Hessian-gradient product is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HessianGradient {
    /// The logits are divided by this before the loss: 200 in GraSP's program.
    pub temperature: Positive,
    /// What g and H run over.
    pub parameters: Parameters,
}

impl Default for HessianGradient {
    fn default() -> Self {
        Self { temperature: Positive::constant(200.0), parameters: Parameters::Weights }
    }
}

/// Derivatives of a network on data, at weights and a mask that the scorer chooses.
///
/// All answers are one vector for each prunable tensor, row-major, of the tensor's full length, and all
/// derivatives are by the *effective* weight (or by the mask's entry) of every scalar, kept or pruned: the
/// derivative of a pruned scalar says what it would do if it came back, which FORCE asks for. Where the
/// oracle has several batches, it adds up their derivatives.
///
/// Only [`Oracle::gradient`] must be there; the others answer [`BaselineError::Unsupported`] by default.
/// The same question gets the same answer: an oracle is deterministic, its batches fixed when it is made.
pub trait Oracle {
    /// `∂L/∂w` of the loss (its mean over a batch). The oracle decides the loss and how normalisation works: the
    /// authors' programs take the cross-entropy, and normalise by the batch.
    ///
    /// # Errors
    /// What the oracle runs into.
    fn gradient(&mut self, at: &Point<'_>) -> Result<Vec<Vec<f32>>, BaselineError>;

    /// The prunable weights' part of `H g`, with `g` the gradient and `H` the Hessian of the loss of the
    /// logits divided by a temperature, both over `how.parameters`, pruned weights left out of `g`.
    ///
    /// With several batches, `g` is summed over all before it is multiplied by the summed `H`.
    ///
    /// # Errors
    /// [`BaselineError::Unsupported`] unless provided; what the oracle runs into.
    fn hessian_gradient(
        &mut self,
        at: &Point<'_>,
        how: HessianGradient,
    ) -> Result<Vec<Vec<f32>>, BaselineError> {
        let _ = (at, how);
        Err(BaselineError::Unsupported { what: "Hessian-gradient products" })
    }

    /// `∂/∂m Σ_x ‖f(x; w ⊙ m) − f(x; w̃ ⊙ m)‖²` by the mask's entries: NTK-SAP's question.
    ///
    /// `x` is one batch of standard normal inputs of the network's shape, drawn by the oracle from the stream
    /// of number `draw`; normalisation uses the statistics of `x` under `w ⊙ m`, held fixed, in both
    /// networks.
    ///
    /// # Errors
    /// [`BaselineError::Unsupported`] unless provided; what the oracle runs into.
    fn perturbation(
        &mut self,
        at: &Point<'_>,
        perturbed: &[&[f32]],
        draw: u64,
    ) -> Result<Vec<Vec<f32>>, BaselineError> {
        let _ = (at, perturbed, draw);
        Err(BaselineError::Unsupported { what: "the response to perturbed weights" })
    }

    /// For each output `k`, `Σ_x Σ_{p → k} a_p(x) x_p²` over the mask's paths: PX's question.
    ///
    /// `a_p(x)` is 1 if every unit of path `p` is active at `x` under the masked weights, and `x_p` is the
    /// input where `p` starts. It is what a copy of the network gives that has all kept weights 1, neutral
    /// normalisation, the real network's activations as gates, and `x²` as its input. A factor common to
    /// all outputs does not matter, so the answer may be scaled to stay in range.
    ///
    /// # Errors
    /// [`BaselineError::Unsupported`] unless provided; what the oracle runs into.
    fn path_activation(&mut self, at: &Point<'_>) -> Result<Vec<f64>, BaselineError> {
        let _ = at;
        Err(BaselineError::Unsupported { what: "path activations" })
    }

    /// `∂R/∂f(w)`, where `R` sums the outputs for one input of ones through the real layers (evaluation mode,
    /// max-pooling and padding included) with `f(w)` in place of each effective weight, and of every bias and
    /// normalisation parameter too: SynFlow as its authors' program computes it.
    ///
    /// In f64, since f32 overflows in deep networks; a factor common to all tensors does not matter.
    ///
    /// # Errors
    /// [`BaselineError::Unsupported`] unless provided; what the oracle runs into.
    fn ones_pass(&mut self, at: &Point<'_>, power: Power) -> Result<Vec<Vec<f64>>, BaselineError> {
        let _ = (at, power);
        Err(BaselineError::Unsupported { what: "a pass of ones through the real layers" })
    }
}

impl<O: Oracle + ?Sized> Oracle for Box<O> {
    fn gradient(&mut self, at: &Point<'_>) -> Result<Vec<Vec<f32>>, BaselineError> {
        (**self).gradient(at)
    }
    fn hessian_gradient(
        &mut self,
        at: &Point<'_>,
        how: HessianGradient,
    ) -> Result<Vec<Vec<f32>>, BaselineError> {
        (**self).hessian_gradient(at, how)
    }
    fn perturbation(
        &mut self,
        at: &Point<'_>,
        perturbed: &[&[f32]],
        draw: u64,
    ) -> Result<Vec<Vec<f32>>, BaselineError> {
        (**self).perturbation(at, perturbed, draw)
    }
    fn path_activation(&mut self, at: &Point<'_>) -> Result<Vec<f64>, BaselineError> {
        (**self).path_activation(at)
    }
    fn ones_pass(&mut self, at: &Point<'_>, power: Power) -> Result<Vec<Vec<f64>>, BaselineError> {
        (**self).ones_pass(at, power)
    }
}
