//! Images on a device, and batches of them as numbers.

use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::augment::Augment;
use crate::data::Images;
use crate::error::Result;

/// A data set's images on a device. Nothing here writes to them.
#[derive(Debug)]
pub struct DeviceImages {
    /// Bytes, `[images, channels, rows, columns]`.
    pixels: Tensor,
    /// What to learn: classes `[images]` (i64), or bytes `[images, scalars]`.
    targets: Tensor,
    /// What turns a byte into a normalised number: `byte · scale + shift`, `[1, channels, 1, 1]`.
    scale: Tensor,
    shift: Tensor,
    regression: bool,
}

/// Images as numbers, and what the network should make of them.
#[derive(Debug)]
pub struct Batch {
    /// Normalised images, `[n, channels, rows, columns]`.
    pub input: Tensor,
    /// Classes `[n]` (i64), or images in `[0, 1]`, `[n, scalars]`.
    pub target: Tensor,
}

impl Batch {
    /// Number of images.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "never empty, as images never are")]
    pub fn len(&self) -> usize {
        self.input.size()[0] as usize
    }

    /// The inputs of the first `count` images, or of all if there are fewer.
    pub fn first(&self, count: usize) -> Tensor {
        self.input.narrow(0, 0, count.min(self.len()) as i64)
    }
}

impl DeviceImages {
    /// Copies images to a device, to be normalised by the given mean and deviation of each channel.
    ///
    /// # Errors
    /// [`TrainError::Torch`](crate::TrainError::Torch) if the device has no room.
    ///
    /// # Panics
    /// If there are not as many statistics as channels.
    pub fn new(images: &Images, statistics: &[(f64, f64)], device: Device) -> Result<Self> {
        let [channels, rows, columns] = images.shape().map(|n| n as i64);
        assert_eq!(statistics.len() as i64, channels, "one mean and deviation for each channel");
        let count = images.len() as i64;
        let pixels = Tensor::f_from_slice(images.pixels())?
            .f_view([count, channels, rows, columns])?
            .f_to_device(device)?;
        let targets = match images.targets() {
            Some(bytes) => Tensor::f_from_slice(bytes)?.f_view([count, -1])?,
            None => {
                let labels: Vec<i64> = images.labels().iter().map(|&l| i64::from(l)).collect();
                Tensor::f_from_slice(&labels)?
            }
        };
        // A channel that never varies carries nothing: it is only centred.
        let deviation = |d: f64| if d > 0.0 { d } else { 1.0 };
        let scale: Vec<f32> =
            statistics.iter().map(|(_, d)| (1.0 / (255.0 * deviation(*d))) as f32).collect();
        let shift: Vec<f32> =
            statistics.iter().map(|(mean, d)| (-mean / deviation(*d)) as f32).collect();
        let per_channel = |values: &[f32]| {
            Tensor::f_from_slice(values)?.f_view([1, channels, 1, 1])?.f_to_device(device)
        };
        Ok(Self {
            pixels,
            targets: targets.f_to_device(device)?,
            scale: per_channel(&scale)?,
            shift: per_channel(&shift)?,
            regression: images.targets().is_some(),
        })
    }

    /// The same images, in the same memory, by tensors of their own.
    pub(super) fn alias(&self) -> Result<Self> {
        Ok(Self {
            pixels: self.pixels.f_detach()?,
            targets: self.targets.f_detach()?,
            scale: self.scale.f_detach()?,
            shift: self.shift.f_detach()?,
            regression: self.regression,
        })
    }

    /// Where the pixels lie in memory.
    #[cfg(test)]
    pub(super) fn address(&self) -> usize {
        self.pixels.data_ptr() as usize
    }

    /// Number of images.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "never empty, as images never are")]
    pub fn len(&self) -> usize {
        self.pixels.size()[0] as usize
    }

    /// Whether the targets are images rather than classes.
    #[must_use]
    pub fn is_regression(&self) -> bool {
        self.regression
    }

    /// The images at these indices, as they are.
    ///
    /// # Errors
    /// [`TrainError::Torch`](crate::TrainError::Torch) if an index is out of range or the device has no room.
    pub fn batch(&self, indices: &[i64]) -> Result<Batch> {
        self.make(indices, None)
    }

    /// The images at these indices, augmented with random numbers from `rng`.
    ///
    /// # Errors
    /// As [`DeviceImages::batch`].
    pub fn augmented(
        &self,
        indices: &[i64],
        augment: &Augment,
        rng: &mut ChaCha8Rng,
    ) -> Result<Batch> {
        self.make(indices, Some((augment, rng)))
    }

    fn make(&self, indices: &[i64], augment: Option<(&Augment, &mut ChaCha8Rng)>) -> Result<Batch> {
        let indices = Tensor::f_from_slice(indices)?.f_to_device(self.pixels.device())?;
        let bytes = self.pixels.f_index_select(0, &indices)?;
        let bytes = match augment {
            Some((augment, rng)) => augment.apply(&bytes, rng)?,
            None => bytes,
        };
        let input = bytes.f_to_kind(Kind::Float)?.f_mul_(&self.scale)?.f_add_(&self.shift)?;
        let target = self.targets.f_index_select(0, &indices)?;
        let target = if self.regression {
            target.f_to_kind(Kind::Float)?.f_div_scalar_(255.0)?
        } else {
            target
        };
        Ok(Batch { input, target })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_numbers_of_mean_zero_and_deviation_one() {
        let images = Images::new([2, 1, 2], vec![0, 255, 51, 51, 255, 0, 51, 51], vec![3, 1]);
        let images = images.unwrap();
        let device = DeviceImages::new(&images, &images.channel_statistics(), Device::Cpu).unwrap();
        let batch = device.batch(&[1, 0]).unwrap();
        assert_eq!(batch.input.size(), [2, 2, 1, 2]);
        let values = Vec::<f32>::try_from(batch.input.flatten(0, -1)).unwrap();
        let wanted = [1.0, -1.0, 0.0, 0.0, -1.0, 1.0, 0.0, 0.0];
        for (value, wanted) in values.iter().zip(wanted) {
            assert!((value - wanted).abs() < 1e-6, "{values:?}");
        }
        assert_eq!(Vec::<i64>::try_from(batch.target).unwrap(), [1, 3]);
    }

    #[test]
    fn target_images_are_scaled_to_one() {
        let images = Images::new([1, 1, 2], vec![1, 2, 3, 4], vec![0, 0]).unwrap();
        let images = images.with_targets(vec![0, 255, 51, 102]).unwrap();
        let device = DeviceImages::new(&images, &[(0.0, 1.0)], Device::Cpu).unwrap();
        let batch = device.batch(&[1]).unwrap();
        let values = Vec::<f32>::try_from(batch.target.flatten(0, -1)).unwrap();
        assert!((values[0] - 0.2).abs() < 1e-6 && (values[1] - 0.4).abs() < 1e-6);
        assert_eq!(batch.target.size(), [1, 2]);
    }
}
