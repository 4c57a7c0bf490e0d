//! Files appear whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::GraphError;

/// What to do where the output already exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// Refuse, with [`GraphError::Exists`].
    Refuse,
    /// Replace the old file once the new one is whole.
    Replace,
}

/// Writes a file through a temporary one beside it, which is renamed when it is whole and synced.
///
/// A symbolic link stays one: the file that it leads to is written, beside which the temporary one lies.
///
/// Whatever fails, an existing file stays as it was and nothing half-written remains.
///
/// # Errors
/// [`GraphError::Exists`] if the file exists and `overwrite` refuses it, [`GraphError::Io`] if it cannot be
/// created, written or renamed, and whatever `write` returns.
pub fn write_atomically(
    path: &Path,
    overwrite: Overwrite,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> Result<(), GraphError>,
) -> Result<(), GraphError> {
    let refuse = overwrite == Overwrite::Refuse;
    if refuse && path.exists() {
        return Err(GraphError::Exists { path: path.to_path_buf() });
    }
    let io = |source| GraphError::io(path, source);
    let file = followed(path).map_err(io)?;
    let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = tempfile::Builder::new()
        .prefix(".phew-")
        .suffix(".tmp")
        .permissions(default_permissions())
        .tempfile_in(folder)
        .map_err(io)?;
    let _listed = Listed::new(temporary.path());
    let mut buffer = BufWriter::with_capacity(1 << 20, temporary.as_file_mut());
    write(&mut buffer)?;
    buffer.flush().map_err(io)?;
    drop(buffer);
    temporary.as_file().sync_all().map_err(io)?;
    if refuse {
        temporary.persist_noclobber(&file).map_err(|e| match e.error.kind() {
            std::io::ErrorKind::AlreadyExists => GraphError::Exists { path: path.to_path_buf() },
            _ => io(e.error),
        })?;
    } else {
        temporary.persist(&file).map_err(|e| io(e.error))?;
    }
    Ok(())
}

/// Removes the temporary files of all writes under way, which fail: for a process that is to end in their midst.
pub fn discard_temporaries() {
    // What is gone already has been renamed.
    temporaries().drain(..).for_each(|path| drop(std::fs::remove_file(path)));
}

/// The temporary files of the writes under way.
static TEMPORARIES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn temporaries() -> MutexGuard<'static, Vec<PathBuf>> {
    TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A temporary file's place in the list, for as long as it is written.
struct Listed(PathBuf);

impl Listed {
    fn new(path: &Path) -> Self {
        temporaries().push(path.to_path_buf());
        Self(path.to_path_buf())
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        temporaries().retain(|path| *path != self.0);
    }
}

/// The path that symbolic links lead to, whether or not there is a file.
fn followed(path: &Path) -> std::io::Result<PathBuf> {
    // Linux gives up after as many.
    const LINKS: usize = 40;
    let mut path = path.to_path_buf();
    for _ in 0..=LINKS {
        match std::fs::read_link(&path) {
            Ok(target) => path = path.with_file_name("").join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(std::io::Error::other("too many symbolic links"))
}

/// Temporary files are private by default; results are for everyone, as the umask allows.
#[cfg(unix)]
fn default_permissions() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    std::fs::Permissions::from_mode(0o666)
}

#[cfg(not(unix))]
fn default_permissions() -> std::fs::Permissions {
    std::fs::metadata(".")
        .map_or_else(|_| unreachable!("the current folder exists"), |m| m.permissions())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, "old").unwrap();
        let failed = write_atomically(&path, Overwrite::Replace, |w| {
            w.write_all(b"half").unwrap();
            Err(GraphError::Zoo("stop".into()))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_existing_file_is_replaced_only_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let write = |overwrite, text: &'static str| {
            write_atomically(&path, overwrite, |w| {
                w.write_all(text.as_bytes()).map_err(|e| GraphError::io(Path::new("x"), e))
            })
        };
        write(Overwrite::Refuse, "one").unwrap();
        assert!(matches!(write(Overwrite::Refuse, "two"), Err(GraphError::Exists { .. })));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
        write(Overwrite::Replace, "three").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "three");
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_stays_and_what_it_leads_to_is_replaced() {
        use std::os::unix::fs::symlink;
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (target, inner, outer) =
            (other.path().join("x"), other.path().join("inner"), folder.path().join("outer"));
        std::fs::write(&target, "old").unwrap();
        symlink("x", &inner).unwrap();
        symlink(&inner, &outer).unwrap();
        let write = |overwrite, text: &'static str| {
            write_atomically(&outer, overwrite, |w| {
                // The temporary file lies beside the target, whence it can be renamed.
                assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
                w.write_all(text.as_bytes()).map_err(|e| GraphError::io(Path::new("x"), e))
            })
        };
        assert!(matches!(write(Overwrite::Refuse, "no"), Err(GraphError::Exists { .. })));
        write(Overwrite::Replace, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "new");
        for link in [&inner, &outer] {
            assert!(link.symlink_metadata().unwrap().is_symlink());
        }
        // One that leads nowhere yet.
        std::fs::remove_file(&target).unwrap();
        write(Overwrite::Refuse, "first").unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "first");
        let circle = folder.path().join("circle");
        symlink("circle", &circle).unwrap();
        let error = write_atomically(&circle, Overwrite::Replace, |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("circle"), "{error}");
    }

    #[test]
    fn a_folder_that_does_not_exist_is_named() {
        let path = Path::new("/nonexistent/folder/x");
        let error = write_atomically(path, Overwrite::Refuse, |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/folder/x"), "{error}");
    }
}
