//! Normalisation by running statistics as a scale and a shift.

use crate::arch::op::BatchNorm;
use crate::arch::{Role, TensorSpec};
use crate::weights::Network;

/// The tensors of a network by their nodes.
pub(super) struct Tensors<'n>(Vec<(&'n TensorSpec, &'n [f32])>);

impl<'n> Tensors<'n> {
    pub(super) fn new(network: &'n Network) -> Self {
        Self(network.tensors().collect())
    }

    /// A tensor of a node, if it has one for this.
    pub(super) fn get(&self, node: usize, role: Role) -> Option<&'n [f32]> {
        let own = self.0.iter().find(|(spec, _)| spec.nodes.contains(&node) && spec.role == role);
        own.map(|(_, values)| *values)
    }
}

/// `x ↦ scale · x + shift`, for each unit, in f64.
#[derive(Clone, Debug)]
pub(super) struct Folded {
    pub(super) scale: Vec<f64>,
    pub(super) shift: Vec<f64>,
}

impl Folded {
    /// Nothing but a bias, if there is one.
    pub(super) fn bias(units: usize, bias: Option<&[f32]>) -> Self {
        let shift = match bias {
            Some(bias) => bias.iter().map(|&b| f64::from(b)).collect(),
            None => vec![0.0; units],
        };
        Self { scale: vec![1.0; units], shift }
    }

    /// What comes of it after a normalisation by its running statistics: `γ (x − μ) / √(σ² + ε) + β`.
    pub(super) fn then(mut self, norm: BatchNorm, node: usize, tensors: &Tensors<'_>) -> Self {
        // What a normalisation lacks is as it begins: a scale of 1, a shift of 0.
        let values = |role: Role, usual: f64| {
            let given = tensors.get(node, role);
            move |unit: usize| given.map_or(usual, |values| f64::from(values[unit]))
        };
        let (weight, bias) = (values(Role::NormScale, 1.0), values(Role::NormShift, 0.0));
        let (mean, variance) = (values(Role::RunningMean, 0.0), values(Role::RunningVar, 1.0));
        for unit in 0..self.scale.len() {
            let scale = weight(unit) / (variance(unit) + norm.eps).sqrt();
            let shift = bias(unit) - mean(unit) * scale;
            self.scale[unit] *= scale;
            self.shift[unit] = self.shift[unit] * scale + shift;
        }
        self
    }
}
