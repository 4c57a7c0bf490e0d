//! Mean over as many windows as are asked for.

use std::ops::Range;

use super::effect::Effect;
use super::fields::{Fields, Pair, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use super::window::sides;
use crate::arch::shape::Shape;
use crate::error::GraphError;

/// Mean over windows that share a map among so many rows and columns: of `n` the window number `i` of `out` runs from
/// `⌊i·n/out⌋` to `⌈(i+1)·n/out⌉`, as in PyTorch.
///
/// It belongs to the layer that it reads. Over a sequence only the second size counts.
///
/// ```toml
/// [[op]]
/// name = "pool"
/// type = "adaptive_avg_pool"
/// out = [7, 5]
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdaptiveAvgPool {
    /// Rows and columns of the output.
    pub out: [usize; 2],
}

impl AdaptiveAvgPool {
    /// The rows or columns of a window, of `all` that share so many.
    pub(crate) fn window(position: usize, all: usize, size: usize) -> Range<usize> {
        position * size / all..((position + 1) * size).div_ceil(all)
    }
}

impl Operator for AdaptiveAvgPool {
    fn types() -> &'static [&'static str] {
        &["adaptive_avg_pool"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        Ok(Self { out: fields.need::<Pair>("out")?.both() })
    }

    fn kind(&self) -> &'static str {
        "adaptive_avg_pool"
    }

    fn write(&self) -> Written {
        Written::new().pair("out", self.out)
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        site.map()?;
        let [height, width] = self.out;
        site.size("out", height, 1)?;
        site.size("out", width, 1)?;
        Ok(match site.input() {
            Shape::Sequence { channels, .. } => Shape::Sequence { channels, length: width },
            other => Shape::Image { channels: other.units(), height, width },
        })
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

impl LinearMap for AdaptiveAvgPool {
    fn transposed(&self, at: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        let (from, to) = (at.inputs[0], at.output);
        let (map, out) = (sides(from), sides(to));
        let window = |axis: usize, i: usize| Self::window(i, out[axis], map[axis]);
        let mut dx = vec![0.0; from.scalars()];
        for (dx, dy) in dx.chunks_mut(from.area()).zip(dy.chunks(to.area())) {
            for (position, dy) in dy.iter().enumerate() {
                let (rows, columns) = (window(0, position / out[1]), window(1, position % out[1]));
                let share = dy / (rows.len() * columns.len()) as f64;
                for y in rows {
                    dx[y * map[1]..][columns.clone()].iter_mut().for_each(|d| *d += share);
                }
            }
        }
        dx
    }
}
