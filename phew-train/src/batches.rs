//! Data on the device as bytes, and batches of it as numbers.

mod augment;
mod device_dataset;
mod device_images;
mod order;

pub use augment::{Augment, ResizedCrop};
pub use device_dataset::DeviceDataset;
pub use device_images::{Batch, DeviceImages};
pub use order::epoch_order;
