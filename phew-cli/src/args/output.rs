//! Where a result goes, and whether it can go there.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use phew_graph::Overwrite;

use crate::failure::usage;

/// Where the result goes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,

    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

impl OutputArgs {
    /// What to do with an existing file.
    pub(crate) fn overwrite(&self) -> Overwrite {
        overwrite(self.force)
    }

    /// Refuses before the work what would be refused after it.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.check_path(&self.output)
    }

    /// As [`OutputArgs::check`], for another file of the same command.
    pub(crate) fn check_path(&self, path: &Path) -> anyhow::Result<()> {
        check_output(path, self.force)
    }
}

/// What to do with an existing file.
pub(crate) fn overwrite(force: bool) -> Overwrite {
    if force { Overwrite::Replace } else { Overwrite::Refuse }
}

/// Refuses a file that cannot be written, or must not be.
pub(crate) fn check_output(path: &Path, force: bool) -> anyhow::Result<()> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    if let Some(extension @ ("pt" | "pth" | "pkl" | "bin")) = extension {
        return Err(usage(format!(
            "{}: phew writes safetensors, which `torch.load` does not read under `.{extension}`: name it .safetensors \
             (PyTorch reads it with safetensors.torch.load_file)",
            path.display()
        )));
    }
    if path.is_dir() {
        return Err(usage(format!("{}: is a folder, expected a file", path.display())));
    }
    // Files are written by renaming, which would put one in the place of a device.
    if path.exists() && !path.is_file() {
        return Err(usage(format!("{}: is not a regular file", path.display())));
    }
    if !force && path.exists() {
        return Err(usage(format!("{}: already exists (--force replaces it)", path.display())));
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(usage(format!("{}: no such folder {}", path.display(), folder.display())));
    }
    // Files are written beside the place where they are to lie: here a nameless one shows whether that can be done.
    tempfile::tempfile_in(folder).with_context(|| path.display().to_string())?;
    Ok(())
}
