//! Normalisation over a layer's units, or over groups of them.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::arch::tensor::Role;
use crate::error::GraphError;

/// Normalisation of each sample by its own mean and variance: over all units at a position (`layer_norm`), or over the
/// positions of each of some groups of units (`group_norm`; with a group for each unit it is instance normalisation).
///
/// It belongs to the layer that it reads, with a scale and a shift for each unit. In TOML `eps` may be left out, and so may
/// `affine`, which is then true, and `shift`, which is then as `affine`.
///
/// ```toml
/// [[op]]
/// name = "norm1"
/// type = "layer_norm"
/// eps = 0.00001
///
/// [[op]]
/// name = "norm2"
/// type = "group_norm"
/// groups = 8
/// eps = 0.00001
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerNorm {
    /// Over the positions of so many groups of units; over all units at each position if there are none.
    pub groups: Option<usize>,
    /// Added to the variance; 1e-5 by default.
    pub eps: f64,
    /// Whether it has scales; yes by default.
    pub affine: bool,
    /// Whether it has shifts; by default where it has scales.
    pub shift: bool,
}

impl Operator for LayerNorm {
    fn types() -> &'static [&'static str] {
        &["layer_norm", "group_norm"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        let groups = match fields.kind() {
            "group_norm" => Some(fields.need("groups")?),
            _ => None,
        };
        let affine = fields.take("affine")?.unwrap_or(true);
        let (eps, shift) = (fields.take("eps")?.unwrap_or(1e-5), fields.take("shift")?);
        Ok(Self { groups, eps, affine, shift: shift.unwrap_or(affine) })
    }

    fn kind(&self) -> &'static str {
        if self.groups.is_some() { "group_norm" } else { "layer_norm" }
    }

    fn write(&self) -> Written {
        let fields = match self.groups {
            Some(groups) => Written::new().size("groups", groups),
            None => Written::new(),
        };
        let fields = fields.with("eps", self.eps);
        let fields = if self.affine { fields } else { fields.with("affine", false) };
        if self.shift == self.affine { fields } else { fields.with("shift", self.shift) }
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        if !(self.eps > 0.0 && self.eps.is_finite()) {
            return Err(site.field("eps", self.eps, "a positive number"));
        }
        let units = site.input().units();
        match self.groups {
            Some(groups) if groups == 0 || !units.is_multiple_of(groups) => {
                Err(site.field("groups", groups, format!("a divisor of {units} units")))
            }
            _ => Ok(site.input()),
        }
    }

    fn tensors(&self, _: &[Shape], output: Shape) -> Vec<OwnTensor> {
        let scale = self.affine.then(|| OwnTensor::of_units("weight", Role::NormScale, output));
        let shift = self.shift.then(|| OwnTensor::of_units("bias", Role::NormShift, output));
        scale.into_iter().chain(shift).collect()
    }

    fn effect(&self, _: &[Shape]) -> Effect {
        Effect::Within
    }

    /// Each sample is divided by a deviation of its own.
    fn linear(&self) -> Option<&dyn LinearMap> {
        None
    }
}
