//! A data set as a recipe names it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Dataset, Published, digits, image_folder, image_transformation, mnist_test_split};
use crate::error::{Result, TrainError};

/// Which data set, and from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// The set.
    pub set: Set,
    /// Its folder; the built-in digits have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<PathBuf>,
    /// How many digits to draw to train on and to test on, and from which seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draw: Option<DrawSpec>,
    /// Makes of it the image transformation task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transform: Option<TransformSpec>,
}

/// The data sets that a recipe can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Set {
    /// The built-in digits.
    Digits,
    /// MNIST.
    Mnist,
    /// The test files of MNIST alone, split four to one.
    MnistTestSplit,
    /// Fashion-MNIST.
    FashionMnist,
    /// CIFAR-10.
    Cifar10,
    /// CIFAR-100.
    Cifar100,
    /// Tiny-ImageNet.
    TinyImagenet,
    /// A folder per class, under `train` and `test`.
    Folder,
}

/// Numbers of built-in digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawSpec {
    /// To train on.
    pub train: usize,
    /// To test on.
    pub test: usize,
    /// Seed.
    #[serde(default)]
    pub seed: u64,
}

impl Default for DrawSpec {
    fn default() -> Self {
        Self { train: 20_000, test: 4_000, seed: 0 }
    }
}

/// The image transformation task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransformSpec {
    /// Images of each class to train on; all by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_class: Option<usize>,
    /// Seed of the angles and shears.
    #[serde(default)]
    pub seed: u64,
}

impl DataSpec {
    /// A set from its usual place.
    #[must_use]
    pub fn new(set: Set) -> Self {
        Self { set, dir: None, draw: None, transform: None }
    }

    /// Reads or draws the set.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] if a folder is missing or not wanted, and what reading the set runs into.
    pub fn load(&self) -> Result<Dataset> {
        if self.set != Set::Digits && self.draw.is_some() {
            return Err(TrainError::Parameter {
                what: "data.draw",
                found: "numbers of digits".to_owned(),
                expected: "nothing: only the built-in digits are drawn".to_owned(),
            });
        }
        let set = match self.set {
            Set::Digits => {
                if let Some(dir) = &self.dir {
                    return Err(TrainError::Parameter {
                        what: "data.dir",
                        found: dir.display().to_string(),
                        expected: "nothing: the built-in digits need no folder".to_owned(),
                    });
                }
                let draw = self.draw.unwrap_or_default();
                digits(draw.train, draw.test, draw.seed)?
            }
            Set::Mnist => Published::Mnist.load(self.folder()?)?,
            Set::MnistTestSplit => mnist_test_split(self.folder()?)?,
            Set::FashionMnist => Published::FashionMnist.load(self.folder()?)?,
            Set::Cifar10 => Published::Cifar10.load(self.folder()?)?,
            Set::Cifar100 => Published::Cifar100.load(self.folder()?)?,
            Set::TinyImagenet => Published::TinyImagenet.load(self.folder()?)?,
            Set::Folder => image_folder(self.folder()?)?,
        };
        match self.transform {
            Some(transform) => image_transformation(&set, transform.per_class, transform.seed),
            None => Ok(set),
        }
    }

    fn folder(&self) -> Result<&Path> {
        self.dir.as_deref().ok_or_else(|| TrainError::Parameter {
            what: "data.dir",
            found: "nothing".to_owned(),
            expected: "the folder of the data set".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_a_recipe_names_the_set() {
        let text = "set = 'digits'\ndraw = { train = 30, test = 10 }\ntransform = { seed = 4 }";
        let spec: DataSpec = toml::from_str(text).unwrap();
        let set = spec.load().unwrap();
        assert_eq!((set.train.len(), set.test.len()), (30, 10));
        assert!(set.test.targets().is_some());
        assert!(toml::from_str::<DataSpec>("set = 'digit'").is_err());
        assert!(toml::from_str::<DataSpec>("set = 'digits'\nfolder = 'x'").is_err());
    }

    #[test]
    fn a_folder_is_asked_for_exactly_where_one_is_read() {
        let error = DataSpec::new(Set::Cifar10).load().unwrap_err().to_string();
        assert!(error.contains("data.dir: found nothing"), "{error}");
        let spec = DataSpec { dir: Some("x".into()), ..DataSpec::new(Set::Digits) };
        assert!(spec.load().unwrap_err().to_string().contains("need no folder"));
        let spec = DataSpec { draw: Some(DrawSpec::default()), ..DataSpec::new(Set::Mnist) };
        assert!(spec.load().unwrap_err().to_string().contains("only the built-in digits"));
    }
}
