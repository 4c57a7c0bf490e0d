//! Normalisation by running statistics as a scale and a shift.

use std::collections::BTreeMap;

use crate::arch::op::BatchNorm;
use crate::weights::Network;

/// The tensors of a network by their names.
pub(super) struct Tensors<'n>(BTreeMap<&'n str, &'n [f32]>);

impl<'n> Tensors<'n> {
    pub(super) fn new(network: &'n Network) -> Self {
        Self(network.tensors().map(|(spec, values)| (spec.name.as_str(), values)).collect())
    }

    /// A tensor of a node, if it has one of this name.
    pub(super) fn get(&self, node: &str, tensor: &str) -> Option<&'n [f32]> {
        self.0.get(format!("{node}.{tensor}").as_str()).copied()
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
    pub(super) fn then(mut self, norm: BatchNorm, node: &str, tensors: &Tensors<'_>) -> Self {
        let value = |name: &str, unit: usize, usual: f64| {
            tensors.get(node, name).map_or(usual, |values| f64::from(values[unit]))
        };
        for unit in 0..self.scale.len() {
            let variance = value("running_var", unit, 1.0);
            let scale = value("weight", unit, 1.0) / (variance + norm.eps).sqrt();
            let shift = value("bias", unit, 0.0) - value("running_mean", unit, 0.0) * scale;
            self.scale[unit] *= scale;
            self.shift[unit] = self.shift[unit] * scale + shift;
        }
        self
    }
}
