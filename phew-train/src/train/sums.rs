//! Sums over images, kept on the device so that no step waits for them.

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::loss::top_counts;
use crate::quality::Quality;

/// Running sums of an epoch or a test.
#[derive(Debug)]
pub(crate) struct Sums {
    /// Loss times images, then norms of gradients: `[2]`, f64.
    real: Tensor,
    /// Images whose class was first, among the first five: `[2]`, i64.
    hits: Tensor,
    images: u64,
    steps: u64,
}

/// The sums as numbers, for a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct SumValues {
    loss: f64,
    norm: f64,
    first: i64,
    five: i64,
    images: u64,
    steps: u64,
}

impl Sums {
    pub(crate) fn new(device: Device) -> Result<Self> {
        Self::restore(SumValues::default(), device)
    }

    pub(crate) fn restore(values: SumValues, device: Device) -> Result<Self> {
        let real = Tensor::f_from_slice(&[values.loss, values.norm])?.f_to_device(device)?;
        let hits = Tensor::f_from_slice(&[values.first, values.five])?.f_to_device(device)?;
        Ok(Self { real, hits, images: values.images, steps: values.steps })
    }

    /// Adds a batch: its mean loss, its outputs if they are to be counted, the gradient's norm if there is one.
    pub(crate) fn add(
        &mut self,
        loss: &Tensor,
        counted: Option<(&Tensor, &Tensor)>,
        images: usize,
        norm: Option<&Tensor>,
    ) -> Result<()> {
        let _guard = tch::no_grad_guard();
        let loss = loss.f_detach()?.f_to_kind(Kind::Double)?.f_mul_scalar(images as f64)?;
        let norm = match norm {
            Some(norm) => norm.f_to_kind(Kind::Double)?,
            None => loss.f_zeros_like()?,
        };
        let _ = self.real.f_add_(&Tensor::f_stack(&[loss, norm], 0)?)?;
        if let Some((output, labels)) = counted {
            let _ = self.hits.f_add_(&top_counts(output, labels)?)?;
        }
        self.images += images as u64;
        self.steps += 1;
        Ok(())
    }

    pub(crate) fn values(&self) -> Result<SumValues> {
        let real = Vec::<f64>::try_from(self.real.f_to_device(Device::Cpu)?)?;
        let hits = Vec::<i64>::try_from(self.hits.f_to_device(Device::Cpu)?)?;
        let (images, steps) = (self.images, self.steps);
        Ok(SumValues { loss: real[0], norm: real[1], first: hits[0], five: hits[1], images, steps })
    }
}

impl SumValues {
    /// Means over the images that were added.
    pub(crate) fn quality(self, regression: bool) -> Quality {
        let images = self.images.max(1) as f64;
        let share = |count: i64| (!regression).then_some(count as f64 / images);
        Quality { loss: self.loss / images, top1: share(self.first), top5: share(self.five) }
    }

    /// Mean over the steps.
    pub(crate) fn gradient_norm(self) -> f64 {
        self.norm / self.steps.max(1) as f64
    }
}
