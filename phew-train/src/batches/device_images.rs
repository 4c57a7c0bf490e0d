//! Images on a device, and batches of them as numbers.

use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::augment::Augment;
use crate::data::{Images, Normalisation, Pixels};
use crate::error::Result;

/// A data set's images on a device. Nothing here writes to them.
#[derive(Debug)]
pub struct DeviceImages {
    /// Bytes or numbers, `[images, channels, rows, columns]`.
    pixels: Tensor,
    /// What to learn: classes `[images]` (i64), or bytes or numbers `[images, scalars]`.
    targets: Tensor,
    /// What turns a pixel into a normalised number: `pixel · scale + shift`, `[1, channels, 1, 1]`.
    scale: Tensor,
    shift: Tensor,
    regression: bool,
}

/// Images as numbers, and what the network should make of them.
#[derive(Debug)]
pub struct Batch {
    /// Normalised images, `[n, channels, rows, columns]`.
    pub input: Tensor,
    /// Classes `[n]` (i64), or the numbers of images, `[n, scalars]`.
    pub target: Tensor,
}

impl Batch {
    /// Number of images.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "never empty, as images never are")]
    pub fn len(&self) -> usize {
        self.input.size()[0] as usize
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
        let count = images.len() as i64;
        let pixels = tensor_of(images.pixels())?
            .f_view([count, channels, rows, columns])?
            .f_to_device(device)?;
        let targets = match images.targets() {
            Some(targets) => tensor_of(targets)?.f_view([count, -1])?,
            None => {
                let labels: Vec<i64> = images.labels().iter().map(|&l| i64::from(l)).collect();
                Tensor::f_from_slice(&labels)?
            }
        };
        let Normalisation { scale, shift } = Normalisation::new(images, statistics);
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
        let pixels = self.pixels.f_index_select(0, &indices)?;
        let pixels = match augment {
            Some((augment, rng)) => augment.apply(&pixels, rng)?,
            None => pixels,
        };
        let input = pixels.f_to_kind(Kind::Float)?.f_mul_(&self.scale)?.f_add_(&self.shift)?;
        let target = self.targets.f_index_select(0, &indices)?;
        let target = if self.regression { numbers_of(&target)? } else { target };
        Ok(Batch { input, target })
    }
}

/// Scalars as a flat tensor of their type.
fn tensor_of(pixels: &Pixels) -> Result<Tensor> {
    Ok(match pixels {
        Pixels::Bytes(bytes) => Tensor::f_from_slice(bytes)?,
        Pixels::Numbers(numbers) => Tensor::f_from_slice(numbers)?,
    })
}

/// The numbers that scalars of a tensor stand for, in a tensor of its own.
fn numbers_of(tensor: &Tensor) -> Result<Tensor> {
    if tensor.kind() == Kind::Uint8 {
        return Ok(tensor.f_to_kind(Kind::Float)?.f_div_scalar_(255.0)?);
    }
    Ok(tensor.shallow_clone())
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

    #[test]
    fn numbers_give_the_batches_of_the_bytes_that_stand_for_them() {
        let data = crate::data::digits(20, 10, 0).unwrap();
        let labels = phew_graph::ndarray::aview1(data.train.labels());
        let numbers = Images::from_arrays(data.train.to_array().view(), labels).unwrap();
        let batch = |images: &Images| {
            let statistics = images.channel_statistics();
            let device = DeviceImages::new(images, &statistics, Device::Cpu).unwrap();
            let augment = Augment { pad: 2, flip: true, resized_crop: None };
            let mut rng = phew_graph::stream(phew_graph::stream_key("test", 0), 0);
            let before = device.batch(&[0, 4]).unwrap().input;
            device.augmented(&[0, 4], &augment, &mut rng).unwrap();
            // No batch writes to the images.
            assert_eq!(device.batch(&[0, 4]).unwrap().input, before);
            device.augmented(&[0, 4], &augment, &mut rng).unwrap().input
        };
        let error = (batch(&data.train) - batch(&numbers)).abs().max().double_value(&[]);
        // A few roundings of single precision on numbers up to 4.
        assert!(error < 1e-5, "{error}");
    }
}
