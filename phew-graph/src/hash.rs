//! The one hash: BLAKE3, in hexadecimal.

/// Hash of named tensors in their order: for each its name and shape, then its bytes.
pub(crate) fn tensors<'a>(
    tensors: impl IntoIterator<Item = (&'a str, &'a [usize], impl AsRef<[u8]>)>,
) -> String {
    let mut hasher = blake3::Hasher::new();
    for (name, shape, bytes) in tensors {
        hasher.update(format!("{name}{shape:?}\n").as_bytes());
        hasher.update_rayon(bytes.as_ref());
    }
    hasher.finalize().to_hex().to_string()
}

/// BLAKE3 of bytes, in hexadecimal: the hash of all files and identities of phew.
#[must_use]
pub fn content_hash(bytes: &[u8]) -> String {
    blake3::Hasher::new().update_rayon(bytes).finalize().to_hex().to_string()
}
