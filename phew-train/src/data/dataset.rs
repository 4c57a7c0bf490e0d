//! A data set: images to train and to test on.

use phew_graph::Arch;

use super::images::Images;
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

    /// Refuses a network whose input or output is not this set's.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] with both sizes.
    pub fn fits(&self, arch: &Arch) -> Result<()> {
        let wrong =
            |what, found: String, expected| Err(TrainError::Parameter { what, found, expected });
        let size = |sizes: Vec<usize>| sizes.iter().product::<usize>();
        let input = arch.input_shape();
        if size(input.sizes()) != self.train.image_len() {
            let expected = format!("{:?} as {} has", self.train.shape(), self.name);
            return wrong("input of the network", input.to_string(), expected);
        }
        let output = arch.output_shape();
        let (wanted, what) = match self.train.targets() {
            Some(_) => (self.train.image_len(), "scalars of a target image"),
            None => (self.classes.len(), "classes"),
        };
        if size(output.sizes()) != wanted {
            let expected = format!("{wanted}, the {what} of {}", self.name);
            return wrong("output of the network", output.to_string(), expected);
        }
        Ok(())
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
