//! Random vectors to start Krylov spaces from.

use phew_graph::{stream, stream_key};
use rand::Rng;

/// Uniform numbers in [−1, 1) where `keep` holds, 0 elsewhere.
pub(crate) fn random_vector(len: usize, seed: u64, keep: impl Fn(usize) -> bool) -> Vec<f64> {
    let mut rng = stream(stream_key("phew 1 krylov", seed), 0);
    (0..len).map(|i| if keep(i) { rng.random_range(-1.0..1.0) } else { 0.0 }).collect()
}
