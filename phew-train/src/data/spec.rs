//! A data set as a recipe names it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::dataset::Dataset;
use super::image_spec::ImageSpec;
use super::image_transformation::image_transformation;
use super::set::{DrawSpec, Set};
use super::subset::{SubsetSpec, subset};
use crate::error::Result;

/// Which data set, and from where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Uses a part of its images alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subset: Option<SubsetSpec>,
    /// What is made of its images.
    #[serde(default, skip_serializing_if = "ImageSpec::is_default")]
    pub images: ImageSpec,
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
        let images = ImageSpec::default();
        Self { set, dir: None, draw: None, subset: None, images, transform: None }
    }

    /// The same with so many images to train and to test on: so many digits are drawn where they are built in, and of
    /// another set a part is taken, as [`SubsetSpec`] says. The transformation task then has no other limit.
    #[must_use]
    pub fn with_images(mut self, train: Option<usize>, test: Option<usize>) -> Self {
        if self.set == Set::DIGITS {
            let draw = self.draw.get_or_insert_default();
            (draw.train, draw.test) = (train.unwrap_or(draw.train), test.unwrap_or(draw.test));
        } else {
            let subset = self.subset.get_or_insert_default();
            (subset.train, subset.test) = (train.or(subset.train), test.or(subset.test));
        }
        if let Some(transform) = &mut self.transform
            && train.is_some()
        {
            transform.per_class = None;
        }
        self
    }

    /// Reads or draws the set, takes the part of it, and makes the task of that.
    ///
    /// # Errors
    /// Those of [`Set::load`] and [`image_transformation`], and if the part has more images than the set.
    pub fn load(&self) -> Result<Dataset> {
        let set = self.set.load_as(self.dir.as_deref(), self.draw, &self.images)?;
        let set = subset(set, self.subset.unwrap_or_default())?;
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
    fn so_many_images_are_drawn_or_taken() {
        let digits = DataSpec::new(Set::DIGITS).with_images(Some(30), None);
        assert_eq!(digits.draw, Some(DrawSpec { train: 30, ..DrawSpec::default() }));
        assert_eq!(digits.subset, None);
        let mnist = DataSpec {
            transform: Some(TransformSpec { per_class: Some(1000), seed: 2 }),
            ..DataSpec::new(Set::MNIST)
        };
        let fewer = mnist.clone().with_images(None, Some(20));
        assert_eq!(fewer.transform, mnist.transform);
        let fewer = fewer.with_images(Some(10), None);
        let part = SubsetSpec { train: Some(10), test: Some(20), seed: 0 };
        assert_eq!((fewer.subset, fewer.draw), (Some(part), None));
        assert_eq!(fewer.transform, Some(TransformSpec { per_class: None, seed: 2 }));
        // The part is taken before the task is made of it.
        let text = "set = 'digits'\ndraw = { train = 30, test = 10 }\nsubset = { train = 20 }\n\
                    transform = { per_class = 1 }";
        let spec: DataSpec = toml::from_str(text).unwrap();
        let set = spec.load().unwrap();
        assert_eq!((set.train.len(), set.test.len()), (10, 10));
        assert!(set.name.contains("20 images to train on"), "{}", set.name);
        assert_eq!(toml::from_str::<DataSpec>(&toml::to_string(&spec).unwrap()).unwrap(), spec);
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
