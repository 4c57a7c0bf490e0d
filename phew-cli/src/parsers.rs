//! Parsers of files that no public function reads by themselves, for fuzz targets.

use std::path::Path;

use crate::collect::{Rows, gather};
use crate::reproduce::{Reproduction, Scale, Substitute};
use crate::sweep::{Folder, Plan, cells};

/// The number of cells of a plan.
///
/// # Errors
/// As `phew sweep`.
pub fn plan(text: &str) -> anyhow::Result<usize> {
    Ok(cells(&Plan::parse(text, Path::new("."))?).len())
}

/// The number of cells of a reproduction at all of its scales.
///
/// # Errors
/// As `phew reproduce`.
pub fn reproduction(text: &str) -> anyhow::Result<usize> {
    let found = Reproduction::parse(text)?;
    let mut count = 0;
    for scale in Scale::ALL {
        let plans = found.plans(scale, &Substitute::default(), Path::new("."))?;
        count += plans.iter().map(|plan| cells(plan).len()).sum::<usize>();
    }
    Ok(count)
}

/// The rows of the folder of a sweep.
///
/// # Errors
/// As `phew collect`.
pub fn sweep(folder: &Path) -> anyhow::Result<Rows> {
    gather(&Folder::read(folder)?, |_| true)
}
