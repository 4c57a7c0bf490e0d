//! The data set that a method looks at before training, and the device that scores.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use phew_baselines::{Needs, Oracle};
use phew_graph::{Choice, Network, Provenance};
use phew_train::{Dataset, EngineOracle, Loss, OracleKind, SampleSpec, Set};
#[cfg(feature = "train")]
use phew_train::{Device, TorchOracle, libtorch};

use super::oracle::{ORACLE, usual_oracle};
use super::samples::SampleArgs;
use super::table::Method;
#[cfg(feature = "train")]
use crate::args::device;
use crate::args::{ImageArgs, choice, data_set as set, load_data as load};
#[cfg(not(feature = "train"))]
use crate::failure::NeedsLibtorch;
use crate::failure::usage;
use crate::stderr;

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

    /// What computes derivatives; by default libtorch where this phew has it, and phew's own engine elsewhere
    #[arg(long, value_name = "ORACLE", value_parser = choice::<OracleKind>())]
    oracle: Option<OracleKind>,

    /// Where libtorch is to compute: cpu, cuda, cuda:N, or auto (by default) for CUDA where it is visible
    #[cfg(feature = "train")]
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

    /// What computes derivatives.
    fn kind(&self) -> OracleKind {
        self.oracle.unwrap_or_else(usual_oracle)
    }

    /// Whether a method that needs this is to be computed by libtorch, if that is there.
    pub(crate) fn uses_libtorch(&self, needs: Needs) -> bool {
        needs.oracle() && self.oracle != Some(OracleKind::Engine)
    }

    /// Refuses what this build does not have, and what the method does not take or its oracle not answer.
    pub(crate) fn check(&self, method: &Method) -> anyhow::Result<()> {
        let (name, needs) = (method.name, method.needs);
        let option = match needs.data() {
            true => None,
            false => self.data.map(|_| "--data").or_else(|| self.images.given()),
        };
        let oracle = self.oracle.filter(|_| !needs.oracle()).map(|_| "--oracle");
        if let Some(option) = option.or(oracle) {
            return Err(usage(format!("{option} is not an option of method `{name}`")));
        }
        #[cfg(not(feature = "train"))]
        if self.oracle == Some(OracleKind::Libtorch) {
            return Err(NeedsLibtorch::new("--oracle libtorch").into());
        }
        if let Some(kind) = self.oracle.filter(|kind| needs.oracle() && !kind.answers(needs)) {
            let kind = kind.name();
            return Err(usage(format!(
                "method `{name}` needs {needs}, which --oracle {kind} does not compute"
            )));
        }
        #[cfg(feature = "train")]
        if let (OracleKind::Engine, Some(_)) = (self.kind(), self.device) {
            return Err(usage("--device is where libtorch computes, and not --oracle engine"));
        }
        Ok(())
    }

    /// Says what computes, where that is not what is usual elsewhere.
    pub(crate) fn say(&self, needs: Needs) {
        if cfg!(not(feature = "train"))
            && self.oracle.is_none()
            && OracleKind::Engine.answers(needs)
        {
            stderr::warn(
                "no libtorch here: derivatives are computed by phew's own engine (--oracle engine)",
            );
        }
    }

    /// What answers for a network on the data.
    pub(crate) fn oracle(
        &self,
        samples: &SampleArgs,
        data: Option<&Dataset>,
        network: &Network,
    ) -> anyhow::Result<Box<dyn Oracle>> {
        let (mode, spec) = (samples.oracle_mode(), samples.spec(SampleSpec::default().seed));
        if let Some(data) = data {
            data.fits(network.arch())?;
        }
        match (self.kind(), data) {
            (OracleKind::Engine, None) => {
                Ok(Box::new(EngineOracle::new(network, Vec::new(), Loss::default(), mode)?))
            }
            (OracleKind::Engine, Some(data)) => {
                Ok(Box::new(EngineOracle::of_data(network, data, spec, mode)?))
            }
            #[cfg(feature = "train")]
            (OracleKind::Libtorch, None) => {
                Ok(Box::new(TorchOracle::new(network, Vec::new(), Loss::default(), mode)?))
            }
            #[cfg(feature = "train")]
            (OracleKind::Libtorch, Some(data)) => {
                Ok(Box::new(TorchOracle::of_data(network, data, spec, self.device()?, mode)?))
            }
            #[cfg(not(feature = "train"))]
            (OracleKind::Libtorch, _) => unreachable!("this build was asked for it, and refused"),
        }
    }

    /// What a record says about the oracle, the data, the images and where they were looked at.
    pub(crate) fn provenance(
        &self,
        needs: Needs,
        data: Option<&Dataset>,
        samples: &SampleArgs,
        from: Provenance,
    ) -> anyhow::Result<Provenance> {
        let mut from = from;
        if needs.oracle() && self.kind() == OracleKind::Engine {
            from.parameters.insert(ORACLE.into(), self.kind().name().into());
        }
        let Some(data) = data else { return Ok(from) };
        from.parameters.extend(samples.parameters(SampleSpec::default().seed));
        from.parameters.extend(self.transform.map(|seed| ("transform".into(), seed.into())));
        if self.images.given().is_some() {
            from.parameters.insert("images".into(), serde_json::to_value(self.images.spec())?);
        }
        let from = Provenance {
            data: Some(data.name.clone()),
            data_hash: Some(data.fingerprint()),
            ..from
        };
        self.computed(from)
    }

    /// What a record says about libtorch, if that computes.
    #[cfg(feature = "train")]
    fn computed(&self, from: Provenance) -> anyhow::Result<Provenance> {
        if self.kind() == OracleKind::Engine {
            return Ok(from);
        }
        let torch = libtorch();
        Ok(Provenance {
            device: Some(self.device()?.to_string()),
            libtorch: torch.version,
            threads: Some(torch.threads),
            ..from
        })
    }

    #[cfg(not(feature = "train"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as the other build has it")]
    fn computed(&self, from: Provenance) -> anyhow::Result<Provenance> {
        Ok(from)
    }

    #[cfg(feature = "train")]
    fn device(&self) -> anyhow::Result<Device> {
        Ok(self.device.map_or_else(|| Device::by_name("auto"), Ok)?)
    }
}
