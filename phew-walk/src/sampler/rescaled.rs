//! Weights of extreme magnitude, brought near 1.
//!
//! A walk chooses among the weights of one tensor at a time, so its law does not depend on a tensor's scale. Scores and
//! their sums are formed in single precision, where the square of 10²⁰ is infinite and that of 10⁻²⁴ is 0: such tensors
//! are multiplied by a power of two first, which changes no ratio of two weights.

use phew_graph::{GraphError, Network};

use crate::walk::sampling_table::SamplingTable;

/// Scores within these bounds, and their sums, neither overflow nor vanish.
const SAFE: std::ops::RangeInclusive<f32> = 1e-25..=1e25;

/// Greatest magnitudes that are left as they are: of squares and reciprocals too are within [`SAFE`].
const NEAR_ONE: std::ops::RangeInclusive<f32> = 1e-10..=1e10;

/// Whether the greatest score at some unit is outside of what single precision serves well: 0 too.
pub(super) fn is_extreme(table: &SamplingTable<'_>) -> bool {
    let bounds = table.forward.bound.iter().chain(&table.reverse.bound);
    !bounds.copied().all(|bound| SAFE.contains(&bound))
}

/// The network with each tensor of extreme magnitude scaled by a power of two; nothing if there is none.
///
/// # Errors
/// None in practice: scaled weights are finite.
pub(super) fn rescaled(network: &Network) -> Result<Option<Network>, GraphError> {
    let weights = network.weights();
    let greatest = |values: &&[f32]| values.iter().fold(0.0_f32, |most, w| most.max(w.abs()));
    let scale = |most: f32| match most {
        most if most > 0.0 && !NEAR_ONE.contains(&most) => {
            libm::exp2(-libm::floor(libm::log2(f64::from(most))))
        }
        _ => 1.0,
    };
    let scales: Vec<f64> = weights.iter().map(greatest).map(scale).collect();
    if scales.iter().all(|&scale| scale.to_bits() == 1.0_f64.to_bits()) {
        return Ok(None);
    }
    let scaled = |(values, scale): (&&[f32], f64)| {
        values.iter().map(|&w| (f64::from(w) * scale) as f32).collect()
    };
    network.with_weights(weights.iter().zip(scales).map(scaled).collect()).map(Some)
}
