//! The index of a model in several safetensors files: JSON that says which tensor lies in which file.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::GraphError;

#[derive(Deserialize)]
struct Index {
    /// File by tensor.
    weight_map: BTreeMap<String, String>,
}

/// Whether bytes are such an index, as far as their beginning tells.
pub(super) fn is_index(bytes: &[u8]) -> bool {
    const KEY: &[u8] = b"\"weight_map\"";
    let head = &bytes[..bytes.len().min(1 << 16)];
    head.trim_ascii_start().starts_with(b"{") && head.windows(KEY.len()).any(|part| part == KEY)
}

/// The files that an index names, which lie beside it, each with its tensors.
pub(super) fn files(
    path: &Path,
    bytes: &[u8],
) -> Result<BTreeMap<PathBuf, Vec<String>>, GraphError> {
    let wrong = |reason: String| GraphError::Safetensors { path: path.to_path_buf(), reason };
    let index: Index =
        serde_json::from_slice(bytes).map_err(|e| wrong(format!("as an index of shards: {e}")))?;
    let mut files: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for (tensor, file) in index.weight_map {
        // Indices name files, not paths: one that leads elsewhere is none of phew's.
        let plain = Path::new(&file).file_name().is_some_and(|name| name == file.as_str());
        if !plain || !file.ends_with(".safetensors") {
            let reason = format!(
                "`{tensor}` is to lie in `{file}`, expected a safetensors file beside the index"
            );
            return Err(wrong(reason));
        }
        files.entry(path.with_file_name(file)).or_default().push(tensor);
    }
    Ok(files)
}

/// What is wrong with a shard, and which index names it.
pub(super) fn named_by(index: &Path, error: GraphError) -> GraphError {
    match error {
        GraphError::Io { path, source } => {
            let reason = format!("{source} (a shard that the index {} names)", index.display());
            GraphError::Io { path, source: io::Error::new(source.kind(), reason) }
        }
        other => other,
    }
}
