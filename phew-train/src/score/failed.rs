//! What an oracle runs into, as a scorer says it.

use phew_baselines::BaselineError;

use crate::error::TrainError;

pub(super) fn failed(error: TrainError) -> BaselineError {
    match error {
        TrainError::Graph(error) => BaselineError::Graph(error),
        other => BaselineError::Oracle(Box::new(other)),
    }
}
