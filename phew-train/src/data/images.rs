//! Labelled images of one size.

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
