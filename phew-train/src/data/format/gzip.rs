//! Files that may be gzipped, unpacked no further than what they say they hold.

use std::io::{self, Read};

/// A file's bytes from the beginning: unpacked if they are gzipped, in however many parts.
pub(in crate::data) fn reader(bytes: &[u8]) -> Box<dyn Read + '_> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        Box::new(flate2::read::MultiGzDecoder::new(bytes))
    } else {
        Box::new(bytes)
    }
}

/// Exactly so many bytes, or what there is up to one more.
pub(in crate::data) fn read_up_to(reader: &mut dyn Read, size: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // The size is only what a header says: memory is taken as bytes come.
    reader.take(size as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
