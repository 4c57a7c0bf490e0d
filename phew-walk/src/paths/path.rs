//! A path, the order of paths, and the mask of some.

use phew_graph::{LayerId, Mask, Network, TensorId};

/// Which end of the order by edge-weight product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// The greatest products first.
    Greatest,
    /// The least products first.
    Least,
}

phew_graph::choice! {
    Order, "order":
    Greatest => "greatest", "The greatest products first",
    Least => "least", "The least products first",
}

impl Order {
    /// What turns the logarithm of a product into a value of which the greatest is the best.
    pub(crate) fn sign(self) -> f64 {
        match self {
            Order::Greatest => 1.0,
            Order::Least => -1.0,
        }
    }

    /// The value of a weight, of which a path has the sum; none for weights of 0, which no ranked path passes.
    pub(crate) fn value_of(self, weight: f32) -> Option<f64> {
        (weight != 0.0).then(|| self.sign() * libm::log(f64::from(weight.abs())))
    }
}

/// An input-output path.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedPath {
    /// Natural logarithm of the edge-weight product `Π|θ|`.
    pub ln_product: f64,
    /// Its weights from input to output, as (prunable tensor, row-major index).
    pub weights: Vec<(TensorId, usize)>,
}

/// A unit of a layer: layer and unit.
pub(crate) type Place = (LayerId, usize);

/// The mask of a set of paths.
#[must_use]
pub fn mask_of(network: &Network, paths: &[RankedPath]) -> Mask {
    let mut mask = Mask::empty(network.arch());
    for &(tensor, index) in paths.iter().flat_map(|p| &p.weights) {
        mask.layer_mut(tensor).insert(index);
    }
    mask
}
