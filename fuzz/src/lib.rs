//! Fuzz targets: one function for each parser, in a file that the tests of the parser's crate include as well.

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "data")]
pub mod data;
pub mod graph;

use std::path::PathBuf;
use std::sync::LazyLock;

/// A folder of this process, in memory where that is possible.
pub fn scratch() -> PathBuf {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let memory = PathBuf::from("/dev/shm");
        let root = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let folder = root.join(format!("phew-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a scratch folder");
        folder
    });
    FOLDER.clone()
}
