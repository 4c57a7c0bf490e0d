//! The mean over the units of a layer, at each position.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::error::GraphError;
use crate::paths::wiring::Wiring;

/// The mean over all units, at each position: one unit, to which every unit leads.
///
/// ```toml
/// [[op]]
/// name = "squeezed"
/// type = "channel_mean"
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelMean;

impl Operator for ChannelMean {
    fn types() -> &'static [&'static str] {
        &["channel_mean"]
    }

    fn read(_: &mut Fields) -> Result<Self, String> {
        Ok(Self)
    }

    fn kind(&self) -> &'static str {
        "channel_mean"
    }

    fn write(&self) -> Written {
        Written::new()
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        Ok(site.input().with_units(1))
    }

    fn tensors(&self, _: &[Shape], _: Shape) -> Vec<OwnTensor> {
        Vec::new()
    }

    fn effect(&self, inputs: &[Shape]) -> Effect {
        Effect::Free(vec![Wiring::Join { block: inputs[0].units() }])
    }

    fn linear(&self) -> Option<&dyn LinearMap> {
        Some(self)
    }
}

impl LinearMap for ChannelMean {
    fn transposed(&self, at: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        let units = at.inputs[0].units();
        let share: Vec<f64> = dy.iter().map(|dy| dy / units as f64).collect();
        share.repeat(units)
    }
}
