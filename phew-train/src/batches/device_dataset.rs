//! A data set on a device, shared by all runs that train on it.

use std::sync::{Mutex, PoisonError};

use super::device_images::DeviceImages;
use crate::data::{DataSummary, Dataset};
use crate::device::Device;
use crate::error::Result;

/// A data set that was copied to a device once. Trainers in any number of threads read the same memory.
///
/// # Examples
/// ```
/// use phew_graph::{Init, Network, zoo};
/// use phew_train::{Device, DeviceDataset, Recipe, Trainer, digits};
///
/// let recipe = Recipe::preset("digits")?.with_epochs(1);
/// let data = DeviceDataset::new(&digits(200, 100, 0)?, Device::CPU)?;
/// let network = Network::initialise(zoo::by_name("lenet-300-100")?.build()?, Init::default(), 0)?;
/// let train = |seed| Trainer::builder(&network, &data, &recipe).seed(seed).build()?.run(&mut ());
/// std::thread::scope(|scope| {
///     let runs = [0, 1].map(|seed| scope.spawn(move || train(seed)));
///     runs.map(|run| assert!(run.join().is_ok_and(|records| records.is_ok())));
/// });
/// # Ok::<(), phew_train::TrainError>(())
/// ```
#[derive(Debug)]
pub struct DeviceDataset {
    summary: DataSummary,
    fingerprint: String,
    device: Device,
    train: Shared,
    test: Shared,
}

/// Images for several threads.
///
/// A tensor may go to another thread but not be used by two at once. So each user gets tensors of its own, made behind
/// a lock; what they share is memory that nothing writes to, and libtorch's atomic count of its owners.
#[derive(Debug)]
struct Shared(Mutex<DeviceImages>);

impl Shared {
    fn alias(&self) -> Result<DeviceImages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).alias()
    }
}

impl DeviceDataset {
    /// Copies a data set to a device, to be normalised as [`Dataset::normalisation`] says.
    ///
    /// # Errors
    /// [`TrainError::Torch`](crate::TrainError::Torch) if the device has no room.
    pub fn new(data: &Dataset, device: Device) -> Result<Self> {
        let statistics = data.normalisation();
        let copy = |images| -> Result<Shared> {
            Ok(Shared(Mutex::new(DeviceImages::new(images, &statistics, device.0)?)))
        };
        let (train, test) = (copy(&data.train)?, copy(&data.test)?);
        let fingerprint = data.fingerprint();
        Ok(Self { summary: data.summary(), fingerprint, device, train, test })
    }

    /// Hash of its images and labels: [`Dataset::fingerprint`].
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// What it is like.
    #[must_use]
    pub fn summary(&self) -> &DataSummary {
        &self.summary
    }

    /// Where it lies.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }

    /// The images to train on, for one thread.
    ///
    /// # Errors
    /// [`TrainError::Torch`](crate::TrainError::Torch).
    pub fn train(&self) -> Result<DeviceImages> {
        self.train.alias()
    }

    /// The images to test on, for one thread.
    ///
    /// # Errors
    /// [`TrainError::Torch`](crate::TrainError::Torch).
    pub fn test(&self) -> Result<DeviceImages> {
        self.test.alias()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits;

    #[test]
    fn threads_read_the_same_memory_and_the_same_batches() {
        fn shared<T: Send + Sync>(_: &T) {}
        let data = digits(200, 50, 0).unwrap();
        let on_device = DeviceDataset::new(&data, Device::CPU).unwrap();
        shared(&on_device);
        assert_eq!(on_device.summary(), &data.summary());
        let read = || {
            let images = on_device.train().unwrap();
            let batch = images.batch(&[3, 1, 199]).unwrap();
            let pixels = Vec::<f32>::try_from(batch.input.flatten(0, -1)).unwrap();
            (images.address(), pixels)
        };
        let here = read();
        std::thread::scope(|scope| {
            for thread in [(); 3].map(|()| scope.spawn(read)) {
                assert_eq!(thread.join().unwrap(), here);
            }
        });
    }
}
