//! A data set: images to train and to test on.

use phew_graph::Arch;

use super::images::Images;
use super::summary::DataSummary;
use crate::error::{Result, TrainError};

/// A data set: images to train on, images to test on, and the names of the classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// What to call it beside a result.
    pub name: String,
    /// The name of each class; a label is an index into it.
    pub classes: Vec<String>,
    /// Images to train on.
    pub train: Images,
    /// Images to test on.
    pub test: Images,
}

impl Dataset {
    /// Puts the parts together.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] if test images have another shape than training images, or a label no class.
    pub fn new(name: &str, classes: Vec<String>, train: Images, test: Images) -> Result<Self> {
        if train.shape() != test.shape() {
            return Err(TrainError::Parameter {
                what: "shape of the test images",
                found: format!("{:?}", test.shape()),
                expected: format!("{:?}, that of the training images", train.shape()),
            });
        }
        for label in train.labels().iter().chain(test.labels()) {
            if usize::from(*label) >= classes.len() {
                return Err(TrainError::Parameter {
                    what: "label",
                    found: label.to_string(),
                    expected: format!("below {}, the number of classes", classes.len()),
                });
            }
        }
        Ok(Self { name: name.to_owned(), classes, train, test })
    }

    /// All but the images.
    #[must_use]
    pub fn summary(&self) -> DataSummary {
        DataSummary {
            name: self.name.clone(),
            shape: self.train.shape(),
            classes: self.classes.len(),
            regression: self.train.targets().is_some(),
            train: self.train.len(),
            test: self.test.len(),
        }
    }

    /// Refuses a network whose input or output is not this set's.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] with both sizes.
    pub fn fits(&self, arch: &Arch) -> Result<()> {
        self.summary().fits(arch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_outside_the_classes_is_refused() {
        let images = Images::new([1, 1, 1], vec![7], vec![2]).unwrap();
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let error = Dataset::new("x", classes, images.clone(), images).unwrap_err();
        assert_eq!(error.to_string(), "label: found 2, expected below 2, the number of classes");
    }
}
