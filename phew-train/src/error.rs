//! What can go wrong, each with what to do about it.

use std::path::{Path, PathBuf};

/// Every error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A file or folder of a data set is not there.
    #[error("{}: not found; {hint}", path.display())]
    Missing {
        /// What was looked for.
        path: PathBuf,
        /// What to do.
        hint: String,
    },
    /// A file is there but does not hold what it should.
    #[error("{}: {problem}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found and what was expected.
        problem: String,
    },
    /// The system refused to read or write.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A download failed; what has arrived is kept, and the next try goes on from there.
    #[error("cannot fetch {url}: {problem}")]
    Fetch {
        /// The address tried last.
        url: String,
        /// What happened.
        problem: String,
    },
    /// A downloaded file is not the published one.
    #[error("{}: sha256 {found}, expected {expected}; the file was removed, fetch it again", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The published sum.
        expected: String,
        /// The sum of what arrived.
        found: String,
    },
    /// A parameter is out of its range.
    #[error("{what}: found {found}, expected {expected}")]
    Parameter {
        /// The parameter.
        what: &'static str,
        /// The offending value.
        found: String,
        /// What is allowed.
        expected: String,
    },
    /// A folder holds another run than the one that was asked for.
    #[error(
        "{}: holds another run ('{found}' where this one has '{wanted}'); name another folder{}",
        dir.display(),
        older_hash(found, wanted)
    )]
    OtherRun {
        /// The folder.
        dir: PathBuf,
        /// The first line of its `config.toml` that differs.
        found: String,
        /// That line of this run's.
        wanted: String,
    },
    /// The loss is no number any more.
    #[error("the loss is not finite in epoch {epoch}: the learning rate may be too high")]
    Diverged {
        /// The epoch, from 1.
        epoch: u64,
    },
    /// Weights that were pruned are not 0: a defect of this program, or the weights are no numbers.
    #[error("{count} pruned scalars are not zero")]
    Revived {
        /// How many, weights or buffers.
        count: u64,
    },
    /// A pruner keeps a weight that was pruned before.
    #[error(
        "pruning {pruning}, at step {step}, by `{method}`: weight {index} of `{tensor}` is kept, which was pruned before"
    )]
    NotNested {
        /// Which pruning of the run, from 1.
        pruning: u64,
        /// Steps done before it, as [`Trainer::step`](crate::Trainer::step) counts them.
        step: u64,
        /// The pruner's name.
        method: String,
        /// Tensor of the first such weight.
        tensor: String,
        /// Its place in the tensor, row-major.
        index: usize,
    },
    /// An architecture, weights or a mask that do not fit.
    #[error(transparent)]
    Graph(#[from] phew_graph::GraphError),
    /// A method of pruning cannot do what it was asked to.
    #[error(transparent)]
    Baseline(#[from] phew_baselines::BaselineError),
    /// Eigenvalues could not be found.
    #[error(transparent)]
    Metric(#[from] phew_metrics::MetricError),
    /// A pruner of the caller's own cannot do what it was asked to.
    #[error(transparent)]
    Pruner(Box<dyn std::error::Error + Send + Sync>),
    /// libtorch refused an operation: out of memory, say.
    #[cfg(feature = "torch")]
    #[error("libtorch: {}", first_line(.0))]
    Torch(#[from] tch::TchError),
}

/// What else may be the matter where two runs differ in the hash of their masks first.
fn older_hash(found: &str, wanted: &str) -> &'static str {
    if [found, wanted].iter().all(|line| line.starts_with("mask = ")) {
        ". If it is this very run, begun by an older build of phew, which hashed masks by SHA-256, only that build \
         can go on with it"
    } else {
        ""
    }
}

/// libtorch's message without its trace.
#[cfg(feature = "torch")]
fn first_line(error: &tch::TchError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Shorthand for this crate's results.
pub(crate) type Result<T, E = TrainError> = std::result::Result<T, E>;

impl TrainError {
    pub(crate) fn corrupt(path: &Path, problem: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_owned(), problem: problem.into() }
    }

    pub(crate) fn missing(path: &Path, hint: impl Into<String>) -> Self {
        Self::Missing { path: path.to_owned(), hint: hint.into() }
    }

    /// Turns the system's answer about `path` into an error that names it.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}
