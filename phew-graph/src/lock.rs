//! Advisory locks: who works at something now.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::Path;

use crate::error::GraphError;

/// The right to work at something: a file that is locked, and that says who has it. It ends with the value, or with the
/// process, however that ends.
///
/// Where the file system knows no locks nobody is kept out.
///
/// # Examples
/// ```
/// use phew_graph::{FileLock, GraphError};
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("lock");
/// let lock = FileLock::acquire(&path)?;
/// assert!(matches!(FileLock::acquire(&path), Err(GraphError::Locked { .. })));
/// drop(lock);
/// FileLock::acquire(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl FileLock {
    /// Takes the lock; the file is made if it is not there.
    ///
    /// # Errors
    /// [`GraphError::Locked`] with who has it, [`GraphError::Io`] if the file cannot be written.
    pub fn acquire(path: &Path) -> Result<Self, GraphError> {
        let io = |source| GraphError::io(path, source);
        let options =
            || File::options().create(true).truncate(false).read(true).write(true).open(path);
        let mut file = options().map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = std::fs::read_to_string(path).unwrap_or_default();
                let holder = Some(holder.trim()).filter(|holder| !holder.is_empty());
                let holder = holder.unwrap_or("another process").to_owned();
                return Err(GraphError::Locked { path: path.to_path_buf(), holder });
            }
            Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        file.set_len(0).and_then(|()| file.write_all(myself().as_bytes())).map_err(io)?;
        Ok(Self { file })
    }

    /// Whether somebody has the lock.
    #[must_use]
    pub fn is_taken(path: &Path) -> bool {
        let locked = |file: File| matches!(file.try_lock(), Err(TryLockError::WouldBlock));
        File::open(path).is_ok_and(locked)
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Who no longer works there is named no longer; the lock ends with the file.
        let _ = self.file.set_len(0);
    }
}

/// This process, as others are to name it.
fn myself() -> String {
    let process = format!("process {}", std::process::id());
    match std::fs::read_to_string("/proc/sys/kernel/hostname") {
        Ok(host) if !host.trim().is_empty() => format!("{process} on {}", host.trim()),
        _ => process,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_names_its_holder_and_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert!(!FileLock::is_taken(&path));
        let lock = FileLock::acquire(&path).unwrap();
        assert!(FileLock::is_taken(&path));
        let error = FileLock::acquire(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(lock);
        assert!(!FileLock::is_taken(&path));
        // Whoever was killed has left its name, and no lock.
        std::fs::write(&path, "process 1 on somewhere").unwrap();
        FileLock::acquire(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
    }
}
