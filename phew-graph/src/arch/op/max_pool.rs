//! Maximum over windows.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::pool::Pool;
use super::site::Site;
use super::window::sides;
use crate::arch::shape::Shape;
use crate::error::GraphError;

/// Maximum over windows of a map.
///
/// ```toml
/// [[op]]
/// name = "pool1"
/// type = "max_pool"
/// kernel = 3
/// stride = 2
/// padding = 1
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool(pub Pool);

impl Operator for MaxPool {
    fn types() -> &'static [&'static str] {
        &["max_pool"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        Pool::read(fields).map(Self)
    }

    fn kind(&self) -> &'static str {
        "max_pool"
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

    /// A window of one scalar selects, whatever the values.
    fn linear(&self) -> Option<&dyn LinearMap> {
        match self.0.kernel {
            Some([1, 1]) => Some(self),
            _ => None,
        }
    }
}

impl LinearMap for MaxPool {
    fn transposed(&self, at: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        let (from, to) = (at.inputs[0], at.output);
        let (window, map, [_, columns]) = (self.0.window(from), sides(from), sides(to));
        let mut dx = vec![0.0; from.scalars()];
        for (dx, dy) in dx.chunks_mut(from.area()).zip(dy.chunks(to.area())) {
            for (position, dy) in dy.iter().enumerate() {
                window.visit(map, [position / columns, position % columns], |_, p| dx[p] += dy);
            }
        }
        dx
    }
}
