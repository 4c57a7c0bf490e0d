//! What a training is made from, checked once.

use phew_graph::{Arch, Mask, Network, Node, Op};

use super::recipe::Recipe;
use super::training_data::TrainingData;
use crate::device::Device;
use crate::error::{Result, TrainError};
use crate::model::Precision;
use crate::train::Backend;

/// A network, what to keep of it, data and a recipe.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Task<'a> {
    pub network: &'a Network,
    pub mask: Option<&'a Mask>,
    pub data: TrainingData<'a>,
    pub recipe: &'a Recipe,
    pub seed: u64,
    pub device: Option<Device>,
    pub backend: Backend,
}

impl<'a> Task<'a> {
    pub(crate) fn new(network: &'a Network, data: TrainingData<'a>, recipe: &'a Recipe) -> Self {
        let (mask, seed, device, backend) = (None, 0, None, Backend::default());
        Self { network, mask, data, recipe, seed, device, backend }
    }

    /// Where it is trained: where the data lie, if they are on a device, and on the processor by default.
    pub(crate) fn device(&self) -> Device {
        match self.data {
            TrainingData::OnDevice(data) => data.device(),
            TrainingData::InMemory(_) => self.device.unwrap_or(Device::CPU),
        }
    }

    /// Refuses parts that do not fit each other.
    pub(crate) fn check(&self) -> Result<()> {
        let (arch, data) = (self.network.arch(), self.data.summary());
        self.recipe.validate()?;
        self.recipe.suits(&data)?;
        data.fits(arch)?;
        check_normalisation(arch, self.recipe.batch.min(data.train))?;
        if let Some(mask) = self.mask {
            mask.check(arch, "mask")?;
        }
        if self.backend == Backend::Sparse {
            self.check_sparse()?;
        }
        match self.device {
            Some(device) if device != self.device() => Err(TrainError::Parameter {
                what: "device",
                found: device.to_string(),
                expected: format!("{}, where the data lie", self.device()),
            }),
            _ => Ok(()),
        }
    }
}

impl Task<'_> {
    /// Refuses settings that the sparse backend lacks. Which operators it lacks is found when it is compiled.
    fn check_sparse(&self) -> Result<()> {
        let refused = |what, found: String, expected: &str| {
            Err(TrainError::Parameter { what, found, expected: expected.to_owned() })
        };
        if self.device() != Device::CPU {
            let expected = "cpu, where the sparse backend computes";
            return refused("device", self.device().to_string(), expected);
        }
        let found = match self.recipe.precision {
            Precision::Full => return Ok(()),
            Precision::Bf16 => "bf16",
            Precision::F16 => "f16",
        };
        refused("precision", found.to_owned(), "f32, in which the sparse backend computes")
    }
}

/// Refuses batches in which a normalisation would see one value of each channel: its variance is 0 over 0.
fn check_normalisation(arch: &Arch, batch: usize) -> Result<()> {
    let alone = |node: &&Node| matches!(node.op, Op::BatchNorm(_)) && node.shape.area() * batch < 2;
    match arch.nodes().iter().find(alone) {
        None => Ok(()),
        Some(node) => Err(TrainError::Parameter {
            what: "batch",
            found: batch.to_string(),
            expected: format!(
                "at least 2 images: `{}` normalises over the values of a channel in a batch, and has one",
                node.name
            ),
        }),
    }
}
