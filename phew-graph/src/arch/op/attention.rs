//! Attention of several heads.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::error::GraphError;
use crate::paths::wiring::Wiring;

/// Scaled dot-product attention: `softmax(scale · QᵀK) V` for each head, where `inputs` are the queries, the keys and the
/// values, in this order.
///
/// The units of a head stand one after the other, as `nn.MultiheadAttention` has them. The output has the positions of the
/// queries.
///
/// It has no weights. A path goes on from a unit of the values to the same unit of the output; from a unit of the queries
/// or of the keys it goes on to every unit of its head, as from a gate. This is phew's own definition, beyond the papers:
/// `docs/attention.md`.
///
/// # References
/// The operator: Vaswani et al. 2017, eq. (1).
///
/// ```toml
/// [[op]]
/// name = "attention"
/// type = "attention"
/// inputs = ["query", "key", "value"]
/// heads = 12
/// causal = true
/// scale = 0.125
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    /// Heads, which divide the units.
    pub heads: usize,
    /// Whether a position sees only itself and those before it; no by default.
    pub causal: bool,
    /// Factor of the products of queries and keys; by default one over the root of a head's units.
    pub scale: Option<f64>,
}

impl Attention {
    /// Multiply-adds of one forward pass: of each query with each key, and of each value into each output.
    pub(crate) fn multiply_adds(query: Shape, key: Shape) -> u128 {
        2 * query.scalars() as u128 * key.area() as u128
    }
}

impl Operator for Attention {
    fn types() -> &'static [&'static str] {
        &["attention"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        Ok(Self {
            heads: fields.need("heads")?,
            causal: fields.take("causal")?.unwrap_or(false),
            scale: fields.take("scale")?,
        })
    }

    fn kind(&self) -> &'static str {
        "attention"
    }

    fn write(&self) -> Written {
        let mut fields = Written::new().size("heads", self.heads);
        if self.causal {
            fields = fields.with("causal", true);
        }
        match self.scale {
            Some(scale) => fields.with("scale", scale),
            None => fields,
        }
    }

    fn arity(&self) -> Arity {
        Arity::Three
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        let [query, key, value] = site.inputs else {
            unreachable!("the number of inputs is checked before their shapes")
        };
        site.size("heads", self.heads, 1)?;
        let units = query.units();
        if !units.is_multiple_of(self.heads) {
            let expected = format!("a divisor of {units} units");
            return Err(site.field("heads", self.heads, expected));
        }
        if let Some(scale) = self.scale.filter(|scale| !scale.is_finite()) {
            return Err(site.field("scale", scale, "a finite number"));
        }
        if key.units() != units {
            return Err(site.wrong(*key, format!("keys of {units} units, as the queries have")));
        }
        if value != key {
            return Err(site.wrong(*value, format!("values of the shape {key}, as the keys have")));
        }
        Ok(*query)
    }

    fn tensors(&self, _: &[Shape], _: Shape) -> Vec<OwnTensor> {
        Vec::new()
    }

    fn effect(&self, inputs: &[Shape]) -> Effect {
        let head = Wiring::Blocks { block: inputs[0].units() / self.heads };
        Effect::Free(vec![head, head, Wiring::Identity])
    }

    fn linear(&self) -> Option<&dyn LinearMap> {
        None
    }
}
