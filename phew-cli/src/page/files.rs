//! Files that may be there.

use std::path::Path;

use anyhow::Context;

/// The text of a file, if there is one.
pub(super) fn text_of(path: &Path) -> anyhow::Result<Option<String>> {
    match phew_graph::read_text(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}
