//! How a command fails: one line on stderr and an exit code.

use std::process::ExitCode;

use phew_baselines::BaselineError;
use phew_graph::GraphError;
use phew_walk::WalkError;

use crate::stderr;

/// A request that makes no sense, whatever the files hold: exit code 2.
#[derive(Debug)]
pub(crate) struct Usage(String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Wraps a message as a usage error.
pub(crate) fn usage(message: impl Into<String>) -> anyhow::Error {
    Usage(message.into()).into()
}

/// Ctrl-C or a termination signal: exit code 130.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted; nothing half-written remains")
    }
}

impl std::error::Error for Interrupted {}

/// A training run was asked to stop, and did so after writing a checkpoint: exit code 75, try again.
#[cfg(feature = "train")]
#[derive(Debug)]
pub(crate) struct Checkpointed {
    /// Steps done.
    pub(crate) step: u64,
}

#[cfg(feature = "train")]
impl std::fmt::Display for Checkpointed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "stopped at step {}, as asked; the same command goes on from there", self.step)
    }
}

#[cfg(feature = "train")]
impl std::error::Error for Checkpointed {}

/// Work that only a build with libtorch does, asked of one without: exit code 2.
#[derive(Debug)]
pub(crate) struct NeedsLibtorch {
    what: String,
    /// What asks for phew's own engine, where that does the work too.
    engine: Option<&'static str>,
}

impl NeedsLibtorch {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), engine: None }
    }

    /// Names what asks for phew's own engine instead.
    pub(crate) fn or_by_engine(self, asked_by: &'static str) -> Self {
        Self { engine: Some(asked_by), ..self }
    }
}

impl std::fmt::Display for NeedsLibtorch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` needs libtorch", self.what)?;
        if let Some(engine) = self.engine {
            write!(f, " (with {engine} phew's own engine)")?;
        }
        write!(f, ", and {NO_TRAINING}")
    }
}

impl std::error::Error for NeedsLibtorch {}

/// How to get what this build lacks.
pub(crate) const NO_TRAINING: &str = "this phew was built without training: `make build` puts phew-torch, which has \
    libtorch, beside it, and PHEW_TORCH names one elsewhere";

/// A sweep was asked to stop before its end: exit code 75, try again.
#[derive(Debug)]
pub(crate) struct SweepStopped {
    /// Jobs that are not done.
    pub(crate) left: usize,
}

impl std::fmt::Display for SweepStopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "stopped, as asked, with {} jobs to do; the same command goes on from there",
            self.left
        )
    }
}

impl std::error::Error for SweepStopped {}

/// Whether work was stopped by a signal and did not fail.
pub(crate) fn was_stopped(error: &anyhow::Error) -> bool {
    matches!(exit_code(error), 75 | 130)
}

/// What a request of a method of `phew-baselines` got wrong is a usage error; the rest is a failure.
pub(crate) fn of_baseline(error: BaselineError) -> anyhow::Error {
    match error {
        BaselineError::Stopped { .. } => Interrupted.into(),
        BaselineError::Parameter { .. } => usage(error.to_string()),
        #[cfg(not(feature = "train"))]
        BaselineError::NeedsOracle { method, needs } => {
            usage(format!("method `{method}` needs {needs}, and {NO_TRAINING}"))
        }
        #[cfg(feature = "train")]
        BaselineError::NeedsOracle { method, needs } => {
            usage(format!("method `{method}` needs {needs}, which this build of phew cannot serve"))
        }
        BaselineError::Graph(error) => error.into(),
        other => other.into(),
    }
}

/// Prints the error and gives its exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    stderr::warn(shortened(line(error)));
    ExitCode::from(exit_code(error))
}

/// The exit code of a command that failed: 2 for a request that makes no sense, 75 for a training run that was asked
/// to stop and can go on, 130 for any other command that was interrupted, 1 for everything else.
#[must_use]
pub fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<Interrupted>() {
        return 130;
    }
    #[cfg(feature = "train")]
    if error.is::<Checkpointed>() {
        return 75;
    }
    if error.is::<SweepStopped>() {
        return 75;
    }
    if is_usage(error) { 2 } else { 1 }
}

/// A line that is not longer than a page: of very long names the middle is left out.
fn shortened(line: String) -> String {
    const ENDS: [usize; 2] = [700, 200];
    let count = line.chars().count();
    if count <= ENDS[0] + ENDS[1] {
        return line;
    }
    let first: String = line.chars().take(ENDS[0]).collect();
    let last: String = line.chars().skip(count - ENDS[1]).collect();
    format!("{first} … {last}")
}

/// The error and its causes, but for those that an outer one has quoted already.
fn line(error: &anyhow::Error) -> String {
    let mut line = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !line.contains(&cause) {
            line += &format!(": {cause}");
        }
    }
    line
}

fn is_usage(error: &anyhow::Error) -> bool {
    let of_graph = |e: &GraphError| {
        matches!(
            e,
            GraphError::Zoo(_)
                | GraphError::Exists { .. }
                | GraphError::Parameter { .. }
                | GraphError::Layers { .. }
        )
    };
    if let Some(error) = error.downcast_ref::<phew_train::TrainError>() {
        use phew_train::TrainError::{Baseline, Graph, OtherRun, Parameter};
        return match error {
            Parameter { .. }
            | OtherRun { .. }
            | Baseline(BaselineError::Parameter { .. } | BaselineError::NeedsOracle { .. }) => true,
            Graph(e) | Baseline(BaselineError::Graph(e)) => of_graph(e),
            _ => false,
        };
    }
    error.is::<Usage>()
        || error.is::<NeedsLibtorch>()
        || error.downcast_ref().is_some_and(of_graph)
        || match error.downcast_ref::<WalkError>() {
            Some(WalkError::Graph(e)) => of_graph(e),
            Some(WalkError::Unreachable { .. } | WalkError::TooManyWalks { .. }) => true,
            _ => false,
        }
}
