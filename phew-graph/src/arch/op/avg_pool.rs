//! Mean over windows.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::pool::Pool;
use super::site::Site;
use super::window::sides;
use crate::arch::shape::Shape;
use crate::error::GraphError;

/// Mean over windows of a map (padding counted, as PyTorch does).
///
/// ```toml
/// [[op]]
/// name = "pool1"
/// type = "avg_pool"
/// kernel = 2
///
/// [[op]]
/// name = "whole"
/// type = "avg_pool"
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPool(pub Pool);

impl Operator for AvgPool {
    fn types() -> &'static [&'static str] {
        &["avg_pool"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        Pool::read(fields).map(Self)
    }

    fn kind(&self) -> &'static str {
        "avg_pool"
    }

    fn write(&self) -> Written {
        self.0.write()
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        self.0.shape(site)
    }

    fn tensors(&self, _: &[Shape], _: Shape) -> Vec<OwnTensor> {
        Vec::new()
    }

    fn effect(&self, _: &[Shape]) -> Effect {
        Effect::Within
    }

    fn linear(&self) -> Option<&dyn LinearMap> {
        Some(self)
    }
}

impl LinearMap for AvgPool {
    fn transposed(&self, at: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        let (from, to) = (at.inputs[0], at.output);
        let (window, map, [_, columns]) = (self.0.window(from), sides(from), sides(to));
        let share = 1.0 / (window.kernel[0] * window.kernel[1]) as f64;
        let mut dx = vec![0.0; from.scalars()];
        for (dx, dy) in dx.chunks_mut(from.area()).zip(dy.chunks(to.area())) {
            for (position, dy) in dy.iter().enumerate() {
                let at = [position / columns, position % columns];
                window.visit(map, at, |_, p| dx[p] += dy * share);
            }
        }
        dx
    }
}
