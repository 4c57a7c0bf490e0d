//! Everything that can go wrong in this crate.

use phew_graph::GraphError;

use crate::needs::Needs;

/// What went wrong, with the value found and what was expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BaselineError {
    /// A parameter outside its range.
    #[error("{name} is {found}, expected {expected}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its value.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A scorer gave a weight no comparable score.
    #[error("the score of `{tensor}` at flat index {index} is NaN, expected a number")]
    NotComparable {
        /// The tensor.
        tensor: String,
        /// Row-major index.
        index: usize,
    },
    /// Scores that tell no weight from another.
    #[error(
        "the scores of all {candidates} weights are {score}: they tell none from another, and a mask would keep the first"
    )]
    SaysNothing {
        /// Weights that were to choose from.
        candidates: usize,
        /// The score that all of them have.
        score: f64,
    },
    /// Scores, gradients or weights that do not fit the architecture.
    #[error("{what}: found {found} values for `{tensor}`, expected {expected}")]
    Length {
        /// Which values.
        what: &'static str,
        /// The tensor.
        tensor: String,
        /// Number found.
        found: usize,
        /// Number expected.
        expected: usize,
    },
    /// Scores of another shape than their tensor's.
    #[error("{what}: found shape {found:?} for `{tensor}`, expected {expected:?}")]
    Shape {
        /// Which values.
        what: &'static str,
        /// The tensor.
        tensor: String,
        /// Shape found.
        found: Vec<usize>,
        /// Shape expected.
        expected: Vec<usize>,
    },
    /// A method that asks about data was not given an oracle.
    #[error("method `{method}` needs {needs}, and no oracle was given")]
    NeedsOracle {
        /// The method.
        method: &'static str,
        /// What it needs.
        needs: Needs,
    },
    /// The oracle cannot answer this question.
    #[error("this oracle does not provide {what}")]
    Unsupported {
        /// What was asked for.
        what: &'static str,
    },
    /// The caller stopped the pruning.
    #[error("stopped after {done} steps")]
    Stopped {
        /// Steps done.
        done: usize,
    },
    /// The oracle failed.
    #[error("the oracle failed: {0}")]
    Oracle(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Something below failed.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

impl BaselineError {
    pub(crate) fn parameter(
        name: &'static str,
        found: impl ToString,
        expected: impl Into<String>,
    ) -> Self {
        Self::Parameter { name, found: found.to_string(), expected: expected.into() }
    }
}
