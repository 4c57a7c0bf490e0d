//! The data set that a method looks at before training, and the device that scores.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use phew_baselines::{Needs, Oracle};
use phew_graph::{Network, Provenance};
use phew_train::{Dataset, Device, Loss, SampleSpec, Set, TorchOracle, libtorch};

use super::samples::SampleArgs;
use crate::args::{ImageArgs, data_set as set, device, load_data as load};
use crate::failure::usage;

/// Which data set.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of the methods that look at data")]
pub(crate) struct SampleDataArgs {
    /// Data set whose training images are looked at (`phew data list` shows the sets)
    #[arg(long, value_name = "SET", value_parser = set)]
    data: Option<Set>,

    /// Its folder; by default where `phew data fetch` puts it
    #[arg(long, value_name = "DIR", requires = "data")]
    data_dir: Option<PathBuf>,

    /// Make of it the image transformation task of this seed: the loss is then the mean square, not the cross-entropy
    #[arg(long, value_name = "SEED", requires = "data")]
    transform: Option<u64>,

    /// Where to compute: cpu, cuda, cuda:N, or auto (by default) for CUDA where it is visible
    #[arg(long, value_name = "DEVICE", requires = "data", value_parser = device)]
    device: Option<Device>,

    #[command(flatten)]
    images: ImageArgs,
}

impl SampleDataArgs {
    /// The set itself, if the method looks at one.
    pub(crate) fn load(&self, needs: Needs) -> anyhow::Result<Option<Arc<Dataset>>> {
        match self.data {
            None if needs.data() => {
                Err(usage(format!("the method needs {needs}: name a set with --data")))
            }
            Some(set) if needs.data() => {
                Ok(Some(load(set, self.data_dir.as_deref(), self.transform, &self.images)?))
            }
            _ => Ok(None),
        }
    }

    /// The first option that was given to a method that does not look at data.
    pub(crate) fn given(&self) -> Option<&'static str> {
        self.data.map(|_| "--data").or_else(|| self.images.given())
    }

    fn device(&self) -> anyhow::Result<Device> {
        Ok(self.device.map_or_else(|| Device::by_name("auto"), Ok)?)
    }

    /// What answers for a network on the data.
    pub(crate) fn oracle(
        &self,
        samples: &SampleArgs,
        data: Option<&Dataset>,
        network: &Network,
    ) -> anyhow::Result<Box<dyn Oracle>> {
        let mode = samples.oracle_mode();
        let oracle = match data {
            None => TorchOracle::new(network, Vec::new(), Loss::default(), mode),
            Some(data) => {
                data.fits(network.arch())?;
                let spec = samples.spec(SampleSpec::default().seed);
                TorchOracle::of_data(network, data, spec, self.device()?, mode)
            }
        };
        Ok(Box::new(oracle?))
    }

    /// What a record says about the data, the images and where they were looked at.
    pub(crate) fn provenance(
        &self,
        data: &Dataset,
        samples: &SampleArgs,
        from: Provenance,
    ) -> anyhow::Result<Provenance> {
        let torch = libtorch();
        let mut parameters = from.parameters;
        parameters.extend(samples.parameters(SampleSpec::default().seed));
        parameters.extend(self.transform.map(|seed| ("transform".into(), seed.into())));
        if self.images.given().is_some() {
            parameters.insert("images".into(), serde_json::to_value(self.images.spec())?);
        }
        Ok(Provenance {
            data: Some(data.name.clone()),
            data_hash: Some(data.fingerprint()),
            device: Some(self.device()?.to_string()),
            libtorch: torch.version,
            parameters,
            threads: Some(torch.threads),
            ..from
        })
    }
}
