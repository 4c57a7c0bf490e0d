//! Multilayer perceptrons with given weights, and masks, for the tests of the lemmas: drawn so that shrunk cases are
//! small, and shown so that they can be worked out by hand.
#![allow(dead_code, reason = "each test binary uses a part of this")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fmt;
use std::ops::RangeInclusive;

use phew_graph::{Init, LayerMask, Mask, Network, zoo};
use proptest::collection::vec;
use proptest::prelude::*;

/// Widths, inputs first, and weights, row-major `[out, in]`, a tensor for each layer of them.
#[derive(Clone, PartialEq)]
pub(crate) struct Mlp {
    pub(crate) widths: Vec<usize>,
    pub(crate) weights: Vec<Vec<f32>>,
}

impl Mlp {
    pub(crate) fn new(widths: &[usize], weights: Vec<Vec<f32>>) -> Self {
        Self { widths: widths.to_vec(), weights }
    }

    /// All weights 1.
    pub(crate) fn ones(widths: &[usize]) -> Self {
        Self::new(widths, widths.windows(2).map(|w| vec![1.0; w[0] * w[1]]).collect())
    }

    pub(crate) fn network(&self) -> Network {
        let arch = zoo::mlp(&self.widths).build().unwrap();
        let network = Network::initialise(arch, Init::default(), 0).unwrap();
        network.with_weights(self.weights.clone()).unwrap()
    }
}

/// `1 → 2 → 1, weights [3, -1] [1, 1]`.
impl fmt::Debug for Mlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, weights", arrows(&self.widths))?;
        self.weights.iter().try_for_each(|layer| write!(f, " [{}]", join(layer, ", ")))
    }
}

/// Which edges a mask keeps, by tensor or by unit.
#[derive(Clone, PartialEq)]
pub(crate) struct Keep(pub(crate) Vec<Vec<bool>>);

impl Keep {
    pub(crate) fn count(&self) -> usize {
        self.0.iter().flatten().filter(|&&keep| keep).count()
    }
}

/// `111100 100100`.
impl fmt::Debug for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bit = |&keep: &bool| if keep { '1' } else { '0' };
        let parts: Vec<String> = self.0.iter().map(|part| part.iter().map(bit).collect()).collect();
        f.write_str(&parts.join(" "))
    }
}

pub(crate) fn arrows(widths: &[usize]) -> String {
    join(widths, " → ")
}

pub(crate) fn join<T: fmt::Display>(values: &[T], between: &str) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(between)
}

/// The mask that keeps the edges for which `keep(tensor, index)` holds.
pub(crate) fn mask(network: &Network, keep: impl Fn(usize, usize) -> bool) -> Mask {
    let layers = network.arch().prunable().iter().enumerate();
    let layer = |(t, spec): (usize, &phew_graph::TensorSpec)| {
        LayerMask::from_fn(&spec.name, &spec.shape, |i| keep(t, i))
    };
    Mask::from_layers(layers.map(layer).collect())
}

/// A small whole number but 0, of either sign.
pub(crate) fn whole_weight() -> impl Strategy<Value = f32> {
    (1u8..=9).prop_map(f32::from).prop_flat_map(of_either_sign)
}

/// Any weight but 0: mostly a whole one.
pub(crate) fn weight() -> impl Strategy<Value = f32> {
    let other = (-6f32..6.0).prop_map(|power| 10f32.powf(power)).prop_flat_map(of_either_sign);
    prop_oneof![4 => whole_weight(), 1 => other]
}

pub(crate) fn of_either_sign(magnitude: f32) -> impl Strategy<Value = f32> {
    any::<bool>().prop_map(move |minus| if minus { -magnitude } else { magnitude })
}

/// Any weights but 0 of a network of these widths.
pub(crate) fn any_weights(widths: Vec<usize>) -> impl Strategy<Value = Mlp> {
    let layers: Vec<_> = widths.windows(2).map(|w| vec(weight(), w[0] * w[1])).collect();
    layers.prop_map(move |weights| Mlp::new(&widths, weights))
}

/// So many layers of so many units, inputs and outputs among them, with any weights but 0.
pub(crate) fn any_mlp(
    layers: RangeInclusive<usize>,
    units: RangeInclusive<usize>,
) -> impl Strategy<Value = Mlp> {
    vec(units, layers).prop_flat_map(any_weights)
}

/// Masks of any density, of parts of these sizes.
pub(crate) fn any_mask(parts: Vec<usize>) -> impl Strategy<Value = Keep> {
    let at = move |density| {
        let parts = parts.iter().map(|&n| vec(proptest::bool::weighted(density), n));
        parts.collect::<Vec<_>>().prop_map(Keep)
    };
    (0.0..=1.0).prop_flat_map(at)
}

/// A mask with a few of its bits exchanged: as many edges as before.
pub(crate) fn exchanged(mask: Keep) -> impl Strategy<Value = Keep> {
    let places = 0..mask.0.iter().map(Vec::len).sum();
    let exchange = move |pairs: Vec<(usize, usize)>| {
        let mut bits = mask.0.concat();
        pairs.into_iter().for_each(|(a, b)| bits.swap(a, b));
        let mut bits = bits.into_iter();
        Keep(mask.0.iter().map(|part| bits.by_ref().take(part.len()).collect()).collect())
    };
    vec((places.clone(), places), 0..6).prop_map(exchange)
}

/// All orders of the numbers below n.
pub(crate) fn permutations(n: usize) -> Vec<Vec<usize>> {
    let Some(last) = n.checked_sub(1) else { return vec![Vec::new()] };
    let place =
        |order: Vec<usize>| (0..n).map(move |at| [&order[..at], &[last], &order[at..]].concat());
    permutations(last).into_iter().flat_map(place).collect()
}
