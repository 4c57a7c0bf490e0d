//! CIFAR-10 and CIFAR-100 in their binary format: records of labels and 3 planes of 32×32.

use std::path::{Path, PathBuf};

use super::{Dataset, Images};
use crate::error::{Result, TrainError};

const PIXELS: usize = 3 * 32 * 32;
/// Superclass and class; the superclass is not used.
const CIFAR100_LABELS: usize = 2;

/// CIFAR-10 from `data_batch_1.bin` to `data_batch_5.bin`, `test_batch.bin` and `batches.meta.txt`, in `dir` or in
/// its folder `cifar-10-batches-bin`.
///
/// # Errors
/// [`TrainError::Missing`] or [`TrainError::Corrupt`], naming the file.
pub fn cifar10(dir: &Path) -> Result<Dataset> {
    let dir = inner(dir, "cifar-10-batches-bin");
    let classes = names(&dir, "batches.meta.txt", "cifar10")?;
    let train: Vec<String> = (1..=5).map(|batch| format!("data_batch_{batch}.bin")).collect();
    let train = records(&dir, &train, 1, classes.len(), "cifar10")?;
    let test = records(&dir, &["test_batch.bin".to_owned()], 1, classes.len(), "cifar10")?;
    Dataset::new("CIFAR-10", classes, train, test)
}

/// CIFAR-100 from `train.bin`, `test.bin` and `fine_label_names.txt`, in `dir` or in its folder
/// `cifar-100-binary`. Labels are the hundred fine classes.
///
/// # Errors
/// [`TrainError::Missing`] or [`TrainError::Corrupt`], naming the file.
pub fn cifar100(dir: &Path) -> Result<Dataset> {
    let dir = inner(dir, "cifar-100-binary");
    let classes = names(&dir, "fine_label_names.txt", "cifar100")?;
    let read =
        |name: &str| records(&dir, &[name.to_owned()], CIFAR100_LABELS, classes.len(), "cifar100");
    let (train, test) = (read("train.bin")?, read("test.bin")?);
    Dataset::new("CIFAR-100", classes, train, test)
}

/// The folder that the archive unpacks to, if it is there.
fn inner(dir: &Path, folder: &str) -> PathBuf {
    let inner = dir.join(folder);
    if inner.is_dir() { inner } else { dir.to_owned() }
}

fn read(path: &Path, name: &str) -> Result<Vec<u8>> {
    if !path.exists() {
        let hint = format!("run 'phew data fetch {name}', or name another folder");
        return Err(TrainError::missing(path, hint));
    }
    std::fs::read(path).map_err(TrainError::io(path))
}

/// Class names, one a line.
fn names(dir: &Path, file: &str, name: &str) -> Result<Vec<String>> {
    let path = dir.join(file);
    let text = String::from_utf8(read(&path, name)?)
        .map_err(|_| TrainError::corrupt(&path, "is not text, expected a class name a line"))?;
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if names.is_empty() {
        return Err(TrainError::corrupt(&path, "holds no class name"));
    }
    Ok(names)
}

/// All records of `files`: `labels` bytes, the last of which is the class, then the image.
fn records(
    dir: &Path,
    files: &[String],
    labels: usize,
    classes: usize,
    name: &str,
) -> Result<Images> {
    let (mut pixels, mut classes_of) = (Vec::new(), Vec::new());
    for file in files {
        let path = dir.join(file);
        let bytes = read(&path, name)?;
        let size = labels + PIXELS;
        if bytes.is_empty() || bytes.len() % size != 0 {
            let problem = format!("{} bytes, expected records of {size}", bytes.len());
            return Err(TrainError::corrupt(&path, problem));
        }
        for (index, record) in bytes.chunks_exact(size).enumerate() {
            let (head, image) = record.split_at(labels);
            let class = head[labels - 1];
            if usize::from(class) >= classes {
                let problem = format!("label {class} in record {index}, expected below {classes}");
                return Err(TrainError::corrupt(&path, problem));
            }
            classes_of.push(u16::from(class));
            pixels.extend_from_slice(image);
        }
    }
    Images::new([3, 32, 32], pixels, classes_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(head: &[u8], fill: u8) -> Vec<u8> {
        let mut bytes = head.to_vec();
        bytes.extend((0..PIXELS).map(|i| fill.wrapping_add(i as u8)));
        bytes
    }

    fn cifar10_folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("cifar-10-batches-bin");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(inner.join("batches.meta.txt"), "cat\ndog\n\n").unwrap();
        for batch in 1..=5 {
            let bytes = [record(&[batch % 2], batch), record(&[0], 0)].concat();
            std::fs::write(inner.join(format!("data_batch_{batch}.bin")), bytes).unwrap();
        }
        std::fs::write(inner.join("test_batch.bin"), record(&[1], 77)).unwrap();
        dir
    }

    #[test]
    fn five_batches_are_joined_in_order() {
        let dir = cifar10_folder();
        let set = cifar10(dir.path()).unwrap();
        assert_eq!(set.classes, ["cat", "dog"]);
        assert_eq!(set.train.labels(), [1, 0, 0, 0, 1, 0, 0, 0, 1, 0]);
        assert_eq!(set.train.image(4)[..3], [3, 4, 5]);
        assert_eq!((set.test.len(), set.test.image(0)[0]), (1, 77));
        // The inner folder itself serves as well.
        assert_eq!(cifar10(&dir.path().join("cifar-10-batches-bin")).unwrap(), set);
    }

    #[test]
    fn the_fine_label_of_cifar100_is_the_class() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
        put("fine_label_names.txt", b"apple\nbee\nbus\n");
        put("train.bin", &record(&[19, 2], 1));
        put("test.bin", &record(&[3, 1], 2));
        let set = cifar100(dir.path()).unwrap();
        assert_eq!((set.train.labels(), set.test.labels()), (&[2][..], &[1][..]));
        assert_eq!(set.train.image(0)[0], 1);
    }

    #[test]
    fn cut_records_wild_labels_and_missing_batches_are_named() {
        let batch = |dir: &tempfile::TempDir| {
            dir.path().join("cifar-10-batches-bin").join("data_batch_3.bin")
        };
        let dir = cifar10_folder();
        std::fs::write(batch(&dir), &record(&[0], 0)[..3000]).unwrap();
        let error = cifar10(dir.path()).unwrap_err().to_string();
        assert!(
            error.ends_with("data_batch_3.bin: 3000 bytes, expected records of 3073"),
            "{error}"
        );
        std::fs::write(batch(&dir), record(&[2], 0)).unwrap();
        let error = cifar10(dir.path()).unwrap_err().to_string();
        assert!(error.ends_with("label 2 in record 0, expected below 2"), "{error}");
        std::fs::remove_file(batch(&dir)).unwrap();
        let error = cifar10(dir.path()).unwrap_err().to_string();
        assert!(error.contains("not found; run 'phew data fetch cifar10'"), "{error}");
    }
}
