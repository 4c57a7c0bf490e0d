//! The test files of MNIST alone.

use std::path::Path;

use crate::data::dataset::Dataset;
use crate::data::format::idx;
use crate::data::image_spec::ImageSpec;
use crate::data::set::{Entry, Set, Source};
use crate::error::Result;

impl Set {
    /// The test files of MNIST alone, the last fifth of them held out (of the 10,000: 8,000 and 2,000, by index).
    ///
    /// For quick runs where the large training file is not at hand; its accuracies are not those of MNIST.
    pub const MNIST_TEST_SPLIT: Self = Self::new(&Entry {
        name: "mnist-test-split",
        description: "the test files of mnist alone, split four to one",
        image_files: false,
        source: Source::Files { load, folder: "mnist", published: None },
    });
}

fn load(dir: &Path, _: &ImageSpec) -> Result<Dataset> {
    let all = idx::images(dir, "t10k", "mnist")?;
    let indices: Vec<usize> = (0..all.len()).collect();
    let (train, test) = indices.split_at(all.len() - all.len() / 5);
    Dataset::new(
        "MNIST (test files, split 4:1)",
        (0..10).map(|digit| digit.to_string()).collect(),
        all.select(train)?,
        all.select(test)?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(dir: &Path) -> Result<Dataset> {
        super::load(dir, &ImageSpec::default())
    }

    #[test]
    fn the_last_fifth_of_the_test_files_is_held_out() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
        put("t10k-images-idx3-ubyte", &idx::file(&[5, 1, 1], &[0, 1, 2, 3, 4]));
        put("t10k-labels-idx1-ubyte", &idx::file(&[5], &[0, 1, 2, 3, 4]));
        let set = load(dir.path()).unwrap();
        assert_eq!(set.train.pixels().bytes(), Some(&[0, 1, 2, 3][..]));
        assert_eq!(set.test.labels(), [4]);
    }
}
