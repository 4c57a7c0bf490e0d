//! Data sets: labelled images as bytes, whatever they were read from.

mod catalog;
mod cifar;
mod decode;
mod digits;
mod fetch;
mod folder;
mod glyphs;
mod idx;
mod spec;
mod tiny_imagenet;
mod transform;

pub use catalog::Published;
pub use cifar::{cifar10, cifar100};
pub use digits::digits;
pub use fetch::{RemoteFile, fetch};
pub use folder::image_folder;
pub use idx::{fashion_mnist, mnist, mnist_test_split};
pub use spec::{DataSpec, DrawSpec, Set, TransformSpec};
pub use tiny_imagenet::tiny_imagenet;
pub use transform::{ClassTransform, class_transforms, image_transformation};

use phew_graph::Arch;

use crate::error::{Result, TrainError};

/// Images of one size, as bytes in the order `[image, channel, row, column]`, each with its class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    shape: [usize; 3],
    pixels: Vec<u8>,
    labels: Vec<u16>,
    targets: Option<Vec<u8>>,
}

impl Images {
    /// Images of `shape` (channels, rows, columns) and their classes.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] if there are no images, or not as many pixels as `labels.len()` images need.
    pub fn new(shape: [usize; 3], pixels: Vec<u8>, labels: Vec<u16>) -> Result<Self> {
        let size: usize = shape.iter().product();
        if labels.is_empty() || size == 0 || pixels.len() != size * labels.len() {
            return Err(TrainError::Parameter {
                what: "images",
                found: format!("{} bytes of {shape:?} for {} labels", pixels.len(), labels.len()),
                expected: "at least one image, and one label for each".to_owned(),
            });
        }
        Ok(Self { shape, pixels, labels, targets: None })
    }

    /// The same images with an image of the same shape as the target of each: a regression task.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] if `targets` has another size than the images.
    pub fn with_targets(mut self, targets: Vec<u8>) -> Result<Self> {
        if targets.len() != self.pixels.len() {
            return Err(TrainError::Parameter {
                what: "target images",
                found: format!("{} bytes", targets.len()),
                expected: format!("{} bytes, as many as the images", self.pixels.len()),
            });
        }
        self.targets = Some(targets);
        Ok(self)
    }

    /// Channels, rows, columns.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Number of images, which is at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "never empty, by construction")]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Scalars of one image.
    #[must_use]
    pub fn image_len(&self) -> usize {
        self.shape.iter().product()
    }

    /// All bytes.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The bytes of one image.
    ///
    /// # Panics
    /// If `index` is not below [`Images::len`].
    #[must_use]
    pub fn image(&self, index: usize) -> &[u8] {
        &self.pixels[index * self.image_len()..][..self.image_len()]
    }

    /// The class of each image.
    #[must_use]
    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// The target images, if the task is to make images.
    #[must_use]
    pub fn targets(&self) -> Option<&[u8]> {
        self.targets.as_deref()
    }

    /// Mean and standard deviation of each channel, over all images, of pixels scaled to `[0, 1]`.
    ///
    /// Exact: sums of integers, divided once.
    #[must_use]
    pub fn channel_statistics(&self) -> Vec<(f64, f64)> {
        let [channels, rows, columns] = self.shape;
        let plane = rows * columns;
        let count = (self.len() * plane) as f64;
        (0..channels)
            .map(|channel| {
                let (mut sum, mut squares) = (0_u64, 0_u64);
                for image in self.pixels.chunks_exact(self.image_len()) {
                    for &pixel in &image[channel * plane..][..plane] {
                        let pixel = u64::from(pixel);
                        sum += pixel;
                        squares += pixel * pixel;
                    }
                }
                let mean = sum as f64 / count;
                let variance = squares as f64 / count - mean * mean;
                (mean / 255.0, variance.max(0.0).sqrt() / 255.0)
            })
            .collect()
    }

    /// The images at `indices`, in that order.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] if `indices` is empty.
    ///
    /// # Panics
    /// If an index is not below [`Images::len`].
    pub fn select(&self, indices: &[usize]) -> Result<Self> {
        let size = self.image_len();
        let gather = |from: &[u8]| -> Vec<u8> {
            indices.iter().flat_map(|&i| &from[i * size..][..size]).copied().collect()
        };
        let labels = indices.iter().map(|&i| self.labels[i]).collect();
        let images = Self::new(self.shape, gather(&self.pixels), labels)?;
        match &self.targets {
            Some(targets) => images.with_targets(gather(targets)),
            None => Ok(images),
        }
    }
}

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
    /// Puts the parts together once they are known to agree.
    fn new(name: &str, classes: Vec<String>, train: Images, test: Images) -> Result<Self> {
        if train.shape != test.shape {
            return Err(TrainError::Parameter {
                what: "shape of the test images",
                found: format!("{:?}", test.shape),
                expected: format!("{:?}, that of the training images", train.shape),
            });
        }
        for label in train.labels.iter().chain(&test.labels) {
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
    fn statistics_of_a_channel_are_those_worked_by_hand() {
        // Channel 0 holds 0 and 255 alike: mean 1/2, deviation 1/2. Channel 1 is 51 throughout: 0.2 and 0.
        let images =
            Images::new([2, 1, 2], vec![0, 255, 51, 51, 255, 0, 51, 51], vec![0, 1]).unwrap();
        let statistics = images.channel_statistics();
        assert_eq!(statistics, [(0.5, 0.5), (0.2, 0.0)]);
    }

    #[test]
    fn a_label_outside_the_classes_is_refused() {
        let images = Images::new([1, 1, 1], vec![7], vec![2]).unwrap();
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let error = Dataset::new("x", classes, images.clone(), images).unwrap_err();
        assert_eq!(error.to_string(), "label: found 2, expected below 2, the number of classes");
    }

    #[test]
    fn selection_keeps_images_labels_and_targets_together() {
        let images = Images::new([1, 1, 2], vec![0, 1, 2, 3, 4, 5], vec![10, 11, 12]).unwrap();
        let images = images.with_targets(vec![9, 8, 7, 6, 5, 4]).unwrap();
        let chosen = images.select(&[2, 0]).unwrap();
        assert_eq!(chosen.pixels(), [4, 5, 0, 1]);
        assert_eq!(chosen.labels(), [12, 10]);
        assert_eq!(chosen.targets(), Some(&[5, 4, 9, 8][..]));
        assert_eq!(chosen.image(1), [0, 1]);
    }

    #[test]
    fn pixels_that_do_not_fill_whole_images_are_refused() {
        assert!(Images::new([1, 2, 2], vec![0; 7], vec![0, 0]).is_err());
        assert!(Images::new([1, 2, 2], vec![], vec![]).is_err());
    }
}
