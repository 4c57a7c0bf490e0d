//! The data of a training, wherever they lie.

use std::borrow::Cow;

use crate::batches::DeviceDataset;
use crate::data::{DataSummary, Dataset};

/// Data to train on: in memory, to be copied to the device by each trainer, or on a device already.
#[derive(Debug, Clone, Copy)]
pub enum TrainingData<'a> {
    /// In memory.
    InMemory(&'a Dataset),
    /// On a device.
    OnDevice(&'a DeviceDataset),
}

impl<'a> From<&'a Dataset> for TrainingData<'a> {
    fn from(data: &'a Dataset) -> Self {
        Self::InMemory(data)
    }
}

impl<'a> From<&'a DeviceDataset> for TrainingData<'a> {
    fn from(data: &'a DeviceDataset) -> Self {
        Self::OnDevice(data)
    }
}

impl<'a> TrainingData<'a> {
    /// What they are like.
    #[must_use]
    pub fn summary(self) -> Cow<'a, DataSummary> {
        match self {
            Self::InMemory(data) => Cow::Owned(data.summary()),
            Self::OnDevice(data) => Cow::Borrowed(data.summary()),
        }
    }

    /// Hash of their images and labels.
    pub(crate) fn fingerprint(self) -> Cow<'a, str> {
        match self {
            Self::InMemory(data) => Cow::Owned(data.fingerprint()),
            Self::OnDevice(data) => Cow::Borrowed(data.fingerprint()),
        }
    }
}
