//! What every network is held to, wherever its weights come from: a file, arrays, training or a draw.

use std::collections::BTreeSet;

use rayon::prelude::*;

use crate::arch::{Arch, Role, TensorSpec};
use crate::error::{GraphError, list};

/// What to do with tensors that the architecture does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extra {
    /// Refuse the source: it is probably another network's.
    Refuse,
    /// Leave them alone.
    Ignore,
}

/// Refuses values that no network may hold: a wrong number of them, NaN, infinities, negative variances.
pub(super) fn check_values(
    origin: &str,
    spec: &TensorSpec,
    values: &[f32],
) -> Result<(), GraphError> {
    if values.len() != spec.len() {
        return Err(GraphError::TensorShape {
            origin: origin.to_owned(),
            name: spec.name.clone(),
            found: vec![values.len()],
            expected: spec.shape.to_vec(),
        });
    }
    if let Some(index) = first(values, |v| !v.is_finite()) {
        let (origin, name, value) = (origin.to_owned(), spec.name.clone(), values[index]);
        let index = spec.shape.place_in_files(index);
        return Err(GraphError::NotFinite { origin, name, index, value });
    }
    if spec.role != Role::RunningVar {
        return Ok(());
    }
    let Some(index) = first(values, |v| v < 0.0) else { return Ok(()) };
    let (origin, name, value) = (origin.to_owned(), spec.name.clone(), values[index]);
    Err(GraphError::Variance { origin, name, index, value })
}

/// Index of the first value that is `bad`: one parallel pass.
fn first(values: &[f32], bad: impl Fn(f32) -> bool + Sync) -> Option<usize> {
    const BLOCK: usize = 1 << 16;
    let block = values.par_chunks(BLOCK).position_first(|block| block.iter().any(|&v| bad(v)))?;
    let from = block * BLOCK;
    values[from..].iter().position(|&v| bad(v)).map(|at| from + at)
}

/// Refuses names that do not fit the architecture.
///
/// Of a batch normalisation scale and shift may be missing together, and so may the statistics; PyTorch's
/// `num_batches_tracked` is passed over.
pub(super) fn check_names<'a>(
    origin: &str,
    arch: &Arch,
    names: impl IntoIterator<Item = &'a str>,
    extra: Extra,
) -> Result<(), GraphError> {
    let found: BTreeSet<&str> = names.into_iter().collect();
    let specs = || arch.prunable().iter().chain(arch.auxiliary());
    let is_statistic = |role| matches!(role, Role::RunningMean | Role::RunningVar);
    // Whether the other tensor of its pair is there.
    let has_other = |spec: &TensorSpec| {
        specs().any(|s| {
            s.nodes == spec.nodes
                && is_statistic(s.role) == is_statistic(spec.role)
                && found.contains(s.name.as_str())
        })
    };
    let missing: Vec<&str> = specs()
        .filter(|s| !found.contains(s.name.as_str()) && (!s.role.is_norm() || has_other(s)))
        .map(|s| s.name.as_str())
        .collect();
    if !missing.is_empty() {
        let unknown: Vec<&str> =
            found.iter().copied().filter(|&n| specs().all(|s| s.name != n)).collect();
        let (origin, names, has) = (origin.to_owned(), list(&missing), list(&unknown).into());
        return Err(GraphError::Missing { origin, names, arch: arch.name().to_owned(), has });
    }
    if extra == Extra::Ignore {
        return Ok(());
    }
    let known: BTreeSet<&str> = specs().map(|s| s.name.as_str()).collect();
    let counters: BTreeSet<String> = specs()
        .filter_map(|s| s.name.strip_suffix("running_mean"))
        .map(|norm| format!("{norm}num_batches_tracked"))
        .collect();
    let unknown: Vec<&str> =
        found.into_iter().filter(|&n| !known.contains(n) && !counters.contains(n)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let (origin, names) = (origin.to_owned(), list(&unknown));
    Err(GraphError::Extra { origin, names, arch: arch.name().to_owned() })
}
