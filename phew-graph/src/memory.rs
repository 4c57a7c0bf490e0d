//! Memory for many bytes: in huge pages, where the system has them.
//!
//! Walks and scores read weights here and there, and with pages of 4 KiB the processor spends as long on finding the
//! page as on reading it.

use std::io;

use memmap2::MmapMut;

/// Bytes from which huge pages, of 2 MiB mostly, are asked for.
pub(crate) const MANY: usize = 1 << 22;

/// Bytes of the process's own. They begin where a number of any type may begin.
#[derive(Debug)]
pub(crate) enum Memory {
    /// A few, in whole words; the second field says how many bytes count.
    Few(Vec<u64>, usize),
    /// Many.
    Many(MmapMut),
}

impl Memory {
    /// So many zeros.
    ///
    /// # Errors
    /// If there is no room.
    pub(crate) fn zeros(len: usize) -> io::Result<Self> {
        if len >= MANY
            && let Ok(map) = MmapMut::map_anon(len)
        {
            // A hint: without huge pages this is memory like any other.
            #[cfg(target_os = "linux")]
            let _ = map.advise(memmap2::Advice::HugePage);
            return Ok(Self::Many(map));
        }
        let count = len.div_ceil(size_of::<u64>());
        let mut words = Vec::new();
        words.try_reserve_exact(count).map_err(|_| {
            io::Error::new(io::ErrorKind::OutOfMemory, format!("no memory for {len} bytes"))
        })?;
        words.resize(count, 0);
        Ok(Self::Few(words, len))
    }

    /// A copy of bytes.
    #[cfg(feature = "files")]
    pub(crate) fn of(bytes: &[u8]) -> io::Result<Self> {
        let mut memory = Self::zeros(bytes.len())?;
        memory.copy_from_slice(bytes);
        Ok(memory)
    }
}

impl std::ops::Deref for Memory {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Few(words, len) => &bytemuck::cast_slice(words)[..*len],
            Self::Many(map) => map,
        }
    }
}

impl std::ops::DerefMut for Memory {
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Few(words, len) => &mut bytemuck::cast_slice_mut(words)[..*len],
            Self::Many(map) => map,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_either_kind_holds_what_is_written_and_begins_on_a_word() {
        for len in [0, 1, 7, 8, MANY - 1, MANY, MANY + 3] {
            let mut memory = Memory::zeros(len).unwrap();
            assert!(memory.len() == len && memory.iter().all(|&byte| byte == 0));
            assert_eq!(memory.as_ptr().align_offset(size_of::<u64>()), 0);
            assert_eq!(matches!(memory, Memory::Many(_)), len >= MANY);
            memory.fill(9);
            assert!(memory.iter().all(|&byte| byte == 9));
        }
        let error = Memory::zeros(usize::MAX - 7).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    }
}
