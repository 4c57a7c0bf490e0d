//! A data set: images to train and to test on.

use phew_graph::Arch;

use super::images::Images;
use super::summary::DataSummary;
use crate::error::{Result, TrainError};

/// A data set: images to train on, images to test on, and the names of the classes.
///
/// # Examples
/// A set of one's own, from arrays:
/// ```
/// use phew_train::ndarray::{Array1, Array4};
/// use phew_train::{Dataset, Images};
///
/// let images = |count| {
///     let pixels = Array4::from_shape_fn((count, 3, 8, 8), |(i, _, row, _)| ((i + row) % 2) as f32);
///     let labels = Array1::from_shape_fn(count, |i| (i % 2) as u16);
///     Images::from_arrays(pixels.view(), labels.view())
/// };
/// let classes = ["even", "odd"].map(str::to_owned).to_vec();
/// let data = Dataset::new("stripes", classes, images(100)?, images(20)?)?;
/// assert_eq!(data.summary().shape, [3, 8, 8]);
/// # Ok::<(), phew_train::TrainError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// What to call it beside a result.
    pub name: String,
    /// The name of each class; a label is an index into it.
    pub classes: Vec<String>,
    /// Images to train on.
    pub train: Images,
    /// Images to test on.
    pub test: Images,
    /// Mean and deviation of each channel that images are normalised by; those of the training images if none are given.
    pub statistics: Option<Vec<(f64, f64)>>,
    /// What was left out when it was read, a sentence each.
    pub notes: Vec<String>,
}

impl Dataset {
    /// Puts the parts together.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] if test images or their targets have another shape than those to train on, or a
    /// label no class.
    pub fn new(name: &str, classes: Vec<String>, train: Images, test: Images) -> Result<Self> {
        if train.shape() != test.shape() {
            return Err(TrainError::Parameter {
                what: "shape of the test images",
                found: format!("{:?}", test.shape()),
                expected: format!("{:?}, that of the training images", train.shape()),
            });
        }
        if train.target_len() != test.target_len() {
            let scalars = |targets: Option<usize>| match targets {
                Some(scalars) => format!("{scalars} scalars"),
                None => "classes".to_owned(),
            };
            return Err(TrainError::Parameter {
                what: "targets of the test images",
                found: scalars(test.target_len()),
                expected: format!("{}, as the training images have", scalars(train.target_len())),
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
        let (statistics, notes) = (None, Vec::new());
        Ok(Self { name: name.to_owned(), classes, train, test, statistics, notes })
    }

    /// What images are normalised by: mean and deviation of each channel.
    #[must_use]
    pub fn normalisation(&self) -> Vec<(f64, f64)> {
        self.statistics.clone().unwrap_or_else(|| self.train.channel_statistics())
    }

    /// All but the images.
    #[must_use]
    pub fn summary(&self) -> DataSummary {
        DataSummary {
            name: self.name.clone(),
            shape: self.train.shape(),
            classes: self.classes.len(),
            regression: self.train.targets().is_some(),
            outputs: self.train.target_len().unwrap_or(self.classes.len()),
            train: self.train.len(),
            test: self.test.len(),
        }
    }

    /// Hash of all images, labels and targets, in hexadecimal: it ties a run to what it was trained on.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let parts = [&self.train, &self.test].map(Images::fingerprint);
        phew_graph::content_hash(parts.concat().as_bytes())
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
    fn a_fingerprint_tells_any_two_sets_apart() {
        let images = |pixels: Vec<u8>, label| Images::new([1, 1, 2], pixels, vec![label]).unwrap();
        let set = |train: &Images, test: &Images| {
            let classes = vec!["a".to_owned(), "b".to_owned()];
            Dataset::new("x", classes, train.clone(), test.clone()).unwrap().fingerprint()
        };
        let (one, two) = (images(vec![1, 2], 0), images(vec![2, 1], 0));
        let numbers = Images::new([1, 1, 2], vec![1.0, 2.0], vec![0]).unwrap();
        let made = one.clone().with_targets(vec![1_u8, 2]).unwrap();
        let all = [
            set(&one, &two),
            set(&two, &one),
            set(&one, &one),
            set(&images(vec![1, 2], 1), &two),
            set(&numbers, &two),
            set(&made, &made),
        ];
        assert_eq!(all[0], set(&one.clone(), &two));
        let different: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }

    #[test]
    fn a_label_outside_the_classes_is_refused() {
        let images = Images::new([1, 1, 1], vec![7], vec![2]).unwrap();
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let error = Dataset::new("x", classes, images.clone(), images).unwrap_err();
        assert_eq!(error.to_string(), "label: found 2, expected below 2, the number of classes");
    }
}
