//! Data sets and folders that take the place of those of a reproduction.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::bail;

use super::parts::Parts;
use crate::sweep::Plan;

/// What `--data` and `--data-dir` say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Substitute {
    /// The data set in place of all others.
    pub(crate) set: Option<String>,
    /// Folders, each with the set whose it is if one is named.
    pub(crate) folders: Vec<(Option<String>, PathBuf)>,
}

impl Substitute {
    /// What is said of it on figures.
    pub(crate) fn note(&self) -> Option<String> {
        let name = |path: &PathBuf| path.file_name().unwrap_or_default().display().to_string();
        let folder = |(set, path): &(Option<String>, PathBuf)| {
            let of = set.as_ref().map(|set| format!(" of {set}")).unwrap_or_default();
            format!("Images{of} from folder {}.", name(path))
        };
        match (&self.set, &self.folders[..]) {
            (None, []) => None,
            (None, folders) => Some(folders.iter().map(folder).collect::<Vec<_>>().join(" ")),
            (Some(set), [(_, path), ..]) if set == "folder" => {
                Some(format!("Images of folder {} in place of the plan's.", name(path)))
            }
            (Some(set), _) => Some(format!("Data set {set} in place of the plan's.")),
        }
    }

    /// The parts of a plan with it; none if it does not concern the plan.
    ///
    /// # Errors
    /// If it is not clear of which set a folder is.
    pub(super) fn parts(&self, plan: &Plan, parts: Parts) -> anyhow::Result<Option<Parts>> {
        if self.set.is_none() && self.folders.is_empty() {
            return Ok(None);
        }
        let read = read(plan)?;
        if read.is_empty() {
            return Ok(None);
        }
        let mut parts = match &self.set {
            Some(set) => parts.on(set),
            None => parts,
        };
        for (of, folder) in &self.folders {
            let concerns = |set: &str| of.as_ref().is_none_or(|of| of == set);
            if let Some(set) = &self.set {
                parts = if concerns(set) { parts.from(folder, None) } else { parts };
                continue;
            }
            let files = || read.iter().map(|(set, _)| set.as_str()).filter(|set| *set != "digits");
            let all: BTreeSet<&str> = files().collect();
            let mut sets = all.iter().copied().filter(|set| concerns(set));
            parts = match (sets.next(), sets.next()) {
                (Some(_), None) if all.len() == 1 => parts.from(folder, None),
                (Some(set), None) => {
                    let of_set = read.iter().filter(|(name, _)| name == set);
                    let recipes: Vec<String> = of_set.filter_map(|(_, r)| r.clone()).collect();
                    match recipes.is_empty() {
                        true => parts.from(folder, Some(("data", &[set.to_owned()]))),
                        false => parts.from(folder, Some(("recipe", &recipes))),
                    }
                }
                (None, _) => parts,
                (Some(_), Some(_)) => {
                    let sets = all.into_iter().collect::<Vec<_>>().join(", ");
                    bail!("--data-dir: cells are of {sets}; say SET=DIR")
                }
            };
        }
        Ok(Some(parts))
    }
}

/// The data sets that cells of a plan read, each with the recipe that says so, if one does.
#[cfg(feature = "train")]
fn read(plan: &Plan) -> anyhow::Result<BTreeSet<(String, Option<String>)>> {
    let (graph, cells) = crate::sweep::Graph::of(plan)?;
    super::data_sets::read_by(&graph.jobs, &cells)
}

/// What reads data needs a build with libtorch.
#[cfg(not(feature = "train"))]
fn read(plan: &Plan) -> anyhow::Result<BTreeSet<(String, Option<String>)>> {
    crate::sweep::Graph::of(plan).map(|_| BTreeSet::new())
}
