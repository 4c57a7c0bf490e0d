//! Labelled images of one size.

use phew_graph::ndarray::{Array4, ArrayView1, ArrayView4};

use super::pixels::Pixels;
use crate::error::{Result, TrainError};

/// Images of one size, in the order `[image, channel, row, column]`, each with its class.
#[derive(Debug, Clone, PartialEq)]
pub struct Images {
    shape: [usize; 3],
    pixels: Pixels,
    labels: Vec<u16>,
    targets: Option<Pixels>,
}

impl Images {
    /// Images of `shape` (channels, rows, columns), as bytes or numbers, and their classes.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] if there are no images, not as many pixels as `labels.len()` images need, or numbers
    /// that are not finite.
    pub fn new(shape: [usize; 3], pixels: impl Into<Pixels>, labels: Vec<u16>) -> Result<Self> {
        let pixels = pixels.into();
        let size = shape.iter().try_fold(1_usize, |size, &side| size.checked_mul(side));
        // What wraps is more than there are pixels.
        let size = size.unwrap_or(usize::MAX);
        let expected = size.checked_mul(labels.len());
        if labels.is_empty() || size == 0 || expected != Some(pixels.len()) {
            let what = if pixels.bytes().is_some() { "bytes" } else { "numbers" };
            return Err(TrainError::Parameter {
                what: "images",
                found: format!("{} {what} of {shape:?} for {} labels", pixels.len(), labels.len()),
                expected: "at least one image, and one label for each".to_owned(),
            });
        }
        finite("pixel", &pixels, size)?;
        Ok(Self { shape, pixels, labels, targets: None })
    }

    /// Images from arrays: numbers `[image, channel, row, column]` and the class of each image.
    ///
    /// # Errors
    /// As [`Images::new`].
    ///
    /// # Examples
    /// ```
    /// use phew_train::Images;
    /// use phew_train::ndarray::{Array4, array};
    ///
    /// let noughts_and_ones = Array4::from_shape_fn((2, 1, 4, 4), |(image, ..)| image as f32);
    /// let images = Images::from_arrays(noughts_and_ones.view(), array![0, 1].view())?;
    /// assert_eq!((images.len(), images.shape()), (2, [1, 4, 4]));
    /// # Ok::<(), phew_train::TrainError>(())
    /// ```
    pub fn from_arrays(images: ArrayView4<'_, f32>, labels: ArrayView1<'_, u16>) -> Result<Self> {
        let (_, channels, rows, columns) = images.dim();
        let numbers: Vec<f32> = images.iter().copied().collect();
        Self::new([channels, rows, columns], numbers, labels.to_vec())
    }

