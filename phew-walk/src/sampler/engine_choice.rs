//! Which engine draws the walks.

use crate::params::Engine;
use crate::walk::sampling_table::SamplingTable;

/// Batches pay from this many weights on,
const BULK_WEIGHTS: usize = 200_000;

/// if they are at least this share of the prunable ones,
const BULK_DENSITY: f64 = 0.3;

/// or at least this many for each kernel. Measured: on VGG-19 both engines take the same time at 10 %, on a
/// multilayer perceptron at 30 %.
const BULK_SHARE: f64 = 1.0;

/// Kernels for each walk of a batch at most.
const BATCH: usize = 32;

/// The engine that serves a target: what was asked for, or the faster one by a rule on the input alone.
///
/// A batch of walks passes over all kernels, whatever it keeps, so it pays where a good part of them is kept.
pub(super) fn choose_engine(asked: Engine, tables: &[SamplingTable<'_>], target: usize) -> Engine {
    // A unit with nothing but scores of 0 onwards is left uniformly: only the walker does that.
    if tables.iter().any(SamplingTable::has_stuck_units) {
        return Engine::Walk;
    }
    let weights: usize = tables.iter().map(|t| t.weights.len()).sum();
    let few = BULK_SHARE * kernels(tables) as f64;
    let fewest = few.min(BULK_DENSITY * weights as f64).max(BULK_WEIGHTS as f64);
    match asked {
        Engine::Auto if target as f64 >= fewest => Engine::Bulk,
        Engine::Auto => Engine::Walk,
        asked => asked,
    }
}

/// The fewest walks that are worth a batch: it reads the norms of all kernels, so fewer are faster one by one.
pub(super) fn least_batch(tables: &[SamplingTable<'_>]) -> u64 {
    (kernels(tables) / BATCH) as u64
}

fn kernels(tables: &[SamplingTable<'_>]) -> usize {
    tables.iter().map(|t| t.kernels().len()).sum()
}
