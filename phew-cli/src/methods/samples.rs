//! Which images methods of data look at, and how.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use phew_train::{OracleMode, SampleSpec};
use serde_json::Value;

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

    /// Normalisation while the images are looked at: train (by the batch, as the authors' programs) or eval (by the
    /// running statistics); train by default
    #[arg(long, value_name = "MODE")]
    mode: Option<ScoreMode>,
}

/// How normalisation behaves while a network is scored.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScoreMode {
    Train,
    Eval,
}

impl SampleArgs {
    /// How normalisation behaves.
    pub(crate) fn oracle_mode(&self) -> OracleMode {
        match self.mode {
            None => OracleMode::default(),
            Some(ScoreMode::Train) => OracleMode::Train,
            Some(ScoreMode::Eval) => OracleMode::Eval,
        }
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
            ("mode".into(), serde_json::to_value(self.oracle_mode()).unwrap_or_default()),
            ("per_class".into(), spec.per_class.into()),
            ("score_batch".into(), spec.batch.into()),
        ])
    }
}