    /// The same images with as many values as the target of each, an image of the same shape, say: a regression task.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] unless there are equally many values for each image, at least one, and all are finite.
    pub fn with_targets(mut self, targets: impl Into<Pixels>) -> Result<Self> {
        let targets = targets.into();
        if targets.is_empty() || targets.len() % self.len() != 0 {
            return Err(TrainError::Parameter {
                what: "targets",
                found: format!("{} scalars", targets.len()),
                expected: format!("equally many for each of the {} images", self.len()),
            });
        }
        finite("target", &targets, targets.len() / self.len())?;
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

    /// All scalars.
    #[must_use]
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// The numbers that the scalars stand for, `[image, channel, row, column]`.
    #[must_use]
    pub fn to_array(&self) -> Array4<f32> {
        let numbers = match &self.pixels {
            Pixels::Bytes(bytes) => bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect(),
            Pixels::Numbers(numbers) => numbers.clone(),
        };
        let [channels, rows, columns] = self.shape;
        Array4::from_shape_vec((self.len(), channels, rows, columns), numbers)
            .unwrap_or_else(|e| unreachable!("as many pixels as the shape says: {e}"))
    }

    /// The bytes of one image.
    #[cfg(test)]
    pub(crate) fn image(&self, index: usize) -> &[u8] {
        &self.pixels.bytes().unwrap()[index * self.image_len()..][..self.image_len()]
    }

    /// The class of each image.
    #[must_use]
    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// The target images, if the task is to make images.
    #[must_use]
    pub fn targets(&self) -> Option<&Pixels> {
        self.targets.as_ref()
    }

    /// Scalars of the target of one image, if the task is to make them.
    #[must_use]
    pub fn target_len(&self) -> Option<usize> {
        Some(self.targets.as_ref()?.len() / self.len())
    }

    /// Mean and standard deviation of each channel, over all images, of the numbers that the pixels stand for.
    ///
    /// Of bytes exact: sums of integers, divided once.
    #[must_use]
    pub fn channel_statistics(&self) -> Vec<(f64, f64)> {
        let count = (self.len() * self.shape[1] * self.shape[2]) as f64;
        let sums = match &self.pixels {
            Pixels::Bytes(bytes) => self.channels(bytes, |planes| {
                let (mut sum, mut squares) = (0_u64, 0_u64);
                for &pixel in planes.flatten() {
                    let pixel = u64::from(pixel);
                    sum += pixel;
                    squares += pixel * pixel;
                }
                (sum as f64, squares as f64)
            }),
            Pixels::Numbers(numbers) => self.channels(numbers, |planes| {
                planes
                    .flatten()
                    .map(|&pixel| f64::from(pixel))
                    .fold((0.0, 0.0), |(sum, squares), pixel| {
                        (sum + pixel, squares + pixel * pixel)
                    })
            }),
        };
        let unit = self.pixels.unit();
        sums.into_iter()
            .map(|(sum, squares)| {
                let mean = sum / count;
                let variance = squares / count - mean * mean;
                (mean / unit, variance.max(0.0).sqrt() / unit)
            })
            .collect()
    }

    /// Hash of shape, pixels, labels and targets.
    pub(super) fn fingerprint(&self) -> String {
        let labels: Vec<u8> = self.labels.iter().flat_map(|label| label.to_le_bytes()).collect();
        let targets = self.targets.as_ref().map_or_else(String::new, Pixels::fingerprint);
        let parts = [self.pixels.fingerprint(), phew_graph::content_hash(&labels), targets];
        phew_graph::content_hash(format!("{:?}{}", self.shape, parts.join(" ")).as_bytes())
    }

    /// What `of` makes of the planes of each channel.
    fn channels<T, R>(
        &self,
        scalars: &[T],
        of: impl Fn(&mut dyn Iterator<Item = &[T]>) -> R,
    ) -> Vec<R> {
        let [channels, rows, columns] = self.shape;
        let plane = rows * columns;
        (0..channels)
            .map(|channel| {
                let images = scalars.chunks_exact(self.image_len());
                of(&mut images.map(|image| &image[channel * plane..][..plane]))
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
        let labels = indices.iter().map(|&i| self.labels[i]).collect();
        let images = Self::new(self.shape, self.pixels.select(size, indices), labels)?;
        match (&self.targets, self.target_len()) {
            (Some(targets), Some(size)) => images.with_targets(targets.select(size, indices)),
            _ => Ok(images),
        }
    }
}

/// Refuses numbers that are not finite.
fn finite(what: &'static str, pixels: &Pixels, size: usize) -> Result<()> {
    let Some((index, value)) = pixels.first_not_finite() else { return Ok(()) };
    let image = index / size;
    let (found, expected) = (format!("{value} in image {image}"), "a finite number".to_owned());
    Err(TrainError::Parameter { what, found, expected })
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
        assert_eq!(chosen.pixels().bytes(), Some(&[4, 5, 0, 1][..]));
        assert_eq!(chosen.labels(), [12, 10]);
        assert_eq!(chosen.targets(), Some(&Pixels::Bytes(vec![5, 4, 9, 8])));
        assert_eq!(chosen.image(1), [0, 1]);
    }

    #[test]
    fn pixels_that_do_not_fill_whole_images_are_refused() {
        assert!(Images::new([1, 2, 2], vec![0_u8; 7], vec![0, 0]).is_err());
        assert!(Images::new([1, 2, 2], vec![0_f32; 7], vec![0, 0]).is_err());
        assert!(Images::new([1, 2, 2], vec![0_u8; 0], vec![]).is_err());
    }

    #[test]
    fn arrays_of_any_memory_order_are_images_of_the_same_numbers() {
        use phew_graph::ndarray::array;
        // Two images of two channels of 1×2: bytes 0, 51, …, 255 and the numbers that they stand for.
        let bytes = vec![0, 255, 51, 51, 255, 0, 51, 51];
        let bytes = Images::new([2, 1, 2], bytes, vec![1, 0]).unwrap();
        let turned = bytes.to_array().permuted_axes([3, 2, 1, 0]).as_standard_layout().to_owned();
        let again = turned.view().permuted_axes([3, 2, 1, 0]);
        let numbers = Images::from_arrays(again, array![1, 0].view()).unwrap();
        assert_eq!(numbers.to_array(), bytes.to_array());
        assert_eq!(numbers.labels(), bytes.labels());
        let statistics = numbers.channel_statistics().into_iter().zip(bytes.channel_statistics());
        for ((mean, deviation), (wanted_mean, wanted_deviation)) in statistics {
            // Single precision of 0.2.
            assert!((mean - wanted_mean).abs() < 1e-8, "{mean}");
            assert!((deviation - wanted_deviation).abs() < 1e-4, "{deviation}");
        }
        let mut wrong = bytes.to_array();
        wrong[[1, 0, 0, 1]] = f32::NAN;
        let error = Images::from_arrays(wrong.view(), array![1, 0].view()).unwrap_err();
        assert_eq!(error.to_string(), "pixel: found NaN in image 1, expected a finite number");
    }
}
