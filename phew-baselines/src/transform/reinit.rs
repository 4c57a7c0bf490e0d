//! New weights for a masked network.

use phew_graph::{Init, Mask, Network};
use rayon::prelude::*;

use crate::error::BaselineError;

/// How the variance of new weights answers to the mask.
///
/// With an initialiser of variance `c / fan` (2 / fan-in for Kaiming's), density `d_l` of a tensor and `k_j` kept
/// weights into unit `j` of `n` in all:
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reinit {
    /// `c / fan`, as if nothing were pruned.
    #[default]
    Dense,
    /// `c / (fan · d_l)`: the tensor's average fan (Liu et al. 2019).
    LayerwiseSparse,
    /// `c / (fan · k_j / n)`: the unit's own fan-in (Evci et al. 2022). A unit without kept weights gets
    /// zeros.
    NeuronwiseSparse,
}

phew_graph::choice! {
    Reinit, "variance":
    Dense => "dense", "As if nothing were pruned: c / fan",
    LayerwiseSparse => "layerwise-sparse",
        "Over the layer's density: c / (fan · density) (Liu et al. 2019)",
    NeuronwiseSparse => "neuronwise-sparse",
        "Over the share of the unit's own weights that is kept: c / (fan · share) (Evci et al. 2022)",
}

/// Draws new values for the prunable weights; biases and normalisation stay.
///
/// `init` at a seed of its own gives the distribution: `Init::Normal { std: 1.0 }` is Frankle et al.'s N(0, 1),
/// `Init::Orthogonal` layerwise dynamical isometry (Lee et al. 2020), both with [`Reinit::Dense`].
///
/// # Errors
/// [`BaselineError::Graph`] if the mask is not of the network's architecture, a standard deviation is not
/// positive, or scaling overflows.
///
/// # References
/// Liu et al. 2019; Evci et al. 2022, section 3; Frankle et al. 2021, section 5 (reinitialisation, N(0, 1)).
pub fn reinitialise(
    network: &Network,
    mask: &Mask,
    reinit: Reinit,
    init: Init,
    seed: u64,
) -> Result<Network, BaselineError> {
    mask.check(network.arch(), "the mask")?;
    let fresh = Network::initialise(network.arch().clone(), init, seed)?;
    let weights = fresh.weights().into_par_iter().zip(mask.layers()).map(|(values, layer)| {
        let row = layer.len() / layer.shape()[0];
        let mut values = values.to_vec();
        match reinit {
            Reinit::Dense => {}
            Reinit::LayerwiseSparse => scale(&mut values, layer.density()),
            Reinit::NeuronwiseSparse => {
                let mut kept = vec![0usize; layer.shape()[0]];
                layer.iter().for_each(|i| kept[i / row] += 1);
                for (unit, kept) in values.chunks_mut(row).zip(kept) {
                    scale(unit, kept as f64 / row as f64);
                }
            }
        }
        values
    });
    Ok(network.with_weights(weights.collect())?)
}

/// Divides by the root of a density; zeros where nothing is kept.
fn scale(values: &mut [f32], density: f64) {
    let factor = if density > 0.0 { 1.0 / density.sqrt() } else { 0.0 };
    values.iter_mut().for_each(|v| *v = (f64::from(*v) * factor) as f32);
}
