//! CIFAR-10.

use std::path::Path;

use crate::data::dataset::Dataset;
use crate::data::format::cifar;
use crate::data::image_spec::ImageSpec;
use crate::data::published::Published;
use crate::data::set::{Entry, Set, Source};
use crate::error::Result;

const FOLDER: &str = "cifar-10-batches-bin";

/// The folder of the version for Python, which torchvision downloads.
const PICKLED: &str = "cifar-10-batches-py";

impl Set {
    /// CIFAR-10, from `data_batch_1.bin` to `data_batch_5.bin`, `test_batch.bin` and `batches.meta.txt`, in its folder
    /// or in `cifar-10-batches-bin` there; or from the pickles of the version for Python, as torchvision leaves it, likewise.
    pub const CIFAR10: Self = Self::new(&Entry {
        name: "cifar10",
        description: "objects, 32×32 in colour, 10 classes",
        image_files: false,
        source: Source::Files {
            load,
            folder: "cifar10",
            published: Some(Published {
                train: 50_000,
                test: 10_000,
                classes: 10,
                mirrors: &["https://www.cs.toronto.edu/~kriz"],
                // A sum that several public loaders agree on.
                files: &[(
                    "cifar-10-binary.tar.gz",
                    170_052_171,
                    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                )],
                unpacks_to: Some(FOLDER),
            }),
        },
    });
}

fn load(dir: &Path, _: &ImageSpec) -> Result<Dataset> {
    let train: Vec<String> = (1..=5).map(|batch| format!("data_batch_{batch}")).collect();
    if let Some(pickles) = cifar::pickles(dir, PICKLED, "batches.meta") {
        let classes = pickles.names("batches.meta", "label_names")?;
        let train = pickles.images(&train, "labels", classes.len())?;
        let test = pickles.images(&["test_batch".to_owned()], "labels", classes.len())?;
        return Dataset::new("CIFAR-10", classes, train, test);
    }
    let reader = cifar::Reader { dir: cifar::inner(dir, FOLDER), labels: 1, name: "cifar10" };
    let classes = reader.names("batches.meta.txt")?;
    let train: Vec<String> = train.iter().map(|batch| format!("{batch}.bin")).collect();
    let train = reader.records(&train, classes.len())?;
    let test = reader.records(&["test_batch.bin".to_owned()], classes.len())?;
    Dataset::new("CIFAR-10", classes, train, test)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::format::cifar::record;

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join(FOLDER);
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(inner.join("batches.meta.txt"), "cat\ndog\n\n").unwrap();
        for batch in 1..=5 {
            let bytes = [record(&[batch % 2], batch), record(&[0], 0)].concat();
            std::fs::write(inner.join(format!("data_batch_{batch}.bin")), bytes).unwrap();
        }
        std::fs::write(inner.join("test_batch.bin"), record(&[1], 77)).unwrap();
        dir
    }

    fn load(dir: &Path) -> Result<Dataset> {
        super::load(dir, &ImageSpec::default())
    }

    #[test]
    fn five_batches_are_joined_in_order() {
        let dir = folder();
        let set = load(dir.path()).unwrap();
        assert_eq!(set.classes, ["cat", "dog"]);
        assert_eq!(set.train.labels(), [1, 0, 0, 0, 1, 0, 0, 0, 1, 0]);
        assert_eq!(set.train.image(4)[..3], [3, 4, 5]);
        assert_eq!((set.test.len(), set.test.image(0)[0]), (1, 77));
        // The inner folder itself serves as well.
        assert_eq!(load(&dir.path().join(FOLDER)).unwrap(), set);
    }

    #[test]
    fn the_version_for_python_is_read_as_the_binary_one() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join(PICKLED);
        std::fs::create_dir(&inner).unwrap();
        let put = |name: &str, bytes: &[u8]| std::fs::write(inner.join(name), bytes).unwrap();
        put("batches.meta", b"\x80\x02}U\x0blabel_names](U\x03catU\x03doges.");
        for batch in 1..=5 {
            put(&format!("data_batch_{batch}"), &cifar::pickled("labels", &[batch % 2, 0]));
        }
        put("test_batch", &cifar::pickled("labels", &[1]));
        let set = load(dir.path()).unwrap();
        assert_eq!(set.classes, ["cat", "dog"]);
        assert_eq!(set.train.labels(), [1, 0, 0, 0, 1, 0, 0, 0, 1, 0]);
        assert_eq!((set.test.len(), set.test.image(0)), (1, &[1; 3072][..]));
        assert_eq!(load(&inner).unwrap(), set);
        put("test_batch", &cifar::pickled("labels", &[2]));
        let error = load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("test_batch: label 0 is no number below 2"), "{error}");
        put("test_batch", &cifar::pickled("fine_labels", &[1]));
        let error = load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("holds no labels in 'labels'"), "{error}");
        put("test_batch", b"no pickle");
        let error = load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("test_batch: is no pickle of CIFAR"), "{error}");
    }

    #[test]
    fn cut_records_wild_labels_and_missing_batches_are_named() {
        let batch = |dir: &tempfile::TempDir| dir.path().join(FOLDER).join("data_batch_3.bin");
        let dir = folder();
        std::fs::write(batch(&dir), &record(&[0], 0)[..3000]).unwrap();
        let error = load(dir.path()).unwrap_err().to_string();
        assert!(
            error.ends_with("data_batch_3.bin: 3000 bytes, expected records of 3073"),
            "{error}"
        );
        std::fs::write(batch(&dir), record(&[2], 0)).unwrap();
        let error = load(dir.path()).unwrap_err().to_string();
        assert!(error.ends_with("label 2 in record 0, expected below 2"), "{error}");
        std::fs::remove_file(batch(&dir)).unwrap();
        let error = load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("not found; run 'phew data fetch cifar10'"), "{error}");
    }
}
