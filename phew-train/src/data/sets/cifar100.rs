//! CIFAR-100.

use std::path::Path;

use crate::data::dataset::Dataset;
use crate::data::format::cifar;
use crate::data::image_spec::ImageSpec;
use crate::data::published::Published;
use crate::data::set::{Entry, Set, Source};
use crate::error::Result;

const FOLDER: &str = "cifar-100-binary";

/// The folder of the version for Python, which torchvision downloads.
const PICKLED: &str = "cifar-100-python";

impl Set {
    /// CIFAR-100, from `train.bin`, `test.bin` and `fine_label_names.txt`, in its folder or in `cifar-100-binary` there;
    /// or from the pickles of the version for Python, as torchvision leaves it, likewise.
    /// Labels are the hundred fine classes.
    pub const CIFAR100: Self = Self::new(&Entry {
        name: "cifar100",
        description: "objects, 32×32 in colour, 100 classes",
        image_files: false,
        source: Source::Files {
            load,
            folder: "cifar100",
            published: Some(Published {
                train: 50_000,
                test: 10_000,
                classes: 100,
                mirrors: &["https://www.cs.toronto.edu/~kriz"],
                // A sum that several public loaders agree on.
                files: &[(
                    "cifar-100-binary.tar.gz",
                    168_513_733,
                    "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
                )],
                unpacks_to: Some(FOLDER),
            }),
        },
    });
}

fn load(dir: &Path, _: &ImageSpec) -> Result<Dataset> {
    if let Some(pickles) = cifar::pickles(dir, PICKLED, "meta") {
        let classes = pickles.names("meta", "fine_label_names")?;
        let [train, test] = ["train", "test"]
            .map(|file| pickles.images(&[file.to_owned()], "fine_labels", classes.len()));
        return Dataset::new("CIFAR-100", classes, train?, test?);
    }
    // Superclass and class; the superclass is not used.
    let reader = cifar::Reader { dir: cifar::inner(dir, FOLDER), labels: 2, name: "cifar100" };
    let classes = reader.names("fine_label_names.txt")?;
    let [train, test] =
        ["train.bin", "test.bin"].map(|file| reader.records(&[file.to_owned()], classes.len()));
    Dataset::new("CIFAR-100", classes, train?, test?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::format::cifar::record;

    fn load(dir: &Path) -> Result<Dataset> {
        super::load(dir, &ImageSpec::default())
    }

    #[test]
    fn the_fine_label_is_the_class() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
        put("fine_label_names.txt", b"apple\nbee\nbus\n");
        put("train.bin", &record(&[19, 2], 1));
        put("test.bin", &record(&[3, 1], 2));
        let set = load(dir.path()).unwrap();
        assert_eq!((set.train.labels(), set.test.labels()), (&[2][..], &[1][..]));
        assert_eq!(set.train.image(0)[0], 1);
    }

    #[test]
    fn the_version_for_python_is_read_too() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
        put("meta", b"\x80\x02}U\x10fine_label_names](U\x05appleU\x03beees.");
        put("train", &cifar::pickled("fine_labels", &[1, 0]));
        put("test", &cifar::pickled("fine_labels", &[0]));
        let set = load(dir.path()).unwrap();
        assert_eq!((set.train.labels(), set.test.labels()), (&[1, 0][..], &[0][..]));
        assert_eq!(set.classes, ["apple", "bee"]);
    }
}
