//! What a method asks for beyond an architecture.

use std::fmt;

/// What a method asks for beyond an architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Needs {
    /// Nothing but the architecture.
    Nothing,
    /// The initial weights.
    Weights,
    /// Gradients on data: [`Oracle::gradient`](crate::Oracle::gradient).
    Gradients,
    /// Hessian-gradient products on data: [`Oracle::hessian_gradient`](crate::Oracle::hessian_gradient).
    HessianGradients,
    /// Gradients on random inputs: [`Oracle::perturbation`](crate::Oracle::perturbation).
    Perturbations,
    /// Active paths on data: [`Oracle::path_activation`](crate::Oracle::path_activation).
    PathActivations,
    /// A pass through the real layers: [`Oracle::ones_pass`](crate::Oracle::ones_pass).
    OnesPass,
}

impl Needs {
    /// Whether an [`Oracle`](crate::Oracle) must be given.
    #[must_use]
    pub fn oracle(self) -> bool {
        !matches!(self, Needs::Nothing | Needs::Weights)
    }

    /// Whether the oracle must have samples of a data set: random inputs and ones need none.
    #[must_use]
    pub fn data(self) -> bool {
        matches!(self, Needs::Gradients | Needs::HessianGradients | Needs::PathActivations)
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Needs::Nothing => "nothing",
            Needs::Weights => "initial weights",
            Needs::Gradients => "gradients on data",
            Needs::HessianGradients => "Hessian-gradient products on data",
            Needs::Perturbations => "gradients on random inputs",
            Needs::PathActivations => "active paths on data",
            Needs::OnesPass => "a pass through the real layers",
        })
    }
}
