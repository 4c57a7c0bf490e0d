//! The images that methods of data look at.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use phew_baselines::{Needs, Oracle};
use phew_graph::Network;
use phew_train::{Device, Loss, OracleMode, SampleSpec, Set, TorchOracle};
use serde_json::Value;

use crate::commands::data::{load, set};
use crate::failure::usage;

/// Which images a method looks at that asks about data.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of the methods that look at data")]
pub(super) struct SampleArgs {
    /// Data set whose training images are looked at (`phew data list` shows the sets)
    #[arg(long, value_name = "SET", value_parser = set)]
    data: Option<Set>,

    /// Its folder; by default where `phew data fetch` puts it
    #[arg(long, value_name = "DIR", requires = "data")]
    data_dir: Option<PathBuf>,

    /// Make of it the image transformation task of this seed: the loss is then the mean square, not the cross-entropy
    #[arg(long, value_name = "SEED", requires = "data")]
    transform: Option<u64>,

    /// Training images of each class that are looked at; 10 by default
    #[arg(long, value_name = "N", requires = "data")]
    per_class: Option<usize>,

    /// Images of a batch, whose derivatives are added up; 256 by default
    #[arg(long, value_name = "N", requires = "data")]
    score_batch: Option<usize>,

    /// Seed of the choice of images; 0 by default
    #[arg(long, value_name = "SEED", requires = "data")]
    data_seed: Option<u64>,

    /// Normalisation while the images are looked at: train (by the batch, as the authors' programs) or eval (by the
    /// running statistics); train by default
    #[arg(long, value_name = "MODE", requires = "data")]
    mode: Option<ScoreMode>,
}

/// How normalisation behaves while a network is scored.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScoreMode {
    Train,
    Eval,
}

impl SampleArgs {
    fn oracle_mode(&self) -> OracleMode {
        match self.mode {
            None => OracleMode::default(),
            Some(ScoreMode::Train) => OracleMode::Train,
            Some(ScoreMode::Eval) => OracleMode::Eval,
        }
    }

    fn spec(&self) -> SampleSpec {
        let usual = SampleSpec::default();
        SampleSpec {
            per_class: self.per_class.unwrap_or(usual.per_class),
            batch: self.score_batch.unwrap_or(usual.batch),
            seed: self.data_seed.unwrap_or(usual.seed),
        }
    }

    /// What answers for a network.
    pub(super) fn oracle(
        &self,
        needs: Needs,
        network: &Network,
    ) -> anyhow::Result<Option<Box<dyn Oracle>>> {
        let mode = self.oracle_mode();
        let oracle = match self.data {
            _ if !needs.data() => TorchOracle::new(network, Vec::new(), Loss::default(), mode),
            None => return Err(usage(format!("the method needs {needs}: name a set with --data"))),
            Some(set) => {
                let data = load(set, self.data_dir.as_deref(), self.transform)?;
                data.fits(network.arch())?;
                let device = Device::by_name("auto")?;
                TorchOracle::of_data(network, &data, self.spec(), device, mode)
            }
        };
        Ok(Some(Box::new(oracle?)))
    }

    /// What a mask's metadata says about the images.
    pub(super) fn parameters(&self) -> BTreeMap<String, Value> {
        let spec = self.spec();
        let mut parameters = BTreeMap::from([
            ("data".into(), serde_json::to_value(self.data).unwrap_or_default()),
            ("data_seed".into(), spec.seed.into()),
            ("mode".into(), serde_json::to_value(self.oracle_mode()).unwrap_or_default()),
            ("per_class".into(), spec.per_class.into()),
            ("score_batch".into(), spec.batch.into()),
        ]);
        parameters.extend(self.transform.map(|seed| ("transform".into(), seed.into())));
        parameters
    }
}
