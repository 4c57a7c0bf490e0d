//! The files that a plan names, and what decides a result of them: their bytes, not where they lie.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// A file or folder that a job reads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Input {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// Hash of its bytes; of a folder, of the names and sizes in it.
    pub(crate) hash: String,
}

/// Files by their paths, each read once.
#[derive(Debug, Default)]
pub(crate) struct Inputs(BTreeMap<PathBuf, String>);

impl Inputs {
    /// The file of a name, looked for in the plan's folder if it is relative.
    ///
    /// # Errors
    /// If it is not there or cannot be read.
    pub(crate) fn find(&mut self, folder: &Path, name: &str) -> anyhow::Result<Input> {
        let path = absolute(folder, name)?;
        if let Some(hash) = self.0.get(&path) {
            return Ok(Input { path, hash: hash.clone() });
        }
        let bytes = if path.is_dir() {
            let mut names = Vec::new();
            listing(&path, &path, &mut names).with_context(|| path.display().to_string())?;
            names.sort();
            names.join("\n").into_bytes()
        } else {
            phew_graph::read_file(&path).with_context(|| path.display().to_string())?
        };
        let hash = phew_graph::content_hash(&bytes);
        self.0.insert(path.clone(), hash.clone());
        Ok(Input { path, hash })
    }
}

/// The path of a name, from the plan's folder if it is relative.
pub(crate) fn absolute(folder: &Path, name: &str) -> anyhow::Result<PathBuf> {
    if name.is_empty() {
        bail!("a file has no name");
    }
    std::path::absolute(folder.join(name)).with_context(|| name.to_owned())
}

/// Names relative to `root`, with sizes.
fn listing(root: &Path, folder: &Path, into: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            listing(root, &path, into)?;
        } else {
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            into.push(format!("{name} {}", std::fs::metadata(&path)?.len()));
        }
    }
    Ok(())
}
