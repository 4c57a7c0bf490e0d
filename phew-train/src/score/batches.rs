//! The images that scores look at, on a device.

use super::SampleSpec;
use super::samples::choose;
use crate::batches::{Batch, DeviceImages};
use crate::data::Dataset;
use crate::device::Device;
use crate::error::Result;

/// The batches that `spec` says, normalised as in training and not augmented.
///
/// # Errors
/// [`TrainError::Parameter`](crate::TrainError::Parameter) if a class has too few images or a number is 0,
/// [`TrainError::Torch`](crate::TrainError::Torch) if the device has no room.
pub fn score_batches(data: &Dataset, spec: SampleSpec, device: Device) -> Result<Vec<Batch>> {
    let chosen = choose(&data.train, data.classes.len(), spec)?;
    let images = data.train.select(&chosen)?;
    // Normalised by the statistics of all training images, not of the few that were chosen.
    let images = DeviceImages::new(&images, &data.normalisation(), device.0)?;
    let indices: Vec<i64> = (0..chosen.len() as i64).collect();
    indices.chunks(spec.batch).map(|part| images.batch(part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_batch_has_what_is_left() {
        let data = crate::digits(300, 10, 0).unwrap();
        let spec = SampleSpec { per_class: 7, batch: 32, seed: 1 };
        let batches = score_batches(&data, spec, Device::CPU).unwrap();
        let sizes: Vec<i64> = batches.iter().map(|batch| batch.input.size()[0]).collect();
        assert_eq!(sizes, [32, 32, 6]);
    }
}
