//! The IDX format of MNIST and Fashion-MNIST, gzipped or not.
//!
//! A file is a magic number whose last byte is the number of dimensions, each dimension as a big-endian `u32`,
//! then the bytes.

use std::path::{Path, PathBuf};

use super::gzip;
use crate::data::images::Images;
use crate::error::{Result, TrainError};

/// Images and labels of `prefix` (`train` or `t10k`), of the set that `phew data fetch` calls `name`.
pub(in crate::data) fn images(dir: &Path, prefix: &str, name: &str) -> Result<Images> {
    let (images_path, labels_path) = (
        find(dir, &format!("{prefix}-images-idx3-ubyte"), name)?,
        find(dir, &format!("{prefix}-labels-idx1-ubyte"), name)?,
    );
    let (shape, pixels) = read::<3>(&images_path)?;
    let ([labels_len], labels) = read::<1>(&labels_path)?;
    if labels_len != shape[0] {
        let problem = format!("{labels_len} labels, but {} images lie beside it", shape[0]);
        return Err(TrainError::corrupt(&labels_path, problem));
    }
    if let Some(label) = labels.iter().find(|&&label| label >= 10) {
        return Err(TrainError::corrupt(&labels_path, format!("label {label}, expected 0 to 9")));
    }
    let labels = labels.into_iter().map(u16::from).collect();
    Images::new([1, shape[1], shape[2]], pixels, labels)
}

/// `file` in `dir`, gzipped or not, under the names that mirrors and unpackers give it: `train-images-idx3-ubyte`,
/// `train-images.idx3-ubyte`, `train-images-idx3-ubyte.idx`; in `MNIST/raw` or `FashionMNIST/raw` too, as torchvision puts it.
fn find(dir: &Path, file: &str, name: &str) -> Result<PathBuf> {
    let dotted = file.replace("-idx", ".idx");
    let torchvision = if name == "fashion-mnist" { "FashionMNIST/raw" } else { "MNIST/raw" };
    let folders = [dir.to_owned(), dir.join(torchvision)];
    let names = [file.to_owned(), dotted, format!("{file}.idx")];
    let plain_or_gzipped = |path: PathBuf| {
        let gzipped = PathBuf::from(format!("{}.gz", path.display()));
        [path, gzipped]
    };
    let mut paths = folders
        .iter()
        .flat_map(|folder| names.iter().map(|name| folder.join(name)))
        .flat_map(plain_or_gzipped);
    paths.find(|path| path.is_file()).ok_or_else(|| {
        let hint = format!("run 'phew data fetch {name}', or name another folder");
        TrainError::missing(&dir.join(format!("{file}.gz")), hint)
    })
}

/// The dimensions and the bytes of an IDX file of unsigned bytes with `D` dimensions. No more is unpacked than the header
/// declares.
fn read<const D: usize>(path: &Path) -> Result<([usize; D], Vec<u8>)> {
    let raw = phew_graph::read_file(path).map_err(TrainError::io(path))?;
    let damaged =
        |e: std::io::Error| TrainError::corrupt(path, format!("gzip stream is damaged: {e}"));
    let mut reader = gzip::reader(&raw);
    let header = 4 + 4 * D;
    let mut head = vec![0; header];
    let mut have = 0;
    while have < header {
        match reader.read(&mut head[have..]).map_err(damaged)? {
            0 => {
                let problem = format!("{have} bytes, too short for an IDX header of {header}");
                return Err(TrainError::corrupt(path, problem));
            }
            more => have += more,
        }
    }
    // Two zero bytes, 8 for unsigned bytes, and the number of dimensions.
    if head[..4] != [0, 0, 8, D as u8] {
        let problem = format!("starts with {:02x?}, expected [00, 00, 08, {D:02x}]", &head[..4]);
        return Err(TrainError::corrupt(path, problem));
    }
    let mut dimensions = [0; D];
    for (dimension, word) in dimensions.iter_mut().zip(head[4..].chunks_exact(4)) {
        *dimension = u32::from_be_bytes([word[0], word[1], word[2], word[3]]) as usize;
    }
    let wanted = dimensions.iter().try_fold(1_usize, |size, &d| size.checked_mul(d));
    let body = gzip::read_up_to(&mut *reader, wanted.unwrap_or(0)).map_err(damaged)?;
    match (wanted, body.len()) {
        (Some(wanted), found) if wanted == found && found > 0 => Ok((dimensions, body)),
        (Some(wanted), found) if found > wanted => {
            let problem = format!(
                "more bytes of data than the {wanted} of {dimensions:?}, as the header says"
            );
            Err(TrainError::corrupt(path, problem))
        }
        (_, found) => {
            let problem = format!("{found} bytes of data, but the header says {dimensions:?}");
            Err(TrainError::corrupt(path, problem))
        }
    }
}

