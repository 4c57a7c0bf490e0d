//! The bytes of a file: read, or mapped where they are many.

use std::fs::File;
use std::io::{Error, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use memmap2::Mmap;

use crate::error::GraphError;
use crate::files;
use crate::memory::Memory;

/// Files of more bytes are mapped: to read them takes longer than a method may.
static MAPPED: AtomicU64 = AtomicU64::new(1 << 28);

/// The same of files of which little is read, and at once.
const GLANCED_AT: u64 = 1 << 20;

/// Says from which size on files of weights, masks and scores are mapped, for the whole process: those of more bytes; at
/// first those of more than 256 MiB. [`u64::MAX`] has all of them read into memory. The architecture of an exported model
/// of more than 1 MiB is read from a map as long as this is not that.
///
/// A file in memory stays as it was when it was read. A mapped one takes no time to open and no memory of the process's
/// own, but whoever writes to it meanwhile changes what is computed, and whoever cuts it short ends the process: see
/// [`TensorFile`](crate::TensorFile).
///
/// # Examples
/// ```
/// // On a disk that other machines write to.
/// phew_graph::map_files_above(u64::MAX);
/// ```
pub fn map_files_above(bytes: u64) {
    MAPPED.store(bytes, Ordering::Relaxed);
}

/// What a file holds.
#[derive(Debug)]
pub(crate) enum Bytes {
    /// In memory: it stays as it was.
    Read(Memory),
    /// In the file itself.
    Mapped { map: Mmap, file: Stamped },
}

/// An open file, with what tells whether somebody writes to it.
#[derive(Debug)]
pub(crate) struct Stamped {
    path: PathBuf,
    file: File,
    stamp: Stamp,
}

/// Its size, and when it was last written to.
type Stamp = (u64, Option<SystemTime>);

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Read(memory) => memory,
            Self::Mapped { map, .. } => map,
        }
    }
}

impl Bytes {
    pub(crate) fn read_or_map(path: &Path) -> Result<Self, GraphError> {
        Stamped::open(path)?.bytes(MAPPED.load(Ordering::Relaxed))
    }

    /// For a look at a little of a file, after which it is let go: mapped, unless it is small or no file is to be mapped.
    pub(crate) fn glance(path: &Path) -> Result<Self, GraphError> {
        let most = MAPPED.load(Ordering::Relaxed);
        Stamped::open(path)?.bytes(if most == u64::MAX { most } else { most.min(GLANCED_AT) })
    }

    pub(crate) fn read(path: &Path) -> Result<Self, GraphError> {
        Stamped::open(path)?.bytes(u64::MAX)
    }

    pub(crate) fn check_unchanged(&self) -> Result<(), GraphError> {
        match self {
            Self::Read(_) => Ok(()),
            Self::Mapped { file, .. } => file.check_unchanged(),
        }
    }
}

impl Stamped {
    fn open(path: &Path) -> Result<Self, GraphError> {
        let io = |source| GraphError::io(path, source);
        let file = files::open(path).map_err(io)?;
        let stamp = stamp(&file).map_err(io)?;
        Ok(Self { path: path.to_path_buf(), file, stamp })
    }

    fn check_unchanged(&self) -> Result<(), GraphError> {
        let io = |source| GraphError::io(&self.path, source);
        match stamp(&self.file).map_err(io)? == self.stamp {
            true => Ok(()),
            false => Err(io(Error::other("was written to while it was read"))),
        }
    }

    /// In memory if there are at most `most`.
    fn bytes(mut self, most: u64) -> Result<Bytes, GraphError> {
        if self.stamp.0 > most {
            return self.map();
        }
        let path = self.path.clone();
        let io = |source| GraphError::io(&path, source);
        // A shell's pipe has no size.
        let memory = match self.file.stream_position() {
            Err(_) => {
                let mut bytes = Vec::new();
                self.file.read_to_end(&mut bytes).map_err(io)?;
                Memory::of(&bytes).map_err(io)?
            }
            Ok(_) => {
                let size = usize::try_from(self.stamp.0).unwrap_or(usize::MAX);
                let mut memory = Memory::zeros(size).map_err(io)?;
                let short = |e: Error| match e.kind() {
                    std::io::ErrorKind::UnexpectedEof => {
                        io(Error::other("was cut short while it was read"))
                    }
                    _ => io(e),
                };
                self.file.read_exact(&mut memory).map_err(short)?;
                memory
            }
        };
        self.check_unchanged()?;
        Ok(Bytes::Read(memory))
    }

    fn map(self) -> Result<Bytes, GraphError> {
        #[expect(unsafe_code, reason = "a large weight file must be usable without a copy")]
        // SAFETY: the map is read-only. Rust asks that nobody changes the file meanwhile; phew itself replaces files by
        // renaming, which leaves a mapped one intact, and the documentation of `TensorFile` says what others must not do.
        let map = unsafe { Mmap::map(&self.file) };
        let map = map.map_err(|e| GraphError::io(&self.path, e))?;
        Ok(Bytes::Mapped { map, file: self })
    }
}

fn stamp(file: &File) -> std::io::Result<Stamp> {
    let metadata = file.metadata()?;
    Ok((metadata.len(), metadata.modified().ok()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_in_memory_stays_and_a_map_that_changes_is_found_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, [7; 5000]).unwrap();
        let read = Bytes::read_or_map(&path).unwrap();
        let mapped = Stamped::open(&path).unwrap().bytes(4999).unwrap();
        assert!(matches!(read, Bytes::Read(_)) && matches!(mapped, Bytes::Mapped { .. }));
        assert!(*read == [7; 5000] && *mapped == [7; 5000]);
        mapped.check_unchanged().unwrap();
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(&[8]).unwrap();
        let error = mapped.check_unchanged().unwrap_err().to_string();
        assert!(error.contains("x: was written to while it was read"), "{error}");
        file.set_len(10).unwrap();
        read.check_unchanged().unwrap();
        assert!(*read == [7; 5000]);
    }
}
