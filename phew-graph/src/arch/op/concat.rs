//! Concatenations, as DenseNet's.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::error::GraphError;
use crate::paths::wiring::Wiring;

/// The channels of two or more images of one height and width or sequences of one length, or the features of two or more
/// vectors, one input after the other.
///
/// A path passes through unchanged: unit `i` of an input is unit `first + i` of the output, where `first` counts the
/// units of the inputs before.
///
/// ```toml
/// [[op]]
/// name = "concat"
/// type = "concat"
/// inputs = ["conv2", "relu1"]
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concat;

/// For each input, the number of units before its own.
fn firsts(inputs: &[Shape]) -> impl Iterator<Item = usize> + '_ {
    inputs.iter().scan(0, |before, shape| {
        let first = *before;
        *before += shape.units();
        Some(first)
    })
}

impl Operator for Concat {
    fn types() -> &'static [&'static str] {
        &["concat"]
    }

    fn read(_: &mut Fields) -> Result<Self, String> {
        Ok(Self)
    }

    fn kind(&self) -> &'static str {
        "concat"
    }

    fn write(&self) -> Written {
        Written::new()
    }

    fn arity(&self) -> Arity {
        Arity::Many
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        let first = site.input();
        let fits = |shape: Shape| shape.with_units(first.units()) == first;
        if let Some(&found) = site.inputs.iter().find(|&&shape| !fits(shape)) {
            let wanted = match first {
                Shape::Features(_) => "[features], as its first input".to_owned(),
                Shape::Sequence { length, .. } => {
                    format!("[channels, {length}], as its first input")
                }
                Shape::Image { height, width, .. } => {
                    format!("[channels, {height}, {width}], as its first input")
                }
            };
            return Err(site.wrong(found, wanted));
        }
        let units = site.inputs.iter().fold(0, |sum: usize, s| sum.saturating_add(s.units()));
        Ok(first.with_units(units))
    }

    fn tensors(&self, _: &[Shape], _: Shape) -> Vec<OwnTensor> {
        Vec::new()
    }

    fn effect(&self, inputs: &[Shape]) -> Effect {
        let block = |(first, shape): (usize, &Shape)| Wiring::Block { first, units: shape.units() };
        Effect::Free(firsts(inputs).zip(inputs).map(block).collect())
    }

    fn linear(&self) -> Option<&dyn LinearMap> {
        Some(self)
    }
}

impl LinearMap for Concat {
    fn transposed(&self, at: &Linearised<'_>, input: usize, dy: &[f64]) -> Vec<f64> {
        let first = firsts(at.inputs).nth(input).unwrap_or(0) * at.output.area();
        dy[first..first + at.inputs[input].scalars()].to_vec()
    }
}
