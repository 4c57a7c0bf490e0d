//! Reading whole files: what would block or never end is refused.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Reads a whole file. It must be a regular one, or come from a shell: standard input, or a command in `<(…)`.
///
/// A named pipe would block until somebody writes to it, and a device may never end.
///
/// # Errors
/// What the system says, or what the path leads to.
///
/// # Examples
/// ```
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("arch.toml");
/// std::fs::write(&path, "name = 'small'")?;
/// assert_eq!(phew_graph::read_file(&path)?, b"name = 'small'");
/// assert!(phew_graph::read_file(folder.path()).is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The same for text.
///
/// # Errors
/// As [`read_file`], and if it is no UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

/// Opens such a file.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    const SHELL: [&str; 3] = ["/dev/fd/", "/dev/stdin", "/proc/self/fd/"];
    // Before it is opened: to open a named pipe is to wait for its writer.
    let metadata = std::fs::metadata(path)?;
    let of_shell = || SHELL.iter().any(|place| path.to_string_lossy().starts_with(place));
    if !metadata.is_file() && !of_shell() {
        return Err(io::Error::other(format!("is {}, expected a file", kind(&metadata))));
    }
    File::open(path)
}

#[cfg(unix)]
fn kind(metadata: &std::fs::Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata.file_type();
    match () {
        () if kind.is_dir() => "a folder",
        () if kind.is_fifo() => "a named pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    }
}

#[cfg(not(unix))]
fn kind(metadata: &std::fs::Metadata) -> &'static str {
    if metadata.is_dir() { "a folder" } else { "no regular file" }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_would_block_or_never_end_is_refused_by_its_kind() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let socket = folder.path().join("socket");
        let _bound = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (path, kind) in [
            (&*pipe, "a named pipe"),
            (&*socket, "a socket"),
            (folder.path(), "a folder"),
            (Path::new("/dev/zero"), "a device"),
        ] {
            let error = read_file(path).unwrap_err().to_string();
            assert_eq!(error, format!("is {kind}, expected a file"));
        }
        let error = read_text(&folder.path().join("none")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
