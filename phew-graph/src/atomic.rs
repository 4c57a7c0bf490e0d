//! Files appear whole or not at all.

use std::collections::BTreeSet;
use std::fs::{DirEntry, File, Metadata};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
/// A symbolic link stays one: the file that it leads to is written, beside which the temporary one lies. A file that is
/// replaced leaves its permissions to the new one.
///
/// Whatever fails, an existing file stays as it was and nothing half-written remains. What a process leaves that is
/// killed meanwhile, `.phew-*.tmp`, the next one that writes in the folder removes.
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
    remove_stale(folder);
    let mut temporary = tempfile::Builder::new()
        .prefix(PREFIX)
        .suffix(SUFFIX)
        .permissions(default_permissions())
        .tempfile_in(folder)
        .map_err(io)?;
    // For as long as it is written: so others know that its process lives. Where there are no locks nothing is removed.
    let _ = temporary.as_file().try_lock();
    let _listed = Listed::new(temporary.path());
    let mut buffer = BufWriter::with_capacity(1 << 20, temporary.as_file_mut());
    write(&mut buffer)?;
    buffer.flush().map_err(io)?;
    drop(buffer);
    if let Ok(old) = std::fs::metadata(&file) {
        temporary.as_file().set_permissions(old.permissions()).map_err(io)?;
    }
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

/// What temporary files are called.
const PREFIX: &str = ".phew-";
const SUFFIX: &str = ".tmp";

/// How old a temporary file is at least that is taken for one that was left: younger ones may just be made, and not
/// locked yet.
const STALE: Duration = Duration::from_secs(10);

/// Removes what killed processes left in a folder, once in the life of this process.
fn remove_stale(folder: &Path) {
    static SEEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let seen = || SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    if !seen().insert(folder.to_path_buf()) {
        return;
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    // It is a courtesy: what cannot be removed stays.
    entries.filter(is_stale).for_each(|entry| drop(std::fs::remove_file(entry.path())));
}

/// Whether an entry of a folder is a temporary file that nobody writes any more.
fn is_stale(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let name = name.to_string_lossy();
    if !(name.starts_with(PREFIX) && name.ends_with(SUFFIX)) {
        return false;
    }
    let old = |metadata: Metadata| {
        let age = metadata.modified().ok().and_then(|time| time.elapsed().ok());
        metadata.is_file() && age.is_some_and(|age| age >= STALE)
    };
    let free = |file: File| file.try_lock().is_ok();
    entry.metadata().is_ok_and(old) && File::open(entry.path()).is_ok_and(free)
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
    fn a_file_that_is_replaced_leaves_its_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        for wanted in [0o600, 0o664, 0o444] {
            std::fs::write(&path, "old").unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(wanted)).unwrap();
            write_atomically(&path, Overwrite::Replace, |_| Ok(())).unwrap();
            assert_eq!(mode(), wanted);
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn what_killed_processes_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, age: u64| {
            let file = File::create(folder.path().join(name)).unwrap();
            let time = std::time::SystemTime::now() - Duration::from_secs(age);
            file.set_modified(time).unwrap();
            file
        };
        put(".phew-left.tmp", 60);
        put(".phew-new.tmp", 0);
        put("phew-other.tmp", 60);
        put(".phew-other", 60);
        let written = put(".phew-locked.tmp", 60);
        written.try_lock().unwrap();
        for name in ["x", "y"] {
            write_atomically(&folder.path().join(name), Overwrite::Refuse, |_| Ok(())).unwrap();
        }
        let mut names: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        let wanted =
            [".phew-locked.tmp", ".phew-new.tmp", ".phew-other", "phew-other.tmp", "x", "y"];
        assert_eq!(names, wanted);
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
