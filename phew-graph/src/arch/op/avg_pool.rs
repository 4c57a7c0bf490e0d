//! Mean over windows.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::pool::Pool;
use super::site::Site;
use super::window::sides;
use crate::arch::shape::Shape;
use crate::error::GraphError;

/// Mean over windows of a map.
///
/// In TOML `count_padding` may be left out, and is then true, as PyTorch's `count_include_pad` is.
///
/// ```toml
/// [[op]]
/// name = "pool1"
/// type = "avg_pool"
/// kernel = 3
/// padding = 1
/// count_padding = false
///
/// [[op]]
/// name = "whole"
/// type = "avg_pool"
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPool {
    /// The window.
    pub pool: Pool,
    /// Whether a mean counts the zeros of the padding.
    pub count_padding: bool,
}

impl AvgPool {
    /// Counts the padding's zeros.
    #[must_use]
    pub fn new(pool: Pool) -> Self {
        Self { pool, count_padding: true }
    }
}

impl Operator for AvgPool {
    fn types() -> &'static [&'static str] {
        &["avg_pool"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        let count_padding = fields.take("count_padding")?.unwrap_or(true);
        Ok(Self { pool: Pool::read(fields)?, count_padding })
    }

    fn kind(&self) -> &'static str {
        "avg_pool"
    }

    fn write(&self) -> Written {
        let fields = self.pool.write();
        if self.count_padding { fields } else { fields.with("count_padding", false) }
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        self.pool.shape(site)
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
        let (window, map, [_, columns]) = (self.pool.window(from), sides(from), sides(to));
        let mut dx = vec![0.0; from.scalars()];
        for (dx, dy) in dx.chunks_mut(from.area()).zip(dy.chunks(to.area())) {
            for (position, dy) in dy.iter().enumerate() {
                let at = [position / columns, position % columns];
                let mut on_map = 0;
                window.visit(map, at, |_, _| on_map += 1);
                let all = if self.count_padding { window.on_padded_map(map, at) } else { on_map };
                let share = 1.0 / all.max(1) as f64;
                window.visit(map, at, |_, p| dx[p] += dy * share);
            }
        }
        dx
    }
}
