//! Channel shuffles.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::error::GraphError;
use crate::paths::wiring::Wiring;

/// A layer's units as a matrix, row by row, that is transposed: unit `i·columns + j` becomes unit `j·rows + i`.
///
/// Reshaping `[groups · n, …]` to `[groups, n, …]`, exchanging the two axes and reshaping back is this, with `groups` rows.
///
/// ```toml
/// [[op]]
/// name = "shuffle"
/// type = "shuffle"
/// rows = 2
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shuffle {
    /// Rows before.
    pub rows: usize,
}

impl Operator for Shuffle {
    fn types() -> &'static [&'static str] {
        &["shuffle"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        Ok(Self { rows: fields.need("rows")? })
    }

    fn kind(&self) -> &'static str {
        "shuffle"
    }

    fn write(&self) -> Written {
        Written::new().size("rows", self.rows)
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        let units = site.input().units();
        if self.rows == 0 || !units.is_multiple_of(self.rows) {
            return Err(site.field("rows", self.rows, format!("a divisor of {units} units")));
        }
        Ok(site.input())
    }

    fn tensors(&self, _: &[Shape], _: Shape) -> Vec<OwnTensor> {
        Vec::new()
    }

    fn effect(&self, inputs: &[Shape]) -> Effect {
        let rows = self.rows;
        Effect::Free(vec![Wiring::Transpose { rows, columns: inputs[0].units() / rows }])
    }

    fn linear(&self) -> Option<&dyn LinearMap> {
        Some(self)
    }
}

impl LinearMap for Shuffle {
    fn transposed(&self, at: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        let (units, area) = (at.output.units(), at.output.area());
        let wiring = Wiring::Transpose { rows: self.rows, columns: units / self.rows };
        let maps = (0..units).flat_map(|source| wiring.targets_of(source));
        maps.flat_map(|target| &dy[target * area..(target + 1) * area]).copied().collect()
    }
}
