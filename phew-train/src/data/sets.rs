//! The table of data sets, one file each. To add one: its file, and here its module and its line in the table.

mod cifar10;
mod cifar100;
mod digits;
mod fashion_mnist;
mod folder;
mod mnist;
mod mnist_test_split;
mod tensors;
mod tiny_imagenet;

use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

use super::set::Set;
use crate::error::{Result, TrainError};

pub use digits::digits;

/// All data sets, in the order of `phew data list`.
const ALL: &[Set] = &[
    Set::DIGITS,
    Set::MNIST,
    Set::MNIST_TEST_SPLIT,
    Set::FASHION_MNIST,
    Set::CIFAR10,
    Set::CIFAR100,
    Set::TINY_IMAGENET,
    Set::FOLDER,
    Set::TENSORS,
];

impl Set {
    /// All data sets that phew knows.
    ///
    /// # Examples
    /// ```
    /// use phew_train::Set;
    ///
    /// let names: Vec<&str> = Set::all().iter().map(|set| set.name()).collect();
    /// assert!(names.contains(&"cifar10"));
    /// assert_eq!("cifar10".parse::<Set>()?, Set::CIFAR10);
    /// # Ok::<(), phew_train::TrainError>(())
    /// ```
    #[must_use]
    pub fn all() -> &'static [Self] {
        ALL
    }
}

impl FromStr for Set {
    type Err = TrainError;

    fn from_str(name: &str) -> Result<Self> {
        ALL.iter().find(|set| set.name() == name).copied().ok_or_else(|| {
            let names: Vec<&str> = ALL.iter().map(|set| set.name()).collect();
            TrainError::Parameter {
                what: "data set",
                found: format!("'{name}'"),
                expected: format!("one of {}", names.join(", ")),
            }
        })
    }
}

impl<'de> Deserialize<'de> for Set {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_is_found_by_the_name_that_it_prints_and_by_no_other() {
        for set in Set::all() {
            assert_eq!(set.to_string().parse::<Set>().unwrap(), *set);
            assert_eq!(Set::all().iter().filter(|other| *other == set).count(), 1, "{set}");
            assert_eq!(serde_json::to_value(set).unwrap(), set.name());
            assert!(!set.description().is_empty());
        }
        let error = "imagenet".parse::<Set>().unwrap_err().to_string();
        assert!(error.contains("'imagenet', expected one of digits, mnist, mnist-test"), "{error}");
    }

    #[test]
    fn every_published_set_has_a_sum_for_each_file_and_a_folder() {
        let published = Set::all().iter().filter(|set| set.published().is_some());
        assert_eq!(published.clone().count(), 5);
        for set in published {
            assert_eq!(set.folder(), Some(set.name()));
            let files = set.published().unwrap().files();
            assert!(!files.is_empty());
            for file in files {
                assert!(file.sha256.len() == 64 && file.bytes > 0 && !file.urls.is_empty());
            }
        }
    }

    #[test]
    fn what_is_not_as_published_is_named_with_what_was_expected() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
        for batch in 1..=5 {
            put(&format!("data_batch_{batch}.bin"), &[0; 3073]);
        }
        put("test_batch.bin", &[0; 3073]);
        put("batches.meta.txt", b"cat\n");
        let check = || Set::CIFAR10.check(dir.path()).unwrap_err().to_string();
        assert!(check().contains("holds (5, 1, 1)") && check().contains("(50000, 10000, 10)"));
        put("cifar-10-binary.tar.gz", b"another");
        let error = check();
        assert!(
            error.contains("cifar-10-binary.tar.gz: ") && error.contains("c4a38c50"),
            "{error}"
        );
        let error = Set::DIGITS.check(dir.path()).unwrap_err().to_string();
        assert!(error.contains("'digits', expected one that is published"), "{error}");
    }
}
