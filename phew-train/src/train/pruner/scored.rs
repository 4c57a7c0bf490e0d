//! Any method of the registry as a pruner.

use std::collections::BTreeMap;

use phew_baselines::{Entry, Method, Options, Oracle, Scored};
use phew_graph::{Mask, Network};

use super::keep::keep;
use super::{Pruner, PrunerInfo};
use crate::data::Dataset;
use crate::device::Device;
use crate::error::Result;
use crate::score::{OracleMode, SampleSpec, TorchOracle};

/// A method of `phew-baselines` as a pruner: magnitude, SNIP, GraSP, SynFlow, random and all others.
#[derive(Debug, Clone)]
pub struct ScoredPruner<'a> {
    method: Entry<Scored>,
    seed: u64,
    options: Options,
    data: &'a Dataset,
    samples: SampleSpec,
    mode: OracleMode,
    device: Device,
}

/// What a [`ScoredPruner`] is to be made from.
#[derive(Debug, Clone)]
#[must_use]
pub struct ScoredPrunerBuilder<'a>(ScoredPruner<'a>);

impl<'a> ScoredPrunerBuilder<'a> {
    /// Sets the seed of the method's random choices; 0 by default.
    pub fn seed(self, seed: u64) -> Self {
        Self(ScoredPruner { seed, ..self.0 })
    }

    /// Sets the method's options; its own defaults by default.
    pub fn options(self, options: Options) -> Self {
        Self(ScoredPruner { options, ..self.0 })
    }

    /// Sets which images a method sees that looks at data; ten of each class by default.
    pub fn samples(self, samples: SampleSpec) -> Self {
        Self(ScoredPruner { samples, ..self.0 })
    }

    /// Sets how normalisation behaves while images are looked at; by the batch by default.
    pub fn mode(self, mode: OracleMode) -> Self {
        Self(ScoredPruner { mode, ..self.0 })
    }

    /// Sets where scores are computed; on the processor by default.
    pub fn device(self, device: Device) -> Self {
        Self(ScoredPruner { device, ..self.0 })
    }

    /// The pruner.
    ///
    /// # Errors
    /// [`TrainError::Parameter`](crate::TrainError::Parameter) if the method looks at data and the numbers of images
    /// make no sense.
    pub fn build(self) -> Result<ScoredPruner<'a>> {
        if self.0.method.needs.data() {
            self.0.samples.validate()?;
        }
        Ok(self.0)
    }
}

impl<'a> ScoredPruner<'a> {
    /// The pruner of a method, which sees images of `data` if it looks at any.
    pub fn builder(method: Entry<Scored>, data: &'a Dataset) -> ScoredPrunerBuilder<'a> {
        ScoredPrunerBuilder(Self {
            method,
            seed: 0,
            options: Options::default(),
            data,
            samples: SampleSpec::default(),
            mode: OracleMode::default(),
            device: Device::CPU,
        })
    }
}

impl ScoredPruner<'_> {
    /// The method, asking about the network as it is now.
    fn method(&self, network: &Network, density: f64) -> Result<Method<'static>> {
        let oracle: Option<Box<dyn Oracle>> = if self.method.needs.oracle() {
            let (samples, mode) = (self.samples, self.mode);
            Some(Box::new(TorchOracle::of_data(network, self.data, samples, self.device, mode)?))
        } else {
            None
        };
        Ok(self.method.method(density, self.seed, &self.options, oracle)?)
    }
}

impl Pruner for ScoredPruner<'_> {
    fn info(&self) -> PrunerInfo {
        let mut parameters = BTreeMap::new();
        if self.method.needs.oracle() {
            let SampleSpec { per_class, batch, seed } = self.samples;
            let numbers = [
                ("per_class", per_class as u64),
                ("score_batch", batch as u64),
                ("data_seed", seed),
            ];
            parameters.extend(numbers.map(|(name, value)| (name.to_owned(), value.to_string())));
        }
        if let Some(schedule) = &self.options.schedule {
            parameters.insert("schedule".to_owned(), schedule.to_string());
        }
        if let Some(allocation) = &self.options.allocation {
            parameters.insert("allocation".to_owned(), allocation.to_string());
        }
        if !self.options.layers.is_empty() {
            parameters.insert("layers".to_owned(), self.options.layers.to_string());
        }
        if let Some(pattern) = self.options.pattern {
            parameters.insert("pattern".to_owned(), pattern.to_string());
        }
        if self.options.invert {
            parameters.insert("invert".to_owned(), "true".to_owned());
        }
        if self.method.needs.oracle() && self.mode != OracleMode::default() {
            parameters.insert("mode".to_owned(), self.mode.to_string());
        }
        parameters.extend(self.options.own.iter().cloned());
        PrunerInfo { method: self.method.name.to_owned(), seed: self.seed, parameters }
    }

    fn prune(&self, network: &Network, mask: &Mask, density: f64) -> Result<Mask> {
        let mut method = self.method(network, density)?;
        keep(&mut method.scorer, &method.plan, network, mask)
    }
}
