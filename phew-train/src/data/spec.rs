//! A data set as a recipe names it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::dataset::Dataset;
use super::image_transformation::image_transformation;
use super::set::{DrawSpec, Set};
use crate::error::Result;

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
    /// Those of [`Set::load`] and [`image_transformation`].
    pub fn load(&self) -> Result<Dataset> {
        let set = self.set.load(self.dir.as_deref(), self.draw)?;
        match self.transform {
            Some(transform) => image_transformation(&set, transform.per_class, transform.seed),
            None => Ok(set),
        }
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
        let error = toml::from_str::<DataSpec>("set = 'digit'").unwrap_err().to_string();
        assert!(error.contains("'digit', expected one of digits, mnist"), "{error}");
        assert!(toml::from_str::<DataSpec>("set = 'digits'\nfolder = 'x'").is_err());
    }

    #[test]
    fn a_folder_is_asked_for_exactly_where_one_is_read() {
        let error = DataSpec::new(Set::CIFAR10).load().unwrap_err().to_string();
        assert!(error.contains("data.dir: found nothing"), "{error}");
        let spec = DataSpec { dir: Some("x".into()), ..DataSpec::new(Set::DIGITS) };
        assert!(spec.load().unwrap_err().to_string().contains("need no folder"));
        let spec = DataSpec { draw: Some(DrawSpec::default()), ..DataSpec::new(Set::MNIST) };
        assert!(spec.load().unwrap_err().to_string().contains("only the built-in digits"));
    }
}