/// An IDX file of unsigned bytes.
#[cfg(test)]
pub(in crate::data) fn file(dimensions: &[u32], body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    bytes.extend(dimensions.iter().flat_map(|d| d.to_be_bytes()));
    bytes.extend(body);
    bytes
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::data::set::Set;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Three images of 1×2 to train on, gzipped, and two to test on, plain.
    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
        put("train-images-idx3-ubyte.gz", &gzip(&file(&[3, 1, 2], &[1, 2, 3, 4, 5, 6])));
        put("train-labels-idx1-ubyte.gz", &gzip(&file(&[3], &[7, 0, 9])));
        put("t10k-images-idx3-ubyte", &file(&[2, 1, 2], &[9, 8, 7, 6]));
        put("t10k-labels-idx1-ubyte", &file(&[2], &[1, 2]));
        dir
    }

    #[test]
    fn gzipped_and_plain_files_are_read_alike() {
        let dir = folder();
        let set = Set::MNIST.load(Some(dir.path()), None).unwrap();
        assert_eq!(set.train.pixels().bytes(), Some(&[1, 2, 3, 4, 5, 6][..]));
        assert_eq!(set.train.labels(), [7, 0, 9]);
        assert_eq!(set.test.image(1), [7, 6]);
        assert_eq!(set.test.shape(), [1, 1, 2]);
        assert_eq!(
            Set::FASHION_MNIST.load(Some(dir.path()), None).unwrap().classes[9],
            "ankle boot"
        );
    }

    #[test]
    fn files_are_found_under_the_names_that_mirrors_and_unpackers_give_them() {
        let whole = folder();
        let load = |set: Set, dir: &Path| set.load(Some(dir), None);
        for (from, to) in [("-idx", ".idx"), ("ubyte", "ubyte.idx"), ("", "")] {
            let dir = tempfile::tempdir().unwrap();
            let raw = dir.path().join(if from.is_empty() { "MNIST/raw" } else { "." });
            std::fs::create_dir_all(&raw).unwrap();
            for entry in whole.path().read_dir().unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                let other = if from.is_empty() { name.clone() } else { name.replace(from, to) };
                // Their endings say whether they are gzipped.
                let other = other.replace(".gz.idx", ".idx.gz");
                std::fs::copy(whole.path().join(&name), raw.join(other)).unwrap();
            }
            let set = load(Set::MNIST, dir.path()).unwrap();
            assert_eq!(set.train.labels(), [7, 0, 9]);
            if from.is_empty() {
                assert!(load(Set::FASHION_MNIST, dir.path()).is_err(), "MNIST lies there");
            }
        }
    }

    #[test]
    fn no_more_is_unpacked_than_the_header_declares() {
        let dir = folder();
        // Half a gigabyte, of which nothing may be unpacked, behind a header of four bytes.
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&file(&[2, 1, 2], &[9, 8, 7, 6])).unwrap();
        let zeros = vec![0; 1 << 20];
        (0..512).for_each(|_| encoder.write_all(&zeros).unwrap());
        std::fs::write(dir.path().join("t10k-images-idx3-ubyte"), encoder.finish().unwrap())
            .unwrap();
        let error = Set::MNIST.load(Some(dir.path()), None).unwrap_err().to_string();
        assert!(error.contains("more bytes of data than the 4"), "{error}");
    }

    #[test]
    fn a_gzip_in_several_parts_is_one() {
        let dir = folder();
        let whole = file(&[2, 1, 2], &[9, 8, 7, 6]);
        let parts = [gzip(&whole[..7]), gzip(&whole[7..18]), gzip(&whole[18..])].concat();
        std::fs::write(dir.path().join("t10k-images-idx3-ubyte"), parts).unwrap();
        let set = Set::MNIST.load(Some(dir.path()), None).unwrap();
        assert_eq!(set.test.image(1), [7, 6]);
    }

    #[test]
    fn a_missing_file_says_how_to_get_it() {
        let dir = folder();
        std::fs::remove_file(dir.path().join("train-labels-idx1-ubyte.gz")).unwrap();
        let error = Set::MNIST.load(Some(dir.path()), None).unwrap_err().to_string();
        assert!(error.contains("train-labels-idx1-ubyte.gz: not found"), "{error}");
        assert!(error.contains("phew data fetch mnist"), "{error}");
    }

    #[test]
    fn damaged_files_are_named_with_what_is_wrong() {
        let cases: [(&str, Vec<u8>, &str); 6] = [
            ("t10k-images-idx3-ubyte", file(&[2, 1, 2], &[9, 8, 7]), "3 bytes of data"),
            ("t10k-images-idx3-ubyte", vec![0, 0, 8], "too short"),
            ("t10k-images-idx3-ubyte", file(&[4], &[9, 8, 7, 6]), "too short"),
            ("t10k-labels-idx1-ubyte", file(&[3], &[1, 2, 3]), "3 labels, but 2 images"),
            ("t10k-labels-idx1-ubyte", file(&[2], &[1, 10]), "label 10, expected 0 to 9"),
            (
                "train-images-idx3-ubyte.gz",
                gzip(&file(&[9, 9, 9], &[1; 729]))[..20].to_vec(),
                "gzip stream",
            ),
        ];
        for (name, bytes, wanted) in cases {
            let dir = folder();
            std::fs::write(dir.path().join(name), bytes).unwrap();
            let error = Set::MNIST.load(Some(dir.path()), None).unwrap_err();
            assert!(matches!(error, TrainError::Corrupt { .. }), "{error}");
            let error = error.to_string();
            assert!(error.contains(name) && error.contains(wanted), "{error}");
        }
    }
}
