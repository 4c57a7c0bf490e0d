//! Which data set, and where it lies.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use phew_train::{DataSpec, Dataset, Set, TrainError, TransformSpec};

use crate::data_cache;

/// A set by its name.
pub(crate) fn data_set(name: &str) -> Result<Set, TrainError> {
    name.parse()
}

/// The folder of a set where none was named: one in `$PHEW_DATA` or `~/.cache/phew`.
pub(crate) fn usual_dir(set: Set) -> Option<PathBuf> {
    let folder = set.folder()?;
    let root = std::env::var_os("PHEW_DATA").map(PathBuf::from).or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
        Some(cache.or_else(home)?.join("phew"))
    })?;
    Some(root.join(folder))
}

/// A set from its folder, or from where `phew data fetch` puts it, as it is or as the transformation task of a seed.
pub(crate) fn load_data(
    set: Set,
    dir: Option<&Path>,
    transform: Option<u64>,
) -> anyhow::Result<Arc<Dataset>> {
    let dir = dir.map(Path::to_owned).or_else(|| usual_dir(set));
    let transform = transform.map(|seed| TransformSpec { seed, per_class: None });
    data_cache::images(&DataSpec { dir, transform, ..DataSpec::new(set) })
}
