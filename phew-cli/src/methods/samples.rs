//! Which images methods of data look at, and how.

use std::collections::BTreeMap;

use clap::Args;
use phew_graph::Choice;
use phew_train::{OracleMode, SampleSpec};
use serde_json::Value;

use crate::args::choice;

/// Which images of a data set a method looks at.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of the methods that look at data")]
pub(crate) struct SampleArgs {
    /// Training images of each class that are looked at; 10 by default
    #[arg(long, value_name = "N")]
    per_class: Option<usize>,

    /// Images of a batch, whose derivatives are added up; 256 by default
    #[arg(long, value_name = "N")]
    score_batch: Option<usize>,

    /// Seed of the choice of images; by default 0, and in the course of training the method's
    #[arg(long, value_name = "SEED")]
    data_seed: Option<u64>,

    /// Normalisation while the images are looked at; train by default
    #[arg(long, value_name = "MODE", value_parser = choice::<OracleMode>())]
    mode: Option<OracleMode>,
}

impl SampleArgs {
    /// How normalisation behaves.
    pub(crate) fn oracle_mode(&self) -> OracleMode {
        self.mode.unwrap_or_default()
    }

    /// Which images; chosen by `seed` unless another was given.
    pub(crate) fn spec(&self, seed: u64) -> SampleSpec {
        let usual = SampleSpec::default();
        SampleSpec {
            per_class: self.per_class.unwrap_or(usual.per_class),
            batch: self.score_batch.unwrap_or(usual.batch),
            seed: self.data_seed.unwrap_or(seed),
        }
    }

    /// What a mask's metadata says about the images.
    pub(crate) fn parameters(&self, seed: u64) -> BTreeMap<String, Value> {
        let spec = self.spec(seed);
        BTreeMap::from([
            ("data_seed".into(), spec.seed.into()),
            ("mode".into(), self.oracle_mode().name().into()),
            ("per_class".into(), spec.per_class.into()),
            ("score_batch".into(), spec.batch.into()),
        ])
    }
}
